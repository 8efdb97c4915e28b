//! `reprieve keys`: the authority's own keys.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use reprieve::document::{Role, RootKey, SigningKey};
use serde_json::{Map, Value, json};

use crate::audit::AuditKey;
use crate::failure::{Done, Failure, say};
use crate::input;
use crate::output::Out;

const NEW: &str = "\
The public key goes to stdout as a JWK. With --role it says what the key is for, and `reprieve keys document` takes it as it is.
Roles: lease, policy, notice, support, revocation, ruling, root.

Examples:
  reprieve keys new root.jwk --role root --kid root-1 > root.pub.jwk
  reprieve keys new lease.jwk --role lease > lease.pub.jwk
  reprieve keys new support.pem --pem --kid support-anna";

const DOCUMENT: &str = "\
Writes the claims of a keys document; `reprieve sign keys` signs them with a root key. Each key is a file with a public (or \
private) JWK that says its roles, or ROLES:FILE.

Examples:
  reprieve keys document --version 1 --root root.pub.jwk lease.pub.jwk policy,notice:vendor.pub.jwk > keys.json
  reprieve sign keys keys.json --key root.jwk -o keys.jws";

const AUDIT: &str = "\
The public half goes to stdout: put it into the application file as audit_key, and every ledger that is made from then on has a \
slot for it; `reprieve ledger rekey --add audit` adds one to a ledger that was made before. With the private half, `reprieve ledger verify`, `history` and `export` read such a ledger without the secret file of \
the machine that it comes from.

Examples:
  reprieve keys audit audit.jwk
  reprieve ledger history --app reprieve.toml --folder from-a-customer --audit-key audit.jwk";

#[derive(Subcommand)]
pub enum Command {
    /// Make a private key: a file that only you may read.
    #[command(after_help = NEW)]
    New {
        /// The file to write. One that is there is never overwritten.
        file: PathBuf,
        /// What the key is for; repeat it for several roles.
        #[arg(long, value_parser = role, value_name = "ROLE")]
        role: Vec<Role>,
        /// The key's name, which tokens carry. Unless said: its first role and the start of its thumbprint.
        #[arg(long, value_parser = name)]
        kid: Option<String>,
        /// Write PKCS #8 in PEM, as OpenSSL does, in place of a JWK. PEM holds no name.
        #[arg(long)]
        pem: bool,
    },
    /// Print the public half of a private key.
    #[command(after_help = "Example:\n  reprieve keys public lease.jwk > lease.pub.jwk")]
    Public {
        /// The private key: a JWK or PEM file.
        file: PathBuf,
        /// The name of a key in PEM. Unless said: its thumbprint.
        #[arg(long, value_parser = name)]
        kid: Option<String>,
    },
    /// Make an audit key: it opens ledgers that customers send.
    #[command(after_help = AUDIT)]
    Audit {
        /// The file to write. One that is there is never overwritten.
        file: PathBuf,
    },
    /// Make the claims of a keys document from public keys.
    #[command(after_help = DOCUMENT)]
    Document {
        /// The document's version: higher than the last one's.
        #[arg(long)]
        version: u64,
        /// A root key, which may sign the next keys document; repeat it for several.
        #[arg(long, required = true, value_name = "FILE")]
        root: Vec<PathBuf>,
        /// The authority's keys: FILE, or ROLES:FILE such as lease,policy:vendor.pub.jwk.
        #[arg(value_name = "[ROLES:]FILE")]
        keys: Vec<String>,
    },
}

fn role(text: &str) -> Result<Role, String> {
    let all: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    Role::from_word(text).ok_or_else(|| format!("there are {}", all.join(", ")))
}

pub fn name(text: &str) -> Result<String, String> {
    if reprieve::terms::is_name(text) {
        return Ok(text.to_owned());
    }
    Err("a name has 1 to 128 of A-Z a-z 0-9 . _ : @ / + -".to_owned())
}

pub fn run(command: Command, out: &mut Out) -> Result<Done, Failure> {
    match command {
        Command::New { file, role, kid, pem } => new(&file, &role, kid, pem, out),
        Command::Public { file, kid } => {
            let key = read(&file, kid.as_deref())?;
            out.json(&with_roles(key.key.jwk_public(), &key.roles))?;
            Ok(Done::Well)
        }
        Command::Audit { file } => {
            let key = AuditKey::generate()?;
            write_private(&file, format!("{}\n", key.jwk()).as_bytes())?;
            say(&format!("the private audit key is in {}; keep it where only auditors read it", file.display()));
            out.line(format!("audit_key = \"{}\"", key.public_text()))?;
            Ok(Done::Well)
        }
        Command::Document { version, root, keys } => document(version, &root, &keys, out),
    }
}

