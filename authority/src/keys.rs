//! The authority's private keys: PKCS #8 in PEM, encrypted by a passphrase as OpenSSL does it (RFC 8018), each in a file named after the key's id.
//! What signs is a [`Sign`]: where a key management service or a PKCS #11 token holds the keys, it stands in their place.

use std::io::Write as _;
use std::path::Path;

use pkcs8::{EncryptedPrivateKeyInfo, PrivateKeyInfo, SecretDocument};
use reprieve::document::{Sign, SigningKey};
use reprieve::terms::is_name;
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// A passphrase.
pub type Passphrase = Zeroizing<String>;

/// How much work a passphrase is, as a power of two: the most for which OpenSSL's own limit of memory is enough.
const LOG_N: u8 = 14;

/// What a key's place begins with that lies in a token, in place of a file's path.
pub const PKCS11: &str = "pkcs11:";

/// The URI of a key in a token, where a file names it: a `pin-source` that is relative is relative to that file's folder.
pub fn uri_in(folder: &Path, uri: &str) -> String {
    let Some((place, query)) = uri.split_once('?') else { return uri.to_owned() };
    let attributes = query.split('&').map(|attribute| match attribute.strip_prefix("pin-source=") {
        None => attribute.to_owned(),
        Some(source) => {
            let file = source.strip_prefix("file:").or_else(|| source.strip_prefix("file%3A")).unwrap_or(source);
            match is_absolute(file) || folder.as_os_str().is_empty() {
                true => attribute.to_owned(),
                false => format!("pin-source={}/{file}", encoded(&folder.to_string_lossy())),
            }
        }
    });
    format!("{place}?{}", attributes.collect::<Vec<_>>().join("&"))
}

/// Whether a path is absolute on any platform, as it is written in a URI.
fn is_absolute(file: &str) -> bool {
    let drive = file.get(1..).is_some_and(|rest| rest.starts_with(':') || rest.starts_with("%3A"));
    drive || ["/", "%2F", "%2f", "\\", "%5C", "%5c"].iter().any(|root| file.starts_with(root))
}

/// As a URI's value: a path's separators may stand in it.
fn encoded(text: &str) -> String {
    let mut made = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' | b':' => made.push(byte.into()),
            _ => made.push_str(&format!("%{byte:02X}")),
        }
    }
    made
}

const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

/// The passphrase of a file's first line; else of the environment's `REPRIEVE_PASSPHRASE`; else whoever sits at the terminal is asked.
///
/// # Errors
/// Where none of them gives one.
pub fn passphrase(file: Option<&Path>) -> Result<Passphrase> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|error| Error::input(format!("the passphrase's file {}: {error}", path.display())))?;
        return Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()));
    }
    if let Ok(text) = std::env::var("REPRIEVE_PASSPHRASE") {
        return Ok(Zeroizing::new(text));
    }
    rpassword::prompt_password("Passphrase of the keys: ").map(Zeroizing::new).map_err(|error| {
        Error::input(format!("the keys' passphrase: {error}; give --passphrase FILE, or set REPRIEVE_PASSPHRASE"))
    })
}

/// The id of a key is its file's name without `.pem`.
fn id_of(path: &Path) -> Result<String> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if is_name(stem) {
        return Ok(stem.to_owned());
    }
    Err(Error::input(format!("{}: a key's file is named after the key's id, and {stem:?} is no name", path.display())))
}

/// Reads a private key. One that is not encrypted is read as it is.
///
/// # Errors
/// Where the file cannot be read, is no Ed25519 key, or the passphrase is another.
pub fn read(path: &Path, passphrase: &Passphrase) -> Result<SigningKey> {
    let kid = id_of(path)?;
    let failed = |why: &dyn std::fmt::Display| Error::input(format!("the key {}: {why}", path.display()));
    let pem = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| failed(&error))?;
    if !pem.contains(BEGIN) {
        return SigningKey::from_pem(kid, &pem).map_err(|error| failed(&error));
    }
    let (_, der) = SecretDocument::from_pem(pem.trim()).map_err(|error| failed(&error))?;
    let sealed = EncryptedPrivateKeyInfo::try_from(der.as_bytes()).map_err(|error| failed(&error))?;
    let opened = sealed
        .decrypt(passphrase.as_bytes())
        .map_err(|_| failed(&"it does not open by this passphrase; give the one that it was made with"))?;
    let plain = opened.to_pem("PRIVATE KEY", Default::default()).map_err(|error| failed(&error))?;
    SigningKey::from_pem(kid, &plain).map_err(|error| failed(&error))
}

