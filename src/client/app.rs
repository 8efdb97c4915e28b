//! The application file, `reprieve.toml`: the same for every product and language of a vendor.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::error::{Error, ErrorKind};
use crate::document::{Endpoint, RootKey};

/// What a vendor's products have in common.
///
/// ```
/// let app = reprieve::client::App::from_toml(
///     r#"
///     vendor = "acme"
///     secret = "c2l4dGVlbiBieXRlcyBvciBtb3Jl"
///     roots = [{ kid = "root-1", x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }]
///     "#,
/// )
/// .unwrap();
/// assert_eq!((app.vendor.as_str(), app.ledger.as_str()), ("acme", "acme"));
/// ```
#[derive(Clone)]
pub struct App {
    /// The vendor's id: a name.
    pub vendor: String,
    /// The ledger's name: a name, and the stem of its files. The vendor's id if the file names none.
    pub ledger: String,
    /// The application's secret. It hides the ledger from a reader; it is no protection against an owner with a debugger.
    pub secret: Zeroizing<Vec<u8>>,
    /// Secrets of older products; whoever opens by one adds a slot for the newest.
    pub older_secrets: Vec<Zeroizing<Vec<u8>>>,
    /// The root keys: what signs `keys` documents.
    pub roots: Vec<RootKey>,
    /// The newest `keys` document, a token.
    pub keys: Option<Vec<u8>>,
    /// The ways to the authority. In the file each is a URL, the best first, or a table: `{ url, priority, weight, region }`.
    pub endpoints: Vec<Endpoint>,
    /// Base URLs of web servers, or CDNs, that have what is the same for all: keys, policy, notices and revocations. Nothing that they give is
    /// believed but for its signatures.
    pub mirrors: Vec<String>,
    /// The vendor's audit key (X25519): who holds its private half can open a ledger that a customer sends.
    pub audit_key: Option<[u8; 32]>,
    /// The ledger's folder. None: the default of the platform.
    pub folder: Option<PathBuf>,
    /// The witness's folder. None: the user's state folder.
    pub witness: Option<PathBuf>,
    /// Where the folder cannot be written: use a ledger in memory, which every decision then says.
    pub memory_if_read_only: bool,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("vendor", &self.vendor)
            .field("ledger", &self.ledger)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    vendor: String,
    ledger: Option<String>,
    secret: Hidden,
    #[serde(default)]
    older_secrets: HiddenList,
    roots: Vec<RawRoot>,
    keys: Option<String>,
    #[serde(default)]
    endpoints: Vec<UrlOrTable>,
    #[serde(default)]
    mirrors: Vec<String>,
    audit_key: Option<String>,
    #[serde(default)]
    place: RawPlace,
}

/// A secret's text, wiped when it goes.
struct Hidden(Zeroizing<String>);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Hidden, D::Error> {
        let text = String::deserialize(from).map(Zeroizing::new);
        // What is said of a wrong type names the value.
        text.map(Hidden).map_err(|_| D::Error::custom("a secret is no text; write its bytes in base64, in quotes"))
    }
}

#[derive(Default)]
struct HiddenList(Vec<Hidden>);

impl<'de> Deserialize<'de> for HiddenList {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<HiddenList, D::Error> {
        let wrong = |_| D::Error::custom("`older_secrets` is no list of secrets; write [\"BASE64\", \"BASE64\"]");
        Vec::deserialize(from).map(HiddenList).map_err(wrong)
    }
}