fn new(file: &Path, roles: &[Role], kid: Option<String>, pem: bool, out: &mut Out) -> Result<Done, Failure> {
    let failed = |error: reprieve::document::KeyError| Failure::environment(format!("no key could be made: {error}"));
    let mut key = SigningKey::generate("new").map_err(failed)?;
    let kid = kid.unwrap_or_else(|| match roles.first() {
        Some(role) if !pem => format!("{role}-{}", key.thumbprint().chars().take(8).collect::<String>()),
        _ => key.thumbprint(),
    });
    key = SigningKey::from_seed(kid, *key.seed()).map_err(failed)?;
    let text = if pem { key.to_pem().to_string() } else { format!("{}\n", with_roles(key.jwk_private(), roles)) };
    write_private(file, text.as_bytes())?;
    say(&format!("the private key {} is in {}; keep it where only the authority reads it", key.kid(), file.display()));
    out.json(&with_roles(key.jwk_public(), roles))?;
    Ok(Done::Well)
}

fn with_roles(mut jwk: Value, roles: &[Role]) -> Value {
    if !roles.is_empty() {
        jwk["roles"] = roles.iter().map(|role| Value::from(role.as_str())).collect();
    }
    jwk
}

/// Writes a file that its owner alone may read, and that was not there.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| Failure::writing(path, &error))
}

/// A private key from its file, and what the file says that it is for.
pub struct PrivateKey {
    pub key: SigningKey,
    pub roles: Vec<Role>,
}

/// Reads a private key: a JWK, or PKCS #8 in PEM.
pub fn read(path: &Path, kid: Option<&str>) -> Result<PrivateKey, Failure> {
    let source = input::read(path)?;
    warn_if_open(path);
    let wrong = |error: reprieve::document::KeyError| {
        Failure::input(format!("{}: is no private key: {error}; make one with `reprieve keys new`", source.name))
    };
    if !source.is_json() {
        let named = |kid: &str| SigningKey::from_pem(kid, &source.text).map_err(wrong);
        let key = match kid {
            Some(kid) => named(kid)?,
            None => named(&named("")?.thumbprint())?,
        };
        return Ok(PrivateKey { key, roles: Vec::new() });
    }
    let mut jwk = source.object()?;
    if let Some(kid) = kid {
        jwk.insert("kid".to_owned(), kid.into());
    }
    let roles = roles_of(&jwk, &source.name)?;
    let key = SigningKey::from_jwk(&Value::Object(jwk)).map_err(wrong)?;
    Ok(PrivateKey { key, roles })
}

#[cfg(unix)]
fn warn_if_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let open = |mode: u32| mode & 0o077 != 0;
    if std::fs::metadata(path).is_ok_and(|data| data.is_file() && open(data.permissions().mode())) {
        say(&format!("{}: others than its owner may read this private key; run chmod 600 on it", path.display()));
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path) {}

fn roles_of(jwk: &Map<String, Value>, name: &str) -> Result<Vec<Role>, Failure> {
    let wrong = || Failure::input(format!("{name}: `roles` is no list of roles, such as [\"lease\"]"));
    let Some(value) = jwk.get("roles") else { return Ok(Vec::new()) };
    let word = |value: &Value| value.as_str().and_then(Role::from_word).ok_or_else(wrong);
    value.as_array().ok_or_else(wrong)?.iter().map(word).collect()
}

fn document(version: u64, roots: &[PathBuf], keys: &[String], out: &mut Out) -> Result<Done, Failure> {
    let mut entries = Vec::new();
    for key in keys {
        let (given, path) = prefixed(key);
        let (public, jwk, name) = public(path)?;
        let roles = if given.is_empty() { roles_of(&jwk, &name)? } else { given };
        if roles.is_empty() {
            let message = format!("{name}: says no roles; give them in front, as in lease:{name}");
            return Err(Failure::input(message));
        }
        let mut entry = public_entry(&public);
        entry["roles"] = roles.iter().map(|role| Value::from(role.as_str())).collect();
        for member in ["nbf", "exp"] {
            if let Some(value) = jwk.get(member) {
                entry[member] = value.clone();
            }
        }
        entries.push(entry);
    }
    let mut root_entries = Vec::new();
    for root in roots {
        root_entries.push(public_entry(&public(root)?.0));
    }
    out.json(&json!({ "version": version, "keys": entries, "roots": root_entries }))?;
    Ok(Done::Well)
}

fn public_entry(key: &RootKey) -> Value {
    let jwk = key.jwk();
    json!({ "kid": key.kid, "x": jwk["x"] })
}

/// `lease,policy:FILE` is roles and a file; anything else is a file.
fn prefixed(text: &str) -> (Vec<Role>, &Path) {
    if let Some((words, file)) = text.split_once(':') {
        let roles: Option<Vec<Role>> = words.split(',').map(Role::from_word).collect();
        if let Some(roles) = roles {
            return (roles, Path::new(file));
        }
    }
    (Vec::new(), Path::new(text))
}

fn public(path: &Path) -> Result<(RootKey, Map<String, Value>, String), Failure> {
    let source = input::read(path)?;
    let jwk = source.object()?;
    let key = RootKey::from_jwk(&Value::Object(jwk.clone()))
        .map_err(|error| Failure::input(format!("{}: is no public key: {error}", source.name)))?;
    if !reprieve::terms::is_name(&key.kid) {
        return Err(Failure::input(format!(
            "{}: `kid` is no name: 1 to 128 of A-Z a-z 0-9 . _ : @ / + -",
            source.name
        )));
    }
    Ok((key, jwk, source.name))
}
