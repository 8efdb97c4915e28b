//! `reprieve-authority init`: keys, a first policy, an application file and a database, in a folder that is ready to serve.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reprieve::client::App;
use reprieve::document::{self, Endpoint, Keys, Role, SigningKey};
use reprieve::policy::Policy;
use reprieve::terms::{Kind, is_name};
use reprieve::time::Instant;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::issue::Authority;
use crate::keys::{self, Passphrase, private_file};
use crate::store::Store;

/// What is to be made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The folder.
    pub folder: PathBuf,
    /// The vendor's id.
    pub vendor: String,
    /// Where products find it.
    pub url: String,
    /// Where it listens.
    pub listen: std::net::SocketAddr,
    /// `sqlite:FILE` or servers of PostgreSQL's.
    pub databases: Vec<String>,
    /// Whether PostgreSQL must have a standby.
    pub require_standby: bool,
    /// Who may sign extensions: each gets a key of role support.
    pub people: Vec<String>,
}

fn random(bytes: usize) -> Result<Zeroizing<String>> {
    let mut secret = Zeroizing::new(vec![0u8; bytes]);
    SystemRandom::new().fill(&mut secret).map_err(|_| Error::unavailable("the system gives no random numbers"))?;
    Ok(Zeroizing::new(STANDARD.encode(secret.as_slice())))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |error: std::io::Error| Error::input(format!("{}: {error}", path.display()));
    if path.exists() {
        return Err(Error::input(format!("{} is there already; choose another folder", path.display())));
    }
    std::fs::write(path, text).map_err(failed)
}

/// A text in TOML.
fn quoted(text: &str) -> String {
    // A string of JSON is one of TOML.
    serde_json::Value::from(text).to_string()
}

fn policy(vendor: &str, date: &str, approvals: usize) -> String {
    format!(
        r#"# The rules of grace: docs/policy.md. Publish a newer version with `reprieve-authority policy publish`.
schema = 1
id = {id}
version = 1
default_tier = "standard"

[governance]
approvals = {approvals}
max_extension = "7d"

[tiers.standard]
warn = ["7d", "24h"]
budget = {{ limit = "30d", window = "90d" }}
network = {{ allowance = "14d", stages = [{{ after = "0s", access = "full" }}, {{ after = "7d", access = "limited" }}] }}
server = {{ allowance = "14d" }}
unknown = {{ allowance = "3d" }}
maintenance = {{ allowance = "7d", margin = "12h" }}

[[changes]]
version = 1
date = "{date}"
summary = "The first policy."
"#,
        id = quoted(vendor),
    )
}

