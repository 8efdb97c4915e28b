//! The application file, `reprieve.toml`: the same for every product and language of a vendor.

use std::ops::Range;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
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

/// A value of the file, with its place and name. What is said of one that is wrong quotes neither it nor its line: they may hold a secret.
struct Entry<'a> {
    text: &'a str,
    at: Range<usize>,
    path: String,
    value: DeValue<'a>,
}

impl<'a> Entry<'a> {
    fn root(text: &'a str) -> Result<Entry<'a>, Error> {
        let parsed = DeTable::parse(text).map_err(|error| malformed(text, error.span(), error.message().trim()))?;
        Ok(Entry { text, at: parsed.span(), path: String::new(), value: DeValue::Table(parsed.into_inner()) })
    }

    fn refuse(self, expected: &str) -> Error {
        let what = format!("`{}` is of the type {}; write {expected}", self.path, self.value.type_str());
        malformed(self.text, Some(self.at), &what)
    }

    fn text(self) -> Result<String, Error> {
        match self.value {
            DeValue::String(text) => Ok(text.into_owned()),
            _ => Err(self.refuse("a text in quotes")),
        }
    }

    fn url(self) -> Result<String, Error> {
        let (text, at, path) = (self.text, self.at.clone(), self.path.clone());
        let url = self.text()?;
        if Endpoint::is_url(&url) {
            return Ok(url);
        }
        Err(malformed(text, Some(at), &format!("`{path}` is {url:?}, which is no https:// (or http://) URL")))
    }

    fn number(self) -> Result<u16, Error> {
        let number = self.value.as_integer().and_then(|it| u16::from_str_radix(it.as_str(), it.radix()).ok());
        number.ok_or_else(|| self.refuse("a whole number from 0 to 65535"))
    }

    fn list(self, expected: &str) -> Result<Vec<Entry<'a>>, Error> {
        let DeValue::Array(items) = self.value else { return Err(self.refuse(expected)) };
        let entry = |(number, item): (usize, Spanned<DeValue<'a>>)| {
            let path = format!("{}[{number}]", self.path);
            Entry { text: self.text, at: item.span(), path, value: item.into_inner() }
        };
        Ok(items.into_iter().enumerate().map(entry).collect())
    }

    /// A table that has no other keys than these.
    fn table(self, expected: &str, known: &[&str]) -> Result<Table<'a>, Error> {
        let DeValue::Table(entries) = self.value else { return Err(self.refuse(expected)) };
        let path = if self.path.is_empty() { String::new() } else { self.path + "." };
        match entries.keys().find(|key| !known.contains(&&**key.get_ref())) {
            None => Ok(Table { text: self.text, at: self.at, path, entries }),
            Some(key) => {
                let what = format!("`{path}{}` is no key here; there are {}", key.get_ref(), known.join(", "));
                Err(malformed(self.text, Some(key.span()), &what))
            }
        }
    }
}

struct Table<'a> {
    text: &'a str,
    at: Range<usize>,
    path: String,
    entries: DeTable<'a>,
}

impl<'a> Table<'a> {
    fn take(&mut self, key: &str) -> Option<Entry<'a>> {
        let value = self.entries.remove(key)?;
        let path = format!("{}{key}", self.path);
        Some(Entry { text: self.text, at: value.span(), path, value: value.into_inner() })
    }

    fn needed(&mut self, key: &str) -> Result<Entry<'a>, Error> {
        match self.take(key) {
            Some(entry) => Ok(entry),
            None => Err(malformed(self.text, Some(self.at.clone()), &format!("`{}{key}` is missing", self.path))),
        }
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, Error> {
        self.take(key).map(Entry::text).transpose()
    }

    fn list(&mut self, key: &str, expected: &str) -> Result<Vec<Entry<'a>>, Error> {
        self.take(key).map_or(Ok(Vec::new()), |entry| entry.list(expected))
    }
}

