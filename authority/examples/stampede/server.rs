//! The real program in a folder of its own, its books filled, and connections to it.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reprieve_authority::config::Config;
use reprieve_authority::store::{Licence, NewLicence, Product, SeatRow, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::crowd::{Ledger, SEATS};

pub struct Server {
    folder: PathBuf,
    child: Child,
    pub address: String,
    pub store: Store,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Server {
    /// An authority that knows these ledgers, each with its seat.
    pub async fn start(program: &Path, databases: &[String], ledgers: &[Ledger], lease: i64) -> Server {
        let folder = std::env::temp_dir().join(format!("reprieve-stampede-{}", std::process::id()));
        let mut init = Command::new(program);
        init.arg("init").arg(&folder).args(["--vendor", "acme", "--listen", "127.0.0.1:0"]);
        for database in databases {
            init.args(["--database", database]);
        }
        assert!(init.stdout(Stdio::null()).status().unwrap().success(), "init failed");
        let path = folder.join("authority.toml");
        // A client's clock runs faster than the server's here, and so does what it may ask for in a minute.
        let text = std::fs::read_to_string(&path).unwrap().replace("[database]", "per_ledger = 10000\n\n[database]");
        std::fs::write(&path, text).unwrap();
        let store = Store::open(&Config::read(&path).unwrap()).await.unwrap();
        fill(&store, ledgers, lease).await;
        let mut child = Command::new(program)
            .arg("--config")
            .arg(&path)
            .arg("serve")
            .env("REPRIEVE_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(address.contains(':'), "the authority does not listen: {line}");
        Server { folder, child, address, store }
    }

    /// Seconds of the processor that the server has used.
    pub fn cpu(&self) -> f64 {
        cpu_of(&self.child.id().to_string())
    }
}

/// Seconds of the processor that a process has used; `self` for this one.
pub fn cpu_of(process: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

async fn fill(store: &Store, ledgers: &[Ledger], lease: i64) {
    let (now, documents) = (store.now(), i64::try_from(store.log_state().await.unwrap().size).unwrap());
    let mut tx = store.begin().await.unwrap();
    tx.add_product(&Product { sku: "cad".to_owned(), name: "CAD".to_owned() }).await.unwrap();
    tx.commit().await.unwrap();
    let count = ledgers.len().div_ceil(SEATS);
    for from in (0..count).step_by(500) {
        let mut tx = store.begin().await.unwrap();
        for number in from..count.min(from + 500) {
            let licence = Licence {
                id: format!("L{number}"),
                sku: "cad".to_owned(),
                customer: "A customer".to_owned(),
                seats: SEATS as i64,
                lease_seconds: Some(lease),
                ends: None,
                suspended: false,
                features: BTreeMap::from([("core".to_owned(), None)]),
            };
            tx.add_licence(NewLicence { licence: &licence, code: None }).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    for some in ledgers.chunks(2000) {
        let rows: Vec<_> = some.iter().map(|one| one.row(now, documents)).collect();
        let seat = |one: &Ledger| SeatRow {
            license: one.license(),
            ledger: one.id.to_string(),
            since: now,
            leased_until: now + lease,
        };
        let mut tx = store.begin().await.unwrap();
        tx.keep_ledgers(&rows).await.unwrap();
        tx.keep_seats(&some.iter().map(seat).collect::<Vec<_>>()).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// A connection that is kept open.
#[derive(Default)]
pub struct Wire(Option<TcpStream>);

pub struct Said {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: Vec<u8>,
}

impl Wire {
    pub async fn post(&mut self, address: &str, body: &[u8]) -> std::io::Result<Said> {
        // One that the server closed while nobody used it is no failure to any client.
        let kept = self.0.take().filter(
            |stream| matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock),
        );
        let mut stream = match kept {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        let head = format!(
            "POST /v1/renew HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).await?;
        let said = read(&mut stream).await?;
        // Where this is dropped before, the connection is closed, as a client that gives up does.
        self.0 = Some(stream);
        Ok(said)
    }
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Said> {
    let mut bytes = Vec::with_capacity(4096);
    let end = loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let field = |name: &str| {
        head.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    let length: usize = field("content-length").and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0);
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let retry_after = field("retry-after").map(|(_, value)| value.trim().to_owned());
    Ok(Said { status, retry_after, body: bytes[end..end + length].to_vec() })
}
