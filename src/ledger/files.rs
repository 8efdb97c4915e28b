//! What a ledger's files are called. All lie in one folder, and no two ledgers' names can mean the same file.

use std::io;
use std::path::{Path, PathBuf};

use super::error::{Error, ErrorKind, Result};
use super::storage::Storage;
use super::tree::sha256;
use crate::order::sort_short;

const LONGEST_NAME: usize = 64;

/// The paths of one ledger's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) folder: PathBuf,
    pub(crate) name: String,
}

/// A file of some generation that lies in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GenerationFile {
    pub(crate) generation: u64,
    pub(crate) temporary: bool,
    pub(crate) path: PathBuf,
}

/// The highest number that a generation has.
const LAST_GENERATION: u64 = u32::MAX as u64;

impl Files {
    /// Checks the name: 1 to 64 of `A-Z a-z 0-9 _ - .`, no dot at either end.
    pub(crate) fn new(folder: &Path, name: &str) -> Result<Files> {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        if !plain || name.is_empty() || name.len() > LONGEST_NAME || name.starts_with('.') || name.ends_with('.') {
            return Err(Error::new(
                ErrorKind::Misuse,
                format!(
                    "{name:?} is no ledger's name: use 1 to {LONGEST_NAME} of A-Z a-z 0-9 _ - . with no dot at either end"
                ),
            ));
        }
        Ok(Files { folder: folder.to_path_buf(), name: name.to_string() })
    }

    fn path(&self, rest: &str) -> PathBuf {
        self.folder.join(format!("{}.{rest}", self.name))
    }

    pub(crate) fn generation(&self, generation: u64) -> PathBuf {
        self.path(&format!("g{generation}.ledger"))
    }

    pub(crate) fn temporary(&self, generation: u64) -> PathBuf {
        self.path(&format!("g{generation}.ledger.tmp"))
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.path("lock")
    }

    pub(crate) fn synced(&self) -> PathBuf {
        self.path("synced")
    }

    pub(crate) fn synced_lock(&self) -> PathBuf {
        self.path("synced.lock")
    }

    pub(crate) fn turn(&self) -> PathBuf {
        self.path("renew.lock")
    }

    pub(crate) fn secret(&self) -> PathBuf {
        self.path("secret")
    }

    pub(crate) fn head(&self) -> PathBuf {
        self.path("head")
    }

    pub(crate) fn snapshot(&self, which: usize) -> PathBuf {
        self.path(&format!("snapshot.{which}"))
    }

    pub(crate) fn torn(&self, n: u64) -> PathBuf {
        self.path(&format!("torn-{n}"))
    }

    /// A small file of the user's own. Whatever it is called, its name is safe and no other file's.
    pub(crate) fn side(&self, what: &str) -> PathBuf {
        self.path(&format!("side-{}", escape(what)))
    }

    pub(crate) fn retired(&self, n: u64) -> PathBuf {
        self.path(&format!("retired-{n}"))
    }

    /// The generations that lie in the folder, the lowest first, temporary ones included. A folder that is not there has none.
    pub(crate) fn generations(&self, storage: &dyn Storage) -> Result<Vec<GenerationFile>> {
        let mut found: Vec<GenerationFile> =
            self.names(storage)?.iter().filter_map(|name| self.parse_generation(name)).collect();
        sort_short(&mut found, |file| (file.generation, file.temporary));
        Ok(found)
    }

