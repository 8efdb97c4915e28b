//! What is measured on: a vendor, ledgers of so many records, and raw files of the same frames.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reprieve::client::{App, Builder};
use reprieve::document::{self, KeyEntry, Keys, Role, SigningKey};
use reprieve::ledger::codec::{RawEvent, decode_batch, encode_batch};
use reprieve::ledger::{Config, Disk, KeySource, Ledger, LedgerId, OVERHEAD};
use reprieve::terms::Kind;
use reprieve::time::Instant;
use serde_json::{Value, json};

use crate::Result;

/// The bytes of a record, in every row.
pub const PAYLOAD: usize = 200;
/// The bytes of its frame.
pub const FRAME: usize = PAYLOAD + OVERHEAD;
/// How many records a log has behind its newest snapshot: half of what the client lets come together.
const TAIL: u64 = 128;
/// A type number that no release has: an event that every release keeps in the tree and skips.
const FOREIGN: u16 = 60_000;

pub const MONTH: i64 = 30 * 86_400;
/// How many seconds before the ledger was made its lease is signed: so many newer ones there can be.
pub const LEASES: i64 = 10_000;

/// Seconds since 1970.
pub fn now() -> Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?)
}

/// A folder on a real disk: in memory a sync costs nothing.
pub fn place() -> Result<PathBuf> {
    let folder = std::env::var_os("REPRIEVE_BENCH_FOLDER").map_or(PathBuf::from("build"), PathBuf::from);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

pub fn payload(n: u64) -> [u8; PAYLOAD] {
    let mut bytes = [0x5a; PAYLOAD];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    bytes
}

/// A ledger that knows nothing of licences, as it is found in `folder`.
pub fn config(folder: &Path) -> Config {
    let mut config = Config::new(folder, "bench", KeySource::application(b"the application's secret", &[]));
    config.lock_timeout = Duration::from_secs(120);
    config
}

pub fn create(folder: &Path) -> Result<Ledger> {
    fs::create_dir_all(folder)?;
    Ok(Ledger::create(Arc::new(Disk), &config(folder), LedgerId::random()?, 1, b"genesis")?)
}

/// A file of `size` bytes, written and synced, so that writing into it changes no length.
pub fn preallocated(path: &Path, size: usize) -> Result<File> {
    use std::io::Write;
    let mut file = File::options().read(true).write(true).create_new(true).open(path)?;
    let zeros = vec![0; 1 << 20];
    for at in (0..size).step_by(zeros.len()) {
        file.write_all(&zeros[..zeros.len().min(size - at)])?;
    }
    file.sync_all()?;
    Ok(file)
}

/// A vendor's application and documents, the same in every process.
pub struct Vendor {
    root: SigningKey,
    keys: Vec<SigningKey>,
    app: App,
}

const ROLES: [Role; 2] = [Role::Lease, Role::Policy];

impl Vendor {
    pub fn new() -> Result<Vendor> {
        let root = SigningKey::from_seed("root-1", [99; 32])?;
        let keys = ROLES.iter().zip(1..).map(|(role, seed)| SigningKey::from_seed(role.as_str(), [seed; 32]));
        let keys = keys.collect::<std::result::Result<Vec<_>, _>>()?;
        let document = Keys {
            version: 1,
            keys: keys.iter().zip(ROLES).map(|(key, role)| KeyEntry { roles: vec![role], ..key.entry(&[]) }).collect(),
            roots: vec![root.root_key()],
            endpoints: Vec::new(),
            mirrors: Vec::new(),
            iat: Instant::from_seconds(1_700_000_000),
        };
        let mut app = App::new("acme", b"the application's secret", vec![root.root_key()]);
        app.keys = Some(document::issue(Kind::Keys, &document.claims(), &[&root])?);
        Ok(Vendor { root, keys, app })
    }

    fn issue(&self, role: Role, kind: Kind, claims: &Value) -> Result<Vec<u8>> {
        let key = self.keys.iter().find(|key| key.kid() == role.as_str()).ok_or("no key of that role")?;
        Ok(document::issue(kind, claims, &[key])?)
    }

    pub fn builder(&self, folder: &Path) -> Builder {
        Builder::new(self.app.clone()).folder(folder.join("ledger")).witness(folder.join("witness"))
    }

    /// The application file, for a ledger as [`Vendor::builder`] opens it in the same folder.
    pub fn app_file(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join("reprieve.toml");
        let keys = std::str::from_utf8(self.app.keys.as_deref().ok_or("an application without keys")?)?;
        let text = format!(
            "vendor = \"acme\"\nsecret = \"{}\"\nkeys = \"{keys}\"\nroots = [{{ kid = \"root-1\", x = \"{}\" }}]\n\n\
             [place]\nfolder = \"ledger\"\nwitness = \"witness\"\n",
            STANDARD.encode(&*self.app.secret),
            STANDARD.encode(self.root.root_key().x),
        );
        fs::write(&path, text)?;
        Ok(path)
    }

    /// A lease, signed at `iat`, under which the features run until `until`.
    pub fn lease(&self, iat: i64, until: i64) -> Result<Vec<u8>> {
        let features = json!({ "core": until, "render": until });
        let lease = json!({ "license": "L1", "sku": "cad", "ledger": "*", "features": features, "iat": iat });
        self.issue(Role::Lease, Kind::Lease, &lease)
    }

    /// The ledger of a product that has run for long: a policy, a lease, a feature in use, and `records` records more of other
    /// products, 200 bytes each; a snapshot near its end, as every client leaves them.
    pub fn ledger(&self, folder: &Path, records: u64) -> Result<()> {
        let now = now()?;
        let rules = json!({ "unknown": { "allowance": "3d" }, "network": { "allowance": "14d" } });
        let policy = json!({
            "schema": 1, "id": "acme", "version": 1, "default_tier": "basic", "tiers": { "basic": rules }, "iat": now,
        });
        let client = self.builder(folder).open()?;
        for token in [self.issue(Role::Policy, Kind::Policy, &policy)?, self.lease(now - LEASES, now + MONTH)?] {
            if !client.import(&token)?.accepted {
                return Err("a document was refused".into());
            }
        }
        client.check("cad", "core");
        client.close()?;
        self.fill(folder, records - TAIL)?;
        // Whoever reads all of that leaves a snapshot.
        self.builder(folder).open()?.close()?;
        self.fill(folder, TAIL)
    }

    fn fill(&self, folder: &Path, records: u64) -> Result<()> {
        let opened = Ledger::open(Arc::new(Disk), &self.builder(folder).config()?)?;
        let mut ledger = opened.ledger;
        let newest = ledger.read_record(ledger.next_seq() - 1)?.ok_or("the ledger has no records")?;
        let (head, _) = decode_batch(&newest)?;
        let event = |body| RawEvent { kind: FOREIGN, must_understand: false, body };
        let bare = encode_batch(&head, &[event(Vec::new())])?.len();
        let lock = ledger.lock()?;
        ledger.settle(&lock)?;
        for n in 0..records {
            let body = payload(n)[..PAYLOAD - bare].to_vec();
            ledger.append(&lock, &encode_batch(&head, &[event(body)])?)?;
        }
        drop(lock);
        Ok(ledger.sync()?)
    }
}
