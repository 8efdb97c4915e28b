//! Running the binary, and a vendor's keys and application file to run it with.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a run came to.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    #[track_caller]
    pub fn ok(self) -> String {
        self.ends(0).out
    }

    #[track_caller]
    pub fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        assert!(
            !self.out.contains('\u{1b}') && !self.err.contains('\u{1b}'),
            "colours in a pipe: {}{}",
            self.out,
            self.err
        );
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// The error names all of these.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Ran {
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in: {}", self.err);
        }
        self
    }
}

/// A folder in which commands are run.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
        command.current_dir(self.folder.path());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR"] {
            command.env_remove(name);
        }
        // What is at home on this machine is no test's.
        command.env("HOME", self.folder.path()).env_remove("XDG_DATA_HOME").env_remove("XDG_STATE_HOME");
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Ran {
        self.run_with(args, b"")
    }

    /// Runs the command with this on its stdin.
    pub fn run_with<S: AsRef<OsStr>>(&self, args: &[S], stdin: &[u8]) -> Ran {
        let mut command = self.command();
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that fails early does not read.
        let _ = child.stdin.take().unwrap().write_all(stdin);
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The command's one JSON value.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let out = self.run(args).ok();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

pub const POLICY: &str = r#"schema = 1
id = "acme"
version = 1
default_tier = "basic"

[governance]
approvals = 2
max_extension = "7d"

[tiers.basic]
warn = ["24h", "1h"]
budget = { limit = "20d", window = "90d" }
network = { allowance = "14d", stages = [{ after = "0s", access = "full" }, { after = "7d", access = "limited" }] }
unknown = { allowance = "3d" }
maintenance = { allowance = "7d", margin = "12h" }

[tiers.roaming]
start = "first_use"
horizon = "30d"
unknown = { allowance = "5d" }

[skus.cad]
tier = "basic"
features = { field = "roaming" }

[[changes]]
version = 1
date = 2026-11-01
summary = "The first one."
"#;

/// A vendor with keys, an application file and a ledger that is made on first use.
pub fn vendor() -> Place {
    let place = Place::new();
    let keys: [(&str, &[&str]); 5] = [
        ("root", &["root"]),
        ("lease", &["lease"]),
        ("vendor", &["policy", "notice", "revocation", "ruling"]),
        ("anna", &["support"]),
        ("ben", &["support"]),
    ];
    for (name, roles) in keys {
        let file = format!("{name}.jwk");
        let mut args = vec!["keys", "new", &file, "--kid", name];
        roles.iter().for_each(|role| args.extend(["--role", role]));
        let public = place.run(&args).ok();
        place.write(&format!("{name}.pub"), public);
    }
    let document =
        ["keys", "document", "--version", "1", "--root", "root.pub", "lease.pub", "vendor.pub", "anna.pub", "ben.pub"];
    place.write("keys.json", place.run(&document).ok());
    place.run(&["sign", "keys", "keys.json", "--key", "root.jwk", "-o", "keys.jws"]).ok();
    let root: Value = serde_json::from_str(&place.read("root.pub")).unwrap();
    place.write(
        "reprieve.toml",
        format!(
            "vendor = \"acme\"\nsecret = \"c2l4dGVlbiBieXRlcyBvciBtb3Jl\"\nroots = [{{ kid = \"root\", x = {} }}]\nkeys = \"{}\"\n\
             [place]\nfolder = \"ledger\"\nwitness = \"witness\"\n",
            root["x"],
            place.read("keys.jws").trim()
        ),
    );
    place.write("policy.toml", POLICY);
    place.write(
        "lease.toml",
        "license = \"L1\"\nsku = \"cad\"\nfeatures = [\"core\", \"field\"]\nttl = \"30d\"\nledger = \"*\"\n",
    );
    place
}

/// A drill's world with a policy and a lease, at `world`.
pub fn world() -> Place {
    let place = vendor();
    place.run(&["world", "new", "world", "--policy", "policy.toml"]).ok();
    place.run(&["world", "issue", "world", "lease", "lease.toml", "--fresh", "--import"]).ok();
    place
}

/// Every file below a folder, with its bytes: to see that nothing was changed.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push((path.clone(), std::fs::read(path).unwrap())),
        }
    }
    found.sort();
    found
}
