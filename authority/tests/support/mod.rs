//! An authority that serves in this process, and products that renew from it.
#![allow(dead_code)]

use std::net::SocketAddr;
use std::path::Path;

use reprieve::client::{App, Builder, Client};
use reprieve_authority::config::Config;
use reprieve_authority::http;
use reprieve_authority::init::{Plan, init};
use reprieve_authority::issue::{Authority, hash_of};
use reprieve_authority::store::{Licence, NewEntry, NewLicence, Product};
use serde_json::Value;
use tempfile::TempDir;

pub struct Served {
    pub folder: TempDir,
    pub authority: Authority,
    pub url: String,
    /// Dropped when the test ends, and with it the server.
    runtime: Option<tokio::runtime::Runtime>,
}

pub struct Answer {
    pub status: u16,
    pub head: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn documents(&self) -> usize {
        self.json()["documents"].as_array().map_or(0, Vec::len)
    }

    pub fn problems(&self) -> Vec<String> {
        let all = self.json()["problems"].as_array().cloned().unwrap_or_default();
        all.iter().map(|one| one["problem"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().new_agent()
}

fn taken(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut answer = answer.unwrap();
    let head = answer.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    Answer { status: answer.status().as_u16(), head: head.collect(), body: answer.body_mut().read_to_vec().unwrap() }
}

impl Served {
    pub fn start() -> Served {
        Served::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Served {
        let folder = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let plan = Plan {
            folder: folder.path().to_owned(),
            vendor: "acme".into(),
            url: "http://127.0.0.1:1".into(),
            listen: "127.0.0.1:0".parse().unwrap(),
            databases: vec!["sqlite:authority.db".into()],
            require_standby: true,
            people: vec!["anna".into(), "ben".into()],
        };
        runtime.block_on(init(&plan)).unwrap();
        let mut config = Config::read(&folder.path().join("authority.toml")).unwrap();
        change(&mut config);
        let authority = runtime.block_on(reprieve_authority::start(config)).unwrap();
        let (ready, at) = std::sync::mpsc::channel::<SocketAddr>();
        let serving = authority.clone();
        runtime.spawn(async move {
            http::serve(serving, move |at| ready.send(at).unwrap(), std::future::pending()).await.unwrap();
        });
        let url = format!("http://{}", at.recv().unwrap());
        Served { folder, authority, url, runtime: Some(runtime) }
    }

    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(work)
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// A product and a licence of it; gives the activation code.
    pub fn licence(&self, id: &str, seats: i64, features: &[&str]) -> String {
        let code = http::new_secret("rpa").unwrap();
        self.run(async {
            let mut tx = self.authority.store().begin().await.unwrap();
            // The second licence of it finds it there.
            let _ = tx.add_product(&Product { sku: "cad".into(), name: "CAD".into() }).await;
            let licence = Licence {
                id: id.into(),
                sku: "cad".into(),
                customer: "A customer".into(),
                seats,
                lease_seconds: None,
                ends: None,
                suspended: false,
                features: features.iter().map(|feature| ((*feature).to_owned(), None)).collect(),
            };
            tx.add_licence(NewLicence { licence: &licence, code: Some(&hash_of(&code)) }).await.unwrap();
            let details = serde_json::json!({});
            tx.note(NewEntry { who: "test", what: "license.create", subject: id, why: "", details }).await.unwrap();
            tx.commit().await.unwrap();
        });
        code.as_str().to_owned()
    }

    pub fn app(&self, machine: &Path) -> App {
        let mut app = App::from_file(&self.path("reprieve.toml")).unwrap();
        app.folder = Some(machine.join("ledger"));
        app.witness = Some(machine.join("witness"));
        app
    }

    /// A product on a machine of its own.
    pub fn product(&self, machine: &Path) -> Client {
        Builder::new(self.app(machine)).open().unwrap()
    }

    pub fn post(&self, path: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = agent().post(format!("{}{path}", self.url)).header("Content-Type", "application/json");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        taken(request.send(body))
    }

    pub fn get(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut request = agent().get(format!("{}{path}", self.url));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        taken(request.call())
    }

    /// Asks for a renewal, and does not take the answer.
    pub fn ask(&self, client: &Client, code: Option<&str>) -> Answer {
        let body = client.request().unwrap().body;
        let code = code.map(|code| format!("Bearer {code}"));
        let fields: Vec<(&str, &str)> = code.iter().map(|code| ("Authorization", code.as_str())).collect();
        self.post("/v1/renew", &fields, &body)
    }

    /// Renews: everything that comes is accepted.
    pub fn renew(&self, client: &Client, code: Option<&str>) -> Answer {
        let answer = self.ask(client, code);
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        for one in client.renew(&answer.body).unwrap() {
            assert!(one.accepted, "{one:?}");
        }
        answer
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