/// Opens the key of a file, or of a PKCS #11 URI. The passphrase is asked for where a file is encrypted.
///
/// # Errors
/// As [`read`]; and for a URI where this build knows no PKCS #11.
pub fn open(path: &Path, phrase: Option<&Path>) -> Result<Box<dyn Sign>> {
    if let Some(uri) = path.to_str().filter(|text| text.starts_with(PKCS11)) {
        return token_key(uri);
    }
    let failed = |why: &dyn std::fmt::Display| Error::input(format!("the key {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| failed(&error))?;
    if text.trim_start().starts_with('{') {
        let jwk = serde_json::from_str(&text).map_err(|_| failed(&"it is no JWK"))?;
        return Ok(Box::new(SigningKey::from_jwk(&jwk).map_err(|error| failed(&error))?));
    }
    let phrase = if text.contains(BEGIN) { passphrase(phrase)? } else { Passphrase::default() };
    Ok(Box::new(read(path, &phrase)?))
}

#[cfg(feature = "pkcs11")]
fn token_key(uri: &str) -> Result<Box<dyn Sign>> {
    Ok(Box::new(crate::pkcs11::TokenKey::of(uri)?))
}

#[cfg(not(feature = "pkcs11"))]
fn token_key(_: &str) -> Result<Box<dyn Sign>> {
    Err(Error::input("this build opens no keys in PKCS #11 tokens; build it with `--features pkcs11`"))
}

/// Writes a private key into a new file that only its owner may read.
///
/// # Errors
/// Where the file is there already, or cannot be written.
pub fn write(path: &Path, key: &SigningKey, passphrase: &Passphrase) -> Result<()> {
    let failed = |why: &dyn std::fmt::Display| Error::input(format!("the key {}: {why}", path.display()));
    if passphrase.len() < 8 {
        return Err(failed(&"its passphrase has fewer than 8 bytes; choose a longer one"));
    }
    let plain = key.to_pem();
    let (_, der) = SecretDocument::from_pem(plain.trim()).map_err(|error| failed(&error))?;
    let info = PrivateKeyInfo::try_from(der.as_bytes()).map_err(|error| failed(&error))?;
    let (mut salt, mut iv) = ([0u8; 16], [0u8; 16]);
    let random = SystemRandom::new();
    random
        .fill(&mut salt)
        .and_then(|()| random.fill(&mut iv))
        .map_err(|_| failed(&"the system gives no random numbers"))?;
    let effort = scrypt::Params::new(LOG_N, 8, 1, 32).map_err(|error| failed(&error))?;
    let parameters =
        pkcs8::pkcs5::pbes2::Parameters::scrypt_aes256cbc(effort, &salt, &iv).map_err(|error| failed(&error))?;
    let sealed = info.encrypt_with_params(parameters, passphrase.as_bytes()).map_err(|error| failed(&error))?;
    let pem = sealed.to_pem("ENCRYPTED PRIVATE KEY", Default::default()).map_err(|error| failed(&error))?;
    private_file(path, pem.as_bytes())
}

/// Writes a new file that only its owner may read, and syncs it.
///
/// # Errors
/// Where the file is there already, or cannot be written.
pub fn private_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| Error::input(format!("{}: {error}", path.display()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_lies_beside_the_file_that_names_it() {
        let uri = |pin: &str| format!("pkcs11:token=acme;object=lease-1?module-path=/m.so&pin-source={pin}");
        for (pin, found) in [
            ("pin", "/etc/acme%20one/pin"),
            ("file:keys/pin", "/etc/acme%20one/keys/pin"),
            ("../a%20pin", "/etc/acme%20one/../a%20pin"),
            ("/run/pin", "/run/pin"),
            ("file:/run/pin", "file:/run/pin"),
            ("%2Frun%2Fpin", "%2Frun%2Fpin"),
            ("C:\\pin", "C:\\pin"),
        ] {
            assert_eq!(uri_in(Path::new("/etc/acme one"), &uri(pin)), uri(found));
        }
        assert_eq!(uri_in(Path::new(""), &uri("pin")), uri("pin"), "a file of the current folder");
        let without = "pkcs11:token=acme;object=lease-1?module-path=m.so";
        assert_eq!(uri_in(Path::new("/etc"), without), without, "a module is found as the system finds libraries");
        assert_eq!(uri_in(Path::new("/etc"), "pkcs11:token=a;object=b"), "pkcs11:token=a;object=b");
    }
}