/// Makes it all, and issues the first keys and policy. Gives what to do next.
///
/// # Errors
/// Where the folder holds something already, or cannot be written. Nothing that is there is overwritten.
pub async fn init(plan: &Plan) -> Result<String> {
    if !is_name(&plan.vendor) {
        return Err(Error::input(format!("{:?} is no name for a vendor", plan.vendor)));
    }
    let (folder, vendor) = (&plan.folder, &plan.vendor);
    let failed = |path: &Path, error: std::io::Error| Error::input(format!("{}: {error}", path.display()));
    let config_path = folder.join("authority.toml");
    if config_path.exists() {
        return Err(Error::input(format!("{} is there already; choose another folder", config_path.display())));
    }
    for path in [folder.clone(), folder.join("keys"), folder.join("people")] {
        std::fs::create_dir_all(&path).map_err(|error| failed(&path, error))?;
    }
    let passphrase: Passphrase = random(24)?;
    private_file(&folder.join("keys/passphrase"), format!("{}\n", passphrase.as_str()).as_bytes())?;
    let made = |error: document::KeyError| Error::unavailable(error.to_string());
    let mut entries = Vec::new();
    let root = SigningKey::generate("root-1").map_err(made)?;
    keys::write(&folder.join("keys/root-1.pem"), &root, &passphrase)?;
    let mut policy_key = None;
    for role in [Role::Lease, Role::Policy, Role::Notice, Role::Revocation, Role::Ruling] {
        let key = SigningKey::generate(format!("{role}-1")).map_err(made)?;
        keys::write(&folder.join(format!("keys/{role}-1.pem")), &key, &passphrase)?;
        entries.push(key.entry(&[role]));
        if role == Role::Policy {
            policy_key = Some(key);
        }
    }
    let log = SigningKey::generate("log-1").map_err(made)?;
    keys::write(&folder.join("keys/log-1.pem"), &log, &passphrase)?;
    for person in &plan.people {
        let kid = format!("support-{person}");
        if !is_name(&kid) {
            return Err(Error::input(format!("{person:?} is no name for a key")));
        }
        let (key, theirs) = (SigningKey::generate(kid.as_str()).map_err(made)?, random(18)?);
        keys::write(&folder.join(format!("people/{kid}.pem")), &key, &theirs)?;
        private_file(&folder.join(format!("people/{kid}.passphrase")), format!("{}\n", theirs.as_str()).as_bytes())?;
        entries.push(key.entry(&[Role::Support]));
    }
    let now = reprieve_now();
    let endpoints = vec![Endpoint::new(format!("{}/v1/renew", plan.url.trim_end_matches('/')))];
    let document =
        Keys { version: 1, keys: entries, roots: vec![root.root_key()], endpoints, mirrors: Vec::new(), iat: now };
    let keys_token = document::issue(Kind::Keys, &document.claims(), &[&root])?;
    let date = now.to_string();
    let date = date.get(..10).unwrap_or_default();
    let text = policy(vendor, date, plan.people.len().clamp(1, 2));
    let parsed = Policy::from_toml(&text).map_err(|error| Error::input(format!("the first policy: {error}")))?;
    let mut claims = parsed.to_json();
    if let Some(claims) = claims.as_object_mut() {
        claims.insert("iat".to_owned(), serde_json::json!(now.seconds()));
    }
    let policy_key = policy_key.ok_or_else(|| Error::unavailable("there is no key for policies"))?;
    let policy_token = document::issue(Kind::Policy, &claims, &[&policy_key])?;
    write(&folder.join("policy.toml"), &text)?;
    let text_of = |token: &[u8]| String::from_utf8_lossy(token).into_owned();
    let app = format!(
        "# Ship this file with every product of yours: docs/guide.md. It holds no secret of the authority's.\nvendor = {}\nsecret = {}\nroots = [{{ kid = {}, x = {} }}]\n\
         keys = {}\nendpoints = [{}]\n",
        quoted(vendor),
        quoted(&random(32)?),
        quoted(root.kid()),
        quoted(&STANDARD.encode(root.public())),
        quoted(&text_of(&keys_token)),
        quoted(&format!("{}/v1/renew", plan.url.trim_end_matches('/'))),
    );
    write(&folder.join("reprieve.toml"), &app)?;
    let urls: Vec<String> = plan.databases.iter().map(|url| quoted(url)).collect();
    let settings = format!(
        "# The settings of an authority: docs/authority.md.\napp = \"reprieve.toml\"\n\n[server]\nlisten = {}\n\n[database]\nurls = [{}]\n{}\n[keys]\nlease = \"keys/lease-1.pem\"\n\
         log = \"keys/log-1.pem\"\npassphrase = \"keys/passphrase\"\n\n[renewal]\nlease = \"7d\"\n\n[log]\norigin = {}\n",
        quoted(&plan.listen.to_string()),
        urls.join(", "),
        if plan.require_standby { "" } else { "require_standby = false\n" },
        quoted(&format!("{vendor}/authority")),
    );
    write(&config_path, &settings)?;
    let config = Config::read(&config_path)?;
    let store = Store::create(&config).await?;
    if store.log_state().await?.size > 0 {
        return Err(Error::input(
            "the database is in use already: another authority has issued documents; name an empty one",
        ));
    }
    let app = App::from_file(&config.app).map_err(|error| Error::input(error.to_string()))?;
    first(config, store, &app, &[(&keys_token, "the first keys"), (&policy_token, "the first policy")], log).await?;
    Ok(next_steps(plan))
}

fn reprieve_now() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Instant::from_seconds(i64::try_from(since.as_secs()).unwrap_or(0))
}

/// Issues the first documents.
async fn first(config: Config, store: Store, app: &App, tokens: &[(&Vec<u8>, &str)], log: SigningKey) -> Result<()> {
    let trust = crate::trust_of(app)?;
    let passphrase = keys::passphrase(config.keys.passphrase.as_deref())?;
    let lease = keys::read(&config.keys.lease, &passphrase)?;
    let authority = Authority::start(config, store, trust, Box::new(lease), Box::new(log)).await?;
    for (token, why) in tokens {
        authority.publish(token, "init", why).await?;
    }
    Ok(())
}

fn next_steps(plan: &Plan) -> String {
    let folder = plan.folder.display();
    let people = match plan.people.is_empty() {
        true => String::new(),
        false => "Give each of people/*.pem and its passphrase to its owner, and delete them here.\n".to_owned(),
    };
    format!(
        "An authority of {} is in {folder}. Keep keys/root-1.pem and keys/passphrase where nobody else reads them.\n{people}\
         Next:\n\
         \x20 reprieve-authority --config {folder}/authority.toml serve\n\
         \x20 reprieve-authority --config {folder}/authority.toml product new cad --name \"CAD\"\n\
         \x20 reprieve-authority --config {folder}/authority.toml license new L1 --sku cad --customer \"A customer\" --feature core\n",
        plan.vendor
    )
}
