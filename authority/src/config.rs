//! `authority.toml`: where an authority listens, where its database and its keys lie, and how long its leases are.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use reprieve::time::Span;
use serde::{Deserialize, Deserializer};

use crate::error::{Error, Result};

/// The settings of an authority. Relative paths are relative to the file's own folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The application file of the vendor's products: whom they trust is whom the authority trusts.
    pub app: PathBuf,
    /// Where it listens.
    #[serde(default)]
    pub server: Server,
    /// Where everything is kept.
    pub database: Database,
    /// The keys that it signs with.
    pub keys: Keys,
    /// Leases.
    #[serde(default)]
    pub renewal: Renewal,
    /// The log of all that it issued.
    pub log: Log,
    /// Time.
    #[serde(default)]
    pub clock: Clock,
}

/// Where it listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port.
    pub listen: SocketAddr,
    /// The certificate chain in PEM; without one it speaks plain HTTP, for a balancer that speaks TLS.
    pub certificate: Option<PathBuf>,
    /// The certificate's private key in PEM.
    pub certificate_key: Option<PathBuf>,
    /// How many requests may wait for the database at once; beyond it is 503 with `Retry-After`.
    pub queue: usize,
    /// How many renewals one commit carries at most.
    pub batch: usize,
    /// How many renewals a minute one ledger may ask for.
    pub per_ledger: u32,
    /// How many activation codes and access tokens a minute may fail from one address.
    pub failures: u32,
}

impl Default for Server {
    fn default() -> Server {
        Server {
            listen: SocketAddr::from(([127, 0, 0, 1], 8470)),
            certificate: None,
            certificate_key: None,
            queue: 4096,
            batch: 256,
            per_ledger: 20,
            failures: 20,
        }
    }
}

/// Where everything is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite:FILE`, or the PostgreSQL servers `postgres://USER@HOST:PORT/NAME`, the primary and its standbys: whichever is the primary is used.
    pub urls: Vec<String>,
    /// With PostgreSQL: nothing is issued unless a standby has it too.
    #[serde(default = "yes")]
    pub require_standby: bool,
    /// How long a commit may take before the answer is a 503.
    #[serde(default = "five", deserialize_with = "span")]
    pub patience: Span,
}

/// The keys that it signs with: encrypted PEM files named after the key's id, or PKCS #11 URIs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The key that signs leases.
    pub lease: PathBuf,
    /// The key that signs the log's checkpoints.
    pub log: PathBuf,
    /// A file with the passphrase of both. Without it the environment's REPRIEVE_PASSPHRASE is asked, then the terminal.
    pub passphrase: Option<PathBuf>,
}

/// Leases.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Renewal {
    /// How long a lease lasts where the licence does not say.
    #[serde(deserialize_with = "span")]
    pub lease: Span,
    /// A seat whose lease ended longer ago than this may go to another machine.
    #[serde(deserialize_with = "span")]
    pub seat_kept: Span,
}

impl Default for Renewal {
    fn default() -> Renewal {
        Renewal { lease: Span::seconds(7 * 86_400), seat_kept: Span::seconds(30 * 86_400) }
    }
}

/// The log of all that it issued.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Its name, which each checkpoint begins with, and the name of the key that signs it: like `licence.example.com/log`.
    pub origin: String,
    /// The keys that signed it before this one, as `reprieve-authority log-key` printed them: where the log's key was changed.
    #[serde(default)]
    pub older: Vec<String>,
}

/// Time.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clock {
    /// Added to this machine's clock: for drills.
    pub offset_seconds: i64,
    /// Nothing is issued while this machine's clock and the database's are further apart.
    #[serde(deserialize_with = "span")]
    pub most_apart: Span,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { offset_seconds: 0, most_apart: Span::seconds(60) }
    }
}

fn yes() -> bool {
    true
}

fn five() -> Span {
    Span::seconds(5)
}

fn span<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Span, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|_| serde::de::Error::custom(format!("{text:?} is no duration; write it like 7d or 1h30m")))
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// With the file, the line and the key.
    pub fn read(path: &Path) -> Result<Config> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::input(format!("{}: {error}; `reprieve-authority init` makes one", path.display()))
        })?;
        let mut config: Config = toml::from_str(&text)
            .map_err(|error| Error::input(error.to_string().trim().to_owned()).at(path.display()))?;
        let base = path.parent().unwrap_or(Path::new("."));
        let paths = [
            Some(&mut config.app),
            Some(&mut config.keys.lease),
            Some(&mut config.keys.log),
            config.keys.passphrase.as_mut(),
            config.server.certificate.as_mut(),
            config.server.certificate_key.as_mut(),
        ];
        for path in paths.into_iter().flatten() {
            *path = match path.to_str().filter(|path| path.starts_with(crate::keys::PKCS11)) {
                Some(uri) => crate::keys::uri_in(base, uri).into(),
                None => base.join(&path),
            };
        }
        if config.database.urls.is_empty() {
            return Err(Error::input("`database.urls` is empty; write [\"sqlite:authority.db\"]").at(path.display()));
        }
        for url in &mut config.database.urls {
            if let Some(file) = url.strip_prefix("sqlite:") {
                *url = format!("sqlite:{}", base.join(file.trim_start_matches("//")).display());
            } else if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
                let text = "`database.urls`: a URL begins with sqlite: or postgres:".to_owned();
                return Err(Error::input(text).at(path.display()));
            }
        }
        let sqlite = config.database.urls.iter().filter(|url| url.starts_with("sqlite:")).count();
        if sqlite > 0 && config.database.urls.len() > 1 {
            return Err(Error::input("`database.urls`: an SQLite file stands alone").at(path.display()));
        }
        if config.server.certificate.is_some() != config.server.certificate_key.is_some() {
            return Err(Error::input("`server`: certificate and certificate_key go together").at(path.display()));
        }
        if config.server.batch == 0
            || config.server.queue == 0
            || config.server.per_ledger == 0
            || config.server.failures == 0
        {
            return Err(
                Error::input("`server`: batch, queue, per_ledger and failures are 1 or more").at(path.display())
            );
        }
        Ok(config)
    }

    /// The time by this machine's clock, in whole seconds since 1970.
    pub fn now(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX).saturating_add(self.clock.offset_seconds)
    }
}