/// What is wrong with a text, and where. The line itself is not quoted: it may hold a secret.
fn malformed(text: &str, error: &toml::de::Error) -> Error {
    let at = error.span().and_then(|span| text.get(..span.start)).map_or_else(String::new, |before| {
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        format!("line {line}, column {column}: ")
    });
    Error::new(ErrorKind::App, format!("application file: {at}{}", error.message().trim()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoot {
    kid: String,
    x: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEndpoint {
    url: String,
    priority: Option<u16>,
    weight: Option<u16>,
    region: Option<String>,
}

/// A URL, or a table. (An untagged choice would not say which key of a table is wrong.)
struct UrlOrTable(RawEndpoint);

impl<'de> Deserialize<'de> for UrlOrTable {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<UrlOrTable, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawEndpoint;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "a URL in quotes, or a table { url = \"URL\", priority = 1, weight = 1, region = \"NAME\" }",
                )
            }
            fn visit_str<E>(self, url: &str) -> Result<RawEndpoint, E> {
                Ok(RawEndpoint { url: url.to_owned(), priority: None, weight: None, region: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawEndpoint, A::Error> {
                RawEndpoint::deserialize(MapAccessDeserializer::new(map))
            }
        }
        from.deserialize_any(Either).map(UrlOrTable)
    }
}

/// Those without a priority of their own are tried in the order in which they stand.
fn endpoints(raw: Vec<UrlOrTable>) -> Result<Vec<Endpoint>, Error> {
    let mut known = Vec::with_capacity(raw.len());
    for (UrlOrTable(raw), place) in raw.into_iter().zip(1u16..) {
        if !Endpoint::is_url(&raw.url) {
            return Err(Error::new(
                ErrorKind::App,
                format!("application file: `endpoints` has {:?}, which is no https:// (or http://) URL", raw.url),
            ));
        }
        known.push(Endpoint {
            url: raw.url,
            priority: raw.priority.unwrap_or(place),
            weight: raw.weight.unwrap_or(1),
            region: raw.region,
        });
    }
    Ok(known)
}

fn mirrors(urls: Vec<String>) -> Result<Vec<String>, Error> {
    match urls.iter().find(|url| !Endpoint::is_url(url)) {
        None => Ok(urls),
        Some(odd) => {
            let text = format!("application file: `mirrors` has {odd:?}, which is no https:// (or http://) URL");
            Err(Error::new(ErrorKind::App, text))
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawPlace {
    folder: Option<PathBuf>,
    witness: Option<PathBuf>,
    read_only: Option<String>,
}

const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

/// Reads base64, with or without padding, in either alphabet. It is decoded once: an attempt that fails half way would leave bytes
/// of a secret behind.
fn bytes(key: &str, text: &str) -> Result<Vec<u8>, Error> {
    let text = text.trim();
    let engine = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    engine.decode(text).map_err(|_| {
        Error::new(ErrorKind::App, format!("application file: `{key}` is no base64; write the bytes in base64"))
    })
}

fn key32(key: &str, text: &str) -> Result<[u8; 32], Error> {
    bytes(key, text)?.try_into().map_err(|_| {
        Error::new(ErrorKind::App, format!("application file: `{key}` is not 32 bytes long; copy the public key whole"))
    })
}

impl App {
    /// The least bytes of a secret.
    pub const MIN_SECRET: usize = 16;

    /// A vendor's application without a file.
    pub fn new(vendor: &str, secret: &[u8], roots: Vec<RootKey>) -> App {
        App {
            vendor: vendor.to_owned(),
            ledger: vendor.to_owned(),
            secret: Zeroizing::new(secret.to_vec()),
            older_secrets: Vec::new(),
            roots,
            keys: None,
            endpoints: Vec::new(),
            mirrors: Vec::new(),
            audit_key: None,
            folder: None,
            witness: None,
            memory_if_read_only: false,
        }
    }

    /// Reads an application file. Relative folders in it are relative to the file's own.
    ///
    /// # Errors
    /// [`ErrorKind::App`] if the file cannot be read or is none, with the line and key.
    pub fn from_file(path: &Path) -> Result<App, Error> {
        let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
            Error::new(ErrorKind::App, format!("application file {}: {error}; check the path", path.display()))
        })?;
        let mut app = App::from_toml(&text)
            .map_err(|error| Error::new(ErrorKind::App, format!("{}: {}", path.display(), error.message())))?;
        let base = path.parent().unwrap_or(Path::new("."));
        for folder in [&mut app.folder, &mut app.witness].into_iter().flatten() {
            *folder = base.join(&folder);
        }
        Ok(app)
    }

    /// Reads an application file's text.
    ///
    /// # Errors
    /// [`ErrorKind::App`], with the line and key.
    pub fn from_toml(text: &str) -> Result<App, Error> {
        let raw: Raw = toml::from_str(text).map_err(|error| malformed(text, &error))?;
        let ledger = raw.ledger.unwrap_or_else(|| raw.vendor.clone());
        let app = App {
            secret: Zeroizing::new(bytes("secret", &raw.secret.0)?),
            older_secrets: raw
                .older_secrets
                .0
                .iter()
                .map(|text| bytes("older_secrets", &text.0).map(Zeroizing::new))
                .collect::<Result<_, _>>()?,
            roots: raw
                .roots
                .into_iter()
                .map(|root| Ok(RootKey { x: key32("roots.x", &root.x)?, kid: root.kid }))
                .collect::<Result<_, Error>>()?,
            keys: raw.keys.map(|token| token.trim().as_bytes().to_vec()),
            endpoints: endpoints(raw.endpoints)?,
            mirrors: mirrors(raw.mirrors)?,
            audit_key: raw.audit_key.map(|text| key32("audit_key", &text)).transpose()?,
            folder: raw.place.folder,
            witness: raw.place.witness,
            memory_if_read_only: match raw.place.read_only.as_deref() {
                None | Some("error") => false,
                Some("memory") => true,
                Some(other) => {
                    let text =
                        format!("application file: `place.read_only` is `{other}`; write \"memory\" or \"error\"");
                    return Err(Error::new(ErrorKind::App, text));
                }
            },
            vendor: raw.vendor,
            ledger,
        };
        app.validate()?;
        Ok(app)
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::new(ErrorKind::App, format!("application file: {text}")));
        // They become parts of file names: no separators, and nothing that a file system reads in its own way.
        for (key, name) in [("vendor", &self.vendor), ("ledger", &self.ledger)] {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            let safe = (1..=64).contains(&name.len())
                && name.bytes().all(plain)
                && !name.starts_with(['.', '-'])
                && !name.ends_with('.');
            if !safe {
                return refuse(format!(
                    "`{key}` is `{name}`; use 1 to 64 of A-Z a-z 0-9 . _ -, begin with a letter, digit or _, and end with no dot"
                ));
            }
        }
        for secret in std::iter::once(&self.secret).chain(&self.older_secrets) {
            if secret.len() < App::MIN_SECRET {
                return refuse(format!("a secret has {} bytes; use {} or more", secret.len(), App::MIN_SECRET));
            }
        }
        if self.roots.is_empty() {
            return refuse("`roots` is empty; name the vendor's root keys, or no document can be believed".to_owned());
        }
        if let Some(key) = &self.audit_key
            && !crate::ledger::is_audit_key(key)?
        {
            return refuse("`audit_key` is no X25519 public key; make one with `reprieve keys audit`".to_owned());
        }
        Ok(())
    }
}
