//! An authority in a folder of its own, served on a port of its own, and what speaks to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reprieve::client::{Answer, Builder, Client};
use reprieve::document::{self, SigningKey};
use reprieve::ledger::note::{self, Checkpoint};
use reprieve::ledger::{Chain, LedgerId};
use reprieve::renew::RenewalRequest;
use reprieve::terms::Kind;
use reprieve_authority::config::Config;
use reprieve_authority::init::{Plan, init};
use reprieve_authority::{http, keys};
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

pub struct World {
    pub dir: TempDir,
    runtime: Runtime,
    pub base: String,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<std::sync::Mutex<mpsc::Receiver<()>>>,
}

/// What a command did.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Done {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// That it went well.
    pub fn good(self) -> Done {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// That it did not, and said this.
    pub fn bad(self, code: i32, word: &str) -> Done {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains(word), "{word}: {self:?}");
        self
    }
}

/// A database of its own: SQLite's, or with REPRIEVE_POSTGRES (a URL without a database's name) one of that server of PostgreSQL's.
fn database() -> String {
    let Ok(server) = std::env::var("REPRIEVE_POSTGRES") else { return "sqlite:authority.db".to_owned() };
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("people_{}_{number}", std::process::id());
    let made =
        Command::new("psql").args([&format!("{server}/postgres"), "-qc", &format!("CREATE DATABASE {name}")]).status();
    assert!(made.unwrap().success());
    format!("{server}/{name}")
}

impl World {
    pub fn new() -> World {
        World::with(|_| ())
    }

    /// One whose folder is changed before it is served.
    pub fn with(change: impl FnOnce(&Path)) -> World {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let plan = Plan {
            folder: dir.path().join("a"),
            vendor: "acme".to_owned(),
            url: "http://127.0.0.1:1".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            databases: vec![database()],
            require_standby: false,
            people: vec!["anna".to_owned(), "ben".to_owned()],
        };
        runtime.block_on(init(&plan)).unwrap();
        change(&dir.path().join("a"));
        let mut world = World { dir, runtime, base: String::new(), stop: None, ended: None };
        world.serve();
        world.admin("POST", "/admin/v1/products", &json!({ "sku": "cad", "name": "CAD" })).unwrap();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("a").join(name)
    }

