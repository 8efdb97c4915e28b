//! The public log, verified on this machine: the checkpoint's signature, that it goes on from the one seen last, and that a document is in it.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use reprieve::document::{TokenId, trim};
use reprieve::ledger::note::{Checkpoint, Verifier};
use reprieve::ledger::tree::{self, Hash};
use reprieve_authority::error::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::Client;
use super::input;
use super::output::{self, print};

const VERIFY: &str = "\
FILE remembers the log's key and the newest checkpoint that was seen. The first time the key is given (`reprieve-authority log-key` prints it); from then \
on a log that takes anything back, or that is shown differently to others who compare their checkpoints, is found out. The exit code is 1 if \
something does not hold; FILE then stays as it was.

Example:
  reprieve-authority --url https://licence.example.com log verify --seen log.json --key acme/authority+12345678+AXYZ...";

#[derive(Subcommand)]
pub enum Command {
    /// Verify that the log goes on from the checkpoint seen last, and remember the newest one.
    #[command(after_help = VERIFY)]
    Verify {
        /// Where the checkpoint is remembered.
        #[arg(long, value_name = "FILE")]
        seen: PathBuf,
        /// The log's key, the first time.
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Verify that a document is in the log.
    Proof {
        /// A file with the document's token.
        token: PathBuf,
        /// Where the checkpoint is remembered.
        #[arg(long, value_name = "FILE")]
        seen: PathBuf,
        /// The log's key, the first time.
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
}

/// What is remembered of a log.
#[derive(Serialize, Deserialize)]
struct Seen {
    key: String,
    checkpoint: Option<String>,
}

fn wrong(text: impl Into<String>) -> Error {
    Error::new(Kind::Refused, text)
}

impl Seen {
    fn read(path: &Path, key: Option<&str>) -> Result<Seen> {
        if !path.exists() {
            let key = key.ok_or_else(|| {
                Error::input(format!(
                    "{} is not there yet: give the log's key with --key this first time",
                    path.display()
                ))
            })?;
            return Ok(Seen { key: key.to_owned(), checkpoint: None });
        }
        let seen: Seen = serde_json::from_str(&input::text(path)?)
            .map_err(|_| Error::input(format!("{}: is not what `log verify` wrote", path.display())))?;
        match key {
            Some(key) if key != seen.key => {
                Err(wrong(format!("{} was made with another key than --key", path.display())))
            }
            _ => Ok(seen),
        }
    }

    /// The checkpoint of a note that the log's key signed.
    fn signed(&self, note: &str) -> Result<Checkpoint> {
        let verifier =
            Verifier::from_vkey(&self.key).map_err(|error| Error::input(format!("the log's key: {error}")))?;
        let text = verifier.verify(note).map_err(|error| wrong(format!("the checkpoint: {error}")))?;
        let checkpoint = Checkpoint::parse(text).map_err(|error| wrong(format!("the checkpoint: {error}")))?;
        match checkpoint.origin == verifier.name() {
            true => Ok(checkpoint),
            false => Err(wrong(format!("the checkpoint is of {}, another log", checkpoint.origin))),
        }
    }

    /// Takes a newer checkpoint, once it is shown to go on from the one seen last.
    async fn advance(&mut self, note: &str, client: &Client) -> Result<Checkpoint> {
        let new = self.signed(note)?;
        let old = self.checkpoint.as_deref().map(|old| self.signed(old)).transpose()?;
        if let Some(old) = old {
            if new.size < old.size {
                return Err(wrong(format!(
                    "the log has {} documents, and had {}: it took some back",
                    new.size, old.size
                )));
            }
            let path = match new.size == old.size || old.size == 0 {
                true => Vec::new(),
                false => {
                    let query = format!("/log/consistency?old={}&new={}", old.size, new.size);
                    hashes(&client.get(&query).await?["path"])?
                }
            };
            let same = new.size == old.size && new.root == old.root;
            if !same && !tree::verify_consistency(old.size, new.size, &path, &old.root, &new.root) {
                let text = format!("the log of {} documents does not go on from the one of {}", new.size, old.size);
                return Err(wrong(format!("{text}: it shows others another one, or something was changed")));
            }
        }
        self.checkpoint = Some(note.to_owned());
        Ok(new)
    }

    /// Keeps it, whole or not at all.
    fn write(&self, path: &Path) -> Result<()> {
        let failed = |error: std::io::Error| Error::unavailable(format!("{}: {error}", path.display()));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map(|_| ()).map_err(|error| failed(error.error))
    }
}

fn hashes(list: &Value) -> Result<Vec<Hash>> {
    let one = |text: &Value| Hash::try_from(STANDARD.decode(text.as_str()?).ok()?).ok();
    let all = list.as_array().and_then(|list| list.iter().map(one).collect());
    all.ok_or_else(|| wrong("the proof is no list of hashes"))
}

pub async fn run(command: Command, client: &Client, json: bool) -> Result<()> {
    match command {
        Command::Verify { seen: path, key } => {
            let mut seen = Seen::read(&path, key.as_deref())?;
            let note = client.text("/log/checkpoint").await?;
            let new = seen.advance(&note, client).await?;
            seen.write(&path)?;
            if json {
                return output::json(
                    &serde_json::json!({ "origin": new.origin, "size": new.size, "root": STANDARD.encode(new.root) }),
                );
            }
            print(&format!("{} has {} documents, and nothing was taken back\n", new.origin, new.size))
        }
        Command::Proof { token, seen: path, key } => {
            let mut seen = Seen::read(&path, key.as_deref())?;
            let bytes = input::file(&token)?;
            let (id, leaf) = (TokenId::of(&bytes), tree::leaf_hash(trim(&bytes)));
            let proof = client.get(&format!("/log/proof/{id}")).await?;
            let note = proof["checkpoint"].as_str().unwrap_or_default();
            let new = seen.advance(note, client).await?;
            let (index, hashes) = (proof["index"].as_u64().unwrap_or(u64::MAX), hashes(&proof["path"])?);
            if index >= new.size || !tree::verify_inclusion(index, new.size, &leaf, &hashes, &new.root) {
                return Err(wrong(format!("the proof does not show that {} is in the log", token.display())));
            }
            seen.write(&path)?;
            if json {
                return output::json(&serde_json::json!({ "id": id.to_string(), "index": index, "size": new.size }));
            }
            print(&format!("{id} is number {index} of the {} documents of {}\n", new.size, new.origin))
        }
    }
}