/// What is wrong with a text, and where.
fn malformed(text: &str, at: Option<Range<usize>>, what: &str) -> Error {
    let at = at.and_then(|span| text.get(..span.start)).map_or_else(String::new, |before| {
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        format!("line {line}, column {column}: ")
    });
    Error::new(ErrorKind::App, format!("application file: {at}{what}"))
}

fn root_key(entry: Entry<'_>) -> Result<RootKey, Error> {
    let mut root = entry.table("{ kid = \"NAME\", x = \"BASE64\" }", &["kid", "x"])?;
    let kid = root.needed("kid")?.text()?;
    Ok(RootKey { x: key32("roots.x", &root.needed("x")?.text()?)?, kid })
}

/// A URL or a table. Those without a priority of their own are tried in the order in which they stand.
fn endpoint(entry: Entry<'_>, place: u16) -> Result<Endpoint, Error> {
    if let DeValue::String(_) = entry.value {
        return Ok(Endpoint { url: entry.url()?, priority: place, weight: 1, region: None });
    }
    let expected = "a URL in quotes, or a table { url = \"URL\", priority = 1, weight = 1, region = \"NAME\" }";
    let mut table = entry.table(expected, &["url", "priority", "weight", "region"])?;
    Ok(Endpoint {
        url: table.needed("url")?.url()?,
        priority: table.take("priority").map_or(Ok(place), Entry::number)?,
        weight: table.take("weight").map_or(Ok(1), Entry::number)?,
        region: table.text("region")?,
    })
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
        let known = [
            "vendor",
            "ledger",
            "secret",
            "older_secrets",
            "roots",
            "keys",
            "endpoints",
            "mirrors",
            "audit_key",
            "place",
        ];
        let mut file = Entry::root(text)?.table("a table", &known)?;
        let secret = |key: &str, entry: Entry<'_>| {
            let text = Zeroizing::new(entry.text()?);
            bytes(key, &text).map(Zeroizing::new)
        };
        let vendor = file.needed("vendor")?.text()?;
        let mut app = App {
            ledger: file.text("ledger")?.unwrap_or_else(|| vendor.clone()),
            secret: secret("secret", file.needed("secret")?)?,
            older_secrets: Vec::new(),
            roots: Vec::new(),
            keys: file.text("keys")?.map(|token| token.trim().as_bytes().to_vec()),
            endpoints: Vec::new(),
            mirrors: Vec::new(),
            audit_key: file.text("audit_key")?.map(|text| key32("audit_key", &text)).transpose()?,
            folder: None,
            witness: None,
            memory_if_read_only: false,
            vendor,
        };
        for entry in file.list("older_secrets", "a list of secrets: [\"BASE64\", \"BASE64\"]")? {
            app.older_secrets.push(secret("older_secrets", entry)?);
        }
        for entry in file.needed("roots")?.list("a list: [{ kid = \"NAME\", x = \"BASE64\" }]")? {
            app.roots.push(root_key(entry)?);
        }
        for (entry, place) in file.list("endpoints", "a list of URLs: [\"URL\"]")?.into_iter().zip(1..) {
            app.endpoints.push(endpoint(entry, place)?);
        }
        for entry in file.list("mirrors", "a list of URLs: [\"URL\"]")? {
            app.mirrors.push(entry.url()?);
        }
        if let Some(place) = file.take("place") {
            let mut place = place.table("a table: [place]", &["folder", "witness", "read_only"])?;
            app.folder = place.text("folder")?.map(PathBuf::from);
            app.witness = place.text("witness")?.map(PathBuf::from);
            app.memory_if_read_only = match place.text("read_only")?.as_deref() {
                None | Some("error") => false,
                Some("memory") => true,
                Some(other) => {
                    let text =
                        format!("application file: `place.read_only` is `{other}`; write \"memory\" or \"error\"");
                    return Err(Error::new(ErrorKind::App, text));
                }
            };
        }
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