    pub fn serve(&mut self) {
        let config = Config::read(&self.path("authority.toml")).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, at) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        self.runtime.spawn(async move {
            let authority = reprieve_authority::start(config).await.unwrap();
            let stop = async { drop(stopped.await) };
            http::serve(authority, move |at| ready.send(at).unwrap(), stop).await.unwrap();
            let _ = end.send(());
        });
        let at: SocketAddr = at.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
        self.base = format!("http://{at}");
        self.stop = Some(stop);
        self.ended = Some(std::sync::Mutex::new(ended));
    }

    pub fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(ended) = self.ended.take() {
            let _ = ended.into_inner().unwrap().recv_timeout(std::time::Duration::from_secs(30));
        }
    }

    /// An access token, by the database.
    pub fn token(&self, name: &str, scopes: &[&str], lasts: &str) -> String {
        let mut args = vec!["token", "new", name, "--holder", name, "--lasts", lasts];
        scopes.iter().for_each(|scope| args.extend(["--scope", scope]));
        self.here(&args).good().out.trim().to_owned()
    }

    /// A command by the database.
    pub fn here(&self, args: &[&str]) -> Done {
        let config = self.path("authority.toml");
        let mut all = vec!["--config", config.to_str().unwrap()];
        all.extend(args);
        self.command(None, &all)
    }

    /// A command over HTTP.
    pub fn there(&self, token: &str, args: &[&str]) -> Done {
        let base = self.base.clone();
        let mut all = vec!["--url", base.as_str()];
        all.extend(args);
        self.command(Some(token), &all)
    }

    fn command(&self, token: Option<&str>, args: &[&str]) -> Done {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve-authority"));
        command.args(args).env_remove("REPRIEVE_TOKEN").env_remove("REPRIEVE_PASSPHRASE").env("REPRIEVE_LOG", "error");
        if let Some(token) = token {
            command.env("REPRIEVE_TOKEN", token);
        }
        let done = command.stdin(std::process::Stdio::null()).output().unwrap();
        Done {
            code: done.status.code().unwrap_or(-1),
            out: String::from_utf8(done.stdout).unwrap(),
            err: String::from_utf8(done.stderr).unwrap(),
        }
    }

    /// A request as anybody may send it: status, header fields, body.
    pub fn http(&self, method: &str, path: &str, token: Option<&str>, body: Option<&[u8]>) -> (u16, String, String) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut got = agent.run(request.body(body.unwrap_or_default().to_vec()).unwrap()).unwrap();
        let headers = format!("{:?}", got.headers());
        (got.status().as_u16(), headers, got.body_mut().read_to_string().unwrap())
    }

    /// A request of the admin API by a token with all scopes; its status and text if it did not go well.
    pub fn admin(&self, method: &str, path: &str, body: &Value) -> Result<Value, (u16, String)> {
        let token = self.admin_token();
        self.ask(&token, method, path, body)
    }

    pub fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> Result<Value, (u16, String)> {
        let body = (method != "GET").then(|| body.to_string());
        let (status, _, text) = self.http(method, path, Some(token), body.as_deref().map(str::as_bytes));
        let says: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        match status {
            200..300 => Ok(says),
            status => Err((status, says["text"].as_str().unwrap_or(&text).to_owned())),
        }
    }

    /// Kept in a file of the test's own folder.
    fn admin_token(&self) -> String {
        let path = self.dir.path().join("admin-token");
        if let Ok(token) = std::fs::read_to_string(&path) {
            return token;
        }
        let token = self.token("admin", &["read", "licenses", "publish", "support", "tokens"], "1d");
        std::fs::write(&path, &token).unwrap();
        token
    }

    /// A private key, from a file that `init` or `keys new` made.
    pub fn key(&self, name: &str) -> SigningKey {
        let path = self.path(&format!("{name}.pem"));
        let beside = path.with_extension("passphrase");
        let passphrase = if beside.exists() { beside } else { self.path("keys/passphrase") };
        keys::read(&path, &keys::passphrase(Some(&passphrase)).unwrap()).unwrap()
    }

    /// The same, unencrypted, in a file for a command's `--key`: what encrypts is slow in a build that is not optimised.
    pub fn key_file(&self, name: &str) -> String {
        let key = self.key(name);
        let path = self.dir.path().join(format!("{}.jwk", key.kid()));
        if !path.exists() {
            std::fs::write(&path, key.jwk_private().to_string()).unwrap();
        }
        path.to_str().unwrap().to_owned()
    }

    /// A licence with `core` and `export.step`, and its activation code.
    pub fn license(&self, id: &str) -> String {
        let body = json!({ "license": id, "sku": "cad", "customer": "A customer", "seats": 2, "features": { "core": null, "export.step": null } });
        let made = self.admin("POST", "/admin/v1/licenses", &body).unwrap();
        made["code"].as_str().unwrap().to_owned()
    }

    /// A product's client, with a ledger of its own.
    pub fn client(&self, name: &str) -> Client {
        let folder = self.dir.path().join("machines").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Builder::from_file(self.path("reprieve.toml"))
            .unwrap()
            .folder(folder.join("ledger"))
            .witness(folder.join("witness"))
            .open()
            .unwrap()
    }

    pub fn folder(&self, name: &str) -> PathBuf {
        self.dir.path().join("machines").join(name).join("ledger")
    }

    /// Renews; what the client said of each document, and the answer.
    pub fn renew(&self, client: &Client, code: Option<&str>) -> (Vec<Answer>, Value) {
        let request = client.request().unwrap();
        let (status, _, text) = self.http("POST", "/v1/renew", code, Some(&request.body));
        assert_eq!(status, 200, "{text}");
        let answers = client.renew(text.as_bytes()).unwrap();
        assert!(answers.iter().all(|answer| answer.accepted), "{answers:?}");
        (answers, serde_json::from_str(&text).unwrap())
    }

    /// What the journal says of a subject, the oldest first.
    pub fn journal(&self, subject: &str) -> Vec<String> {
        let all = self.admin("GET", &format!("/admin/v1/journal?subject={subject}"), &Value::Null).unwrap();
        let mut words: Vec<String> = all
            .as_array()
            .unwrap()
            .iter()
            .map(|one| format!("{} {}", one["who"].as_str().unwrap(), one["what"].as_str().unwrap()))
            .collect();
        words.reverse();
        words
    }

    pub fn publish(&self, kind: Kind, claims: &Value, key: &str) -> Result<Value, (u16, String)> {
        let token = document::issue(kind, claims, &[&self.key(key)]).unwrap();
        let body = json!({ "token": String::from_utf8(token).unwrap(), "why": "a test" });
        self.admin("POST", "/admin/v1/documents", &body)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

pub fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

/// The kinds of documents that were accepted.
pub fn kinds(answers: &[Answer]) -> Vec<&'static str> {
    answers.iter().filter_map(|answer| answer.kind).map(|kind| kind.as_str()).collect()
}

/// Who signs with a key of his own, as the ledger that he names: it needs none of the library's code.
pub struct Forger {
    key: Ed25519KeyPair,
    pub ledger: String,
}

impl Forger {
    pub fn new(seed: u8) -> Forger {
        let key = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        Forger { key, ledger: format!("{seed:02x}").repeat(16) }
    }

    fn public(&self) -> [u8; 32] {
        self.key.public_key().as_ref().try_into().unwrap()
    }

    fn head(&self, ledger: &str, extensions: Vec<String>) -> String {
        let ledger: LedgerId = ledger.parse().unwrap();
        let origin = note::origin(&ledger, 0);
        let checkpoint = Checkpoint { origin: origin.clone(), size: 1, root: [7; 32], extensions };
        note::sign(&origin, &self.key, &checkpoint.text()).unwrap()
    }

    /// An appeal of a ledger, signed by this key: its hash is that of the JSON with sorted keys and no white space.
    pub fn appeal(&self, ledger: &str, text: &str, history: Value) -> Value {
        let mut appeal = json!({
            "appeal": { "at": "2026-01-01T00:00:00Z", "license": null, "text": text }, "clock": "ok", "generation": 0,
            "history": history, "key": STANDARD.encode(self.public()), "ledger": ledger,
        });
        let hash = STANDARD.encode(digest(&SHA256, appeal.to_string().as_bytes()));
        appeal["head"] = json!(self.head(ledger, vec![format!("appeal {hash}")]));
        appeal
    }

    /// A renewal request of a ledger, with these appeals.
    pub fn request(&self, ledger: &str, appeals: Vec<Value>) -> Vec<u8> {
        let (closings, since) = (Vec::new(), Vec::new());
        let chain =
            Chain { ledger: ledger.to_owned(), key: self.public(), head: self.head(ledger, vec![]), closings, since };
        RenewalRequest { nonce: "n".to_owned(), licenses: vec![], appeals, chain }.to_json()
    }
}