    /// The files that go when the ledger is retired, in the order in which they go: the ruling generation after those
    /// below it, what belongs to the log after the log, the secret last. The lock file stays.
    pub(crate) fn retirable(&self, storage: &dyn Storage) -> Result<Vec<PathBuf>> {
        let mut paths: Vec<PathBuf> = self.generations(storage)?.into_iter().map(|file| file.path).collect();
        let names = self.names(storage)?;
        let mine = |name: &&String| {
            let rest = name.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| {
                let rest = replaced_file(rest);
                rest == "head"
                    || rest == "snapshot.0"
                    || rest == "snapshot.1"
                    || rest.strip_prefix("torn-").is_some_and(is_number)
                    || rest.strip_prefix("side-").is_some_and(is_side)
            })
        };
        paths.extend(names.iter().filter(mine).map(|name| self.folder.join(name)));
        paths.extend(
            names.iter().filter(|name| self.folder.join(name) == self.secret()).map(|name| self.folder.join(name)),
        );
        Ok(paths)
    }

    /// What crashes left of snapshots and heads that never got their names.
    pub(crate) fn leftovers(&self, storage: &dyn Storage) -> Result<Vec<PathBuf>> {
        let left = |name: &&String| {
            let rest = name.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| {
                let replaced = replaced_file(rest);
                replaced != rest && matches!(replaced, "head" | "snapshot.0" | "snapshot.1")
            })
        };
        Ok(self.names(storage)?.iter().filter(left).map(|name| self.folder.join(name)).collect())
    }

    fn names(&self, storage: &dyn Storage) -> Result<Vec<String>> {
        match storage.list(&self.folder) {
            Ok(names) => Ok(names),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(err) => Err(Error::io(&err, "listing the folder", &self.folder)),
        }
    }

    fn parse_generation(&self, name: &str) -> Option<GenerationFile> {
        let rest = name.strip_prefix(&self.name)?.strip_prefix(".g")?;
        let (rest, temporary) = match rest.strip_suffix(".tmp") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let number = rest.strip_suffix(".ledger").filter(|number| is_number(number))?;
        // A number that no ledger reaches is somebody else's file.
        let generation = number.parse().ok().filter(|generation| *generation <= LAST_GENERATION)?;
        Some(GenerationFile { generation, temporary, path: self.folder.join(name) })
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
}

const LONGEST_SIDE: usize = 120;

/// Letters, digits, `_` and `-` as they are, all else as `%XX`; what becomes too long for a file's name by its hash.
fn escape(what: &str) -> String {
    let mut out = String::new();
    for byte in what.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    if out.len() > LONGEST_SIDE {
        out = sha256(&[what.as_bytes()]).iter().fold(String::from("%"), |hex, byte| hex + &format!("{byte:02x}"));
    }
    out
}

fn is_side(what: &str) -> bool {
    what.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-%".contains(&b))
}

/// The temporary name under which a small file is written before it replaces the one at `path`. Each writer has its own.
pub(crate) fn replacement(path: &Path, unique: u64) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{unique:016x}.tmp"));
    parent(path).join(name)
}

/// The name that a [`replacement`] is for; any other name as it is.
fn replaced_file(name: &str) -> &str {
    let inner = || {
        let (name, unique) = name.strip_suffix(".tmp")?.rsplit_once('.')?;
        (unique.len() == 16 && unique.bytes().all(|b| b.is_ascii_hexdigit())).then_some(name)
    };
    inner().unwrap_or(name)
}

/// The folder that a file lies in.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_names_are_taken() {
        for name in ["", ".", "..", "a/b", "a\\b", ".hidden", "dot.", "n\u{f6}", "a b", "a\0b", &"x".repeat(65)] {
            assert_eq!(Files::new(Path::new("/f"), name).unwrap_err().kind(), ErrorKind::Misuse, "{name:?}");
        }
        for name in ["a", "acme.example", "Acme_3-d"] {
            assert!(Files::new(Path::new("/f"), name).is_ok());
        }
    }

    #[test]
    fn no_other_ledgers_file_is_taken_for_a_generation() {
        let files = Files::new(Path::new("/f"), "a").unwrap();
        let parsed = |name: &str| files.parse_generation(name).map(|file| (file.generation, file.temporary));
        assert_eq!(parsed("a.g0.ledger"), Some((0, false)));
        assert_eq!(parsed("a.g12.ledger.tmp"), Some((12, true)));
        for name in ["a.g0.g0.ledger", "a.g01.ledger", "a.g.ledger", "ab.g0.ledger", "a.g0.ledger.bak", "a.g+1.ledger"]
        {
            assert_eq!(parsed(name), None, "{name}");
        }
    }
}
