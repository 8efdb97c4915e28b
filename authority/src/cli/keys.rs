//! The keys that products trust: each change is the next `keys` document, signed by a root key on this machine.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use reprieve::document::{Document as Says, KeyEntry, Keys, Role, RootKey, SigningKey};
use reprieve::terms::{Kind, is_name};
use reprieve::time::Instant;
use reprieve_authority::error::{Error, Kind as Trouble, Result};
use reprieve_authority::keys;
use serde_json::{Value, json};

use super::client::Client;
use super::documents::{newest, published};
use super::input::{self, Key, name};
use super::output::{self, print, say, table};

const RETIRE: &str = "\
A key that is retired signs nothing from --at on, and what it signed before goes on to hold: that is how keys rotate. One that was stolen is taken out with \
--stolen: then nothing that it ever signed holds any more, as whoever has it can date what he signs as he likes. Ledgers that go by a document of \
its get what is to replace it with their next renewal.";

const ROTATE: &str = "\
To rotate the key that signs leases:
  reprieve-authority keys new keys/lease-2.pem --role lease > lease-2.pub.jwk
  reprieve-authority keys add lease-2.pub.jwk --key keys/root-1.pem --why \"the yearly rotation\"
  # name keys/lease-2.pem in authority.toml, and start the authority anew
  reprieve-authority keys retire lease-1 --key keys/root-1.pem --why \"the yearly rotation\"";

