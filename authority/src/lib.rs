//! The authority of Reprieve: renews leases by its books, and keeps a public log of every document that it issued.
//!
//! Rooms, from the ground up: `error`, `config`, `keys` and `log` know nothing of each other; `store` is the database; `renew` decides by the books, without
//! I/O; `issue` is the one way by which documents are issued; `people` is what people decide; `http` and the command line are thin skins on that.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod config;
pub mod error;
pub mod http;
pub mod init;
pub mod issue;
pub mod keys;
pub mod log;
pub mod people;
#[cfg(feature = "pkcs11")]
pub mod pkcs11;
pub mod renew;
pub mod store;

use std::path::Path;

use reprieve::client::App;
use reprieve::document::{self, Document, TrustStore};

use config::Config;
use error::{Error, Result};
use issue::Authority;
use store::Store;

/// Whom products trust that are shipped with this application file.
///
/// # Errors
/// Where its `keys` do not hold.
pub fn trust_of(app: &App) -> Result<TrustStore> {
    let mut trust = TrustStore::new(app.roots.clone());
    if let Some(token) = &app.keys {
        match document::open(token, &trust).result {
            Ok(Document::Keys(keys)) => trust.adopt(&keys),
            Ok(_) => return Err(Error::input("the application file: `keys` is no keys document")),
            Err(refused) => {
                let text = format!(
                    "the application file: `keys` is not signed by its `roots`: {refused}; products would trust nothing"
                );
                return Err(Error::input(text));
            }
        };
    }
    Ok(trust)
}

/// Starts an authority by its settings.
///
/// # Errors
/// Where a key, the application file or the database is lacking or wrong.
pub async fn start(config: Config) -> Result<Authority> {
    let app = App::from_file(&config.app).map_err(|error| Error::input(error.to_string()))?;
    let trust = trust_of(&app)?;
    let lease = keys::open(&config.keys.lease, config.keys.passphrase.as_deref())?;
    let log = keys::open(&config.keys.log, config.keys.passphrase.as_deref())?;
    let store = Store::open(&config).await?;
    Authority::start(config, store, trust, lease, log).await
}

/// Reads the settings and opens the database, for commands that need no keys.
///
/// # Errors
/// As [`Config::read`] and [`Store::open`].
pub async fn open(path: &Path) -> Result<(Config, Store)> {
    let config = Config::read(path)?;
    let store = Store::open(&config).await?;
    Ok((config, store))
}
