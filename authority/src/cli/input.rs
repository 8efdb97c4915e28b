//! What commands are given: files, instants, keys.

use std::path::{Path, PathBuf};

use reprieve::document;
use reprieve::terms::{Kind, is_name};
use reprieve::time::{Instant, Span};
use reprieve_authority::error::{Error, Result};
use reprieve_authority::keys;
use serde_json::Value;

/// A private key that stays on this machine.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Key {
    /// The private key that signs: PEM named after the key's id, a JWK, or a PKCS #11 URI. It stays where it is.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// A file with the key's passphrase, in place of REPRIEVE_PASSPHRASE or the terminal.
    #[arg(long, value_name = "FILE")]
    pub passphrase: Option<PathBuf>,
}

impl Key {
    /// Signs claims with it, compact. A passphrase is asked for only where the key is encrypted.
    ///
    /// # Errors
    /// Where the key cannot be opened or does not sign, or the claims are none of the kind.
    pub fn issue(&self, kind: Kind, claims: &Value) -> Result<String> {
        let key = keys::open(&self.key, self.passphrase.as_deref())?;
        let token = document::issue_by(kind, claims, key.as_ref())?;
        String::from_utf8(token).map_err(|_| Error::unavailable("a token is no text"))
    }
}

/// Reads a file.
///
/// # Errors
/// With the file's name.
pub fn file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::input(format!("{}: {error}; check the name", path.display())))
}

/// Reads a file that is a text.
///
/// # Errors
/// With the file's name.
pub fn text(path: &Path) -> Result<String> {
    String::from_utf8(file(path)?).map_err(|_| Error::input(format!("{}: is no text in UTF-8", path.display())))
}

/// A token, without the white space of the file around it.
///
/// # Errors
/// With the file's name.
pub fn token(path: &Path) -> Result<String> {
    Ok(text(path)?.trim().to_owned())
}

/// Now, in whole seconds.
pub fn now() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Instant::from_seconds(i64::try_from(since.as_secs()).unwrap_or(0))
}

/// A name, for clap.
pub fn name(text: &str) -> std::result::Result<String, String> {
    match is_name(text) {
        true => Ok(text.to_owned()),
        false => Err("a name has 1 to 128 of A-Z a-z 0-9 . _ : @ / + -".to_owned()),
    }
}

/// An instant, for clap: `2026-12-05T20:00:00Z`, `now`, `+7d`, `-2h`.
pub fn instant(text: &str) -> std::result::Result<Instant, String> {
    let span = |rest: &str| rest.parse::<Span>().map_err(|error| error.to_string());
    let at = match (text, text.strip_prefix('+'), text.strip_prefix('-')) {
        ("now", ..) => now(),
        (_, Some(rest), _) => now() + span(rest)?,
        (_, _, Some(rest)) => now() + -span(rest)?,
        _ => text.parse::<Instant>().map_err(|error| error.to_string())?,
    };
    match at.in_documents() && at.subsec_nanos() == 0 {
        true => Ok(at),
        false => Err(format!("`{text}` is {at}; documents name whole seconds of the years 1970 to 9999")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_as_people_write_them() {
        assert_eq!(instant("2026-12-05T20:00:00Z").map(|at| at.to_string()), Ok("2026-12-05T20:00:00Z".to_owned()));
        assert!(instant("+1d").unwrap() > instant("now").unwrap());
        assert!(instant("-1d").unwrap() < instant("now").unwrap());
        for wrong in ["", "+", "7d", "2026-12-05", "1969-12-31T23:59:59Z"] {
            assert!(instant(wrong).is_err(), "{wrong}");
        }
    }
}