#[derive(Subcommand)]
#[command(after_help = ROTATE)]
pub enum Command {
    /// The keys in force.
    List,
    /// Make a private key, in an encrypted file that only you may read. Its public half is printed.
    New {
        /// The file to write, named after the key's id: lease-2.pem.
        file: PathBuf,
        /// What the key is for: lease, policy, notice, support, revocation, ruling or root; repeat it.
        #[arg(long, required = true, value_parser = role, value_name = "ROLE")]
        role: Vec<Role>,
        /// A file with the passphrase, in place of REPRIEVE_PASSPHRASE or the terminal.
        #[arg(long, value_name = "FILE")]
        passphrase: Option<PathBuf>,
    },
    /// Print the public half of a private key, as `keys add` takes it: of a file, or of a key in a PKCS #11 token.
    Public {
        #[command(flatten)]
        key: Key,
        /// What the key is for; repeat it.
        #[arg(long, required = true, value_parser = role, value_name = "ROLE")]
        role: Vec<Role>,
    },
    /// Trust keys from now on.
    Add {
        /// Public keys, as `keys new` prints them.
        #[arg(required = true)]
        file: Vec<PathBuf>,
        /// They sign nothing before this.
        #[arg(long, value_parser = input::instant, allow_hyphen_values = true)]
        nbf: Option<Instant>,
        /// They sign nothing from here on.
        #[arg(long, value_parser = input::instant)]
        exp: Option<Instant>,
        #[command(flatten)]
        key: Key,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
    /// Trust a key no more.
    #[command(after_help = RETIRE)]
    Retire {
        /// The key's id.
        #[arg(value_parser = name)]
        kid: String,
        /// From when on it signs nothing.
        #[arg(long, value_parser = input::instant, default_value = "now")]
        at: Instant,
        /// Nothing that it ever signed is to hold.
        #[arg(long, conflicts_with = "at")]
        stolen: bool,
        #[command(flatten)]
        key: Key,
        /// Why: for the journal.
        #[arg(long)]
        why: String,
    },
}

fn role(text: &str) -> std::result::Result<Role, String> {
    let all: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    Role::from_word(text).ok_or_else(|| format!("there are {}", all.join(", ")))
}

fn new(file: &Path, roles: &[Role], passphrase: Option<&Path>) -> Result<()> {
    let kid = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if !is_name(kid) || file.extension().is_none_or(|extension| extension != "pem") {
        return Err(Error::input(format!("{}: name the file after the key's id, such as lease-2.pem", file.display())));
    }
    let key = SigningKey::generate(kid).map_err(|error| Error::unavailable(error.to_string()))?;
    keys::write(file, &key, &keys::passphrase(passphrase)?)?;
    let jwk = with_roles(key.jwk_public(), roles);
    say(&format!("the private key {kid} is in {}; keep it where only its owner reads it", file.display()));
    print(&format!("{jwk}\n"))
}

fn with_roles(mut jwk: Value, roles: &[Role]) -> Value {
    jwk["roles"] = roles.iter().map(|role| Value::from(role.as_str())).collect();
    jwk
}

/// A public key, and what it is for.
fn public(path: &Path) -> Result<(RootKey, Vec<Role>)> {
    let wrong = |why: &dyn std::fmt::Display| Error::input(format!("{}: {why}", path.display()));
    let jwk: Value = serde_json::from_str(&input::text(path)?).map_err(|_| wrong(&"is no JWK"))?;
    if jwk.get("d").is_some() {
        return Err(wrong(&"is a private key; give its public half"));
    }
    let key = RootKey::from_jwk(&jwk).map_err(|error| wrong(&error))?;
    let words = jwk.get("roles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let roles: Option<Vec<Role>> = words.iter().map(|word| Role::from_word(word.as_str()?)).collect();
    match roles {
        Some(roles) if !roles.is_empty() => Ok((key, roles)),
        _ => Err(wrong(&"says not what the key is for: its `roles`; `keys new` writes them")),
    }
}

/// The keys in force.
async fn in_force(client: &Client) -> Result<Keys> {
    match newest(client, Kind::Keys, |_| true).await? {
        Some(Says::Keys(keys)) => Ok(keys),
        _ => Err(Error::new(Trouble::Missing, "no keys document is in force")),
    }
}

async fn next(keys: Keys, key: &Key, why: &str, stolen: bool, client: &Client, json: bool) -> Result<()> {
    let iat = input::now().max(Instant::from_seconds(keys.iat.seconds() + 1));
    let next = Keys { version: keys.version + 1, iat, ..keys };
    let token = key.issue(Kind::Keys, &next.claims())?;
    published(client, &json!({ "token": token, "why": why, "even_own_key": stolen }), json).await
}

pub async fn run(command: Command, client: &Client, json: bool) -> Result<()> {
    match command {
        Command::List => {
            let keys = in_force(client).await?;
            if json {
                return output::json(&keys.claims());
            }
            let at = |at: Option<Instant>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
            let words = |roles: &[Role]| roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
            let of = |one: &KeyEntry| vec![one.kid.clone(), words(&one.roles), at(one.nbf), at(one.exp)];
            let root = |one: &RootKey| vec![one.kid.clone(), "root".to_owned(), at(None), at(None)];
            let rows: Vec<Vec<String>> = keys.roots.iter().map(root).chain(keys.keys.iter().map(of)).collect();
            print(&format!("version {}\n", keys.version))?;
            table(&["KEY", "ROLES", "FROM", "TO"], &rows)
        }
        Command::New { file, role, passphrase } => new(&file, &role, passphrase.as_deref()),
        Command::Public { key, role } => {
            let key = keys::open(&key.key, key.passphrase.as_deref())?;
            let public = RootKey { kid: key.kid().to_owned(), x: key.public() };
            print(&format!("{}\n", with_roles(public.jwk(), &role)))
        }
        Command::Add { file, nbf, exp, key, why } => {
            let mut keys = in_force(client).await?;
            for path in &file {
                let (new, roles) = public(path)?;
                if keys.keys.iter().any(|one| one.kid == new.kid) || keys.roots.iter().any(|one| one.kid == new.kid) {
                    return Err(Error::new(Trouble::Conflict, format!("there is a key {} already", new.kid)));
                }
                let others: Vec<Role> = roles.iter().copied().filter(|role| *role != Role::Root).collect();
                if others.len() < roles.len() {
                    keys.roots.push(new.clone());
                }
                if !others.is_empty() {
                    keys.keys.push(KeyEntry { kid: new.kid, x: new.x, roles: others, nbf, exp });
                }
            }
            next(keys, &key, &why, false, client, json).await
        }
        Command::Retire { kid, at, stolen, key, why } => {
            let mut keys = in_force(client).await?;
            let roots = keys.roots.len();
            keys.roots.retain(|root| root.kid != kid);
            let found = keys.keys.iter_mut().find(|one| one.kid == kid);
            if found.is_none() && keys.roots.len() == roots {
                return Err(Error::new(Trouble::Missing, format!("no key {kid} is in force")));
            }
            if let Some(found) = found {
                found.exp = Some(found.exp.map_or(at, |exp| exp.min(at)));
            }
            if stolen {
                keys.keys.retain(|one| one.kid != kid);
            }
            next(keys, &key, &why, stolen, client, json).await
        }
    }
}
