//! The real program, in a process of its own: what it holds is read from /proc.
#![allow(dead_code)]

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reprieve::client::{App, Builder, Client};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_reprieve-authority");

pub struct Program {
    pub folder: TempDir,
    pub address: SocketAddr,
    child: Child,
}

impl Program {
    /// Serves at this address, with so many open files at most, if they are said.
    pub fn serve(listen: &str, files: Option<u64>) -> Program {
        let folder = TempDir::new().unwrap();
        let made = folder.path().join("acme");
        let mut init = Command::new(PROGRAM);
        init.arg("init").arg(&made).args(["--vendor", "acme", "--listen", listen]).stdout(Stdio::null());
        assert!(init.status().unwrap().success(), "init failed");
        let mut serve = match files {
            None => Command::new(PROGRAM),
            Some(files) => {
                let mut shell = Command::new("sh");
                // Both limits: the program raises the soft one to the hard one.
                shell.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\""), PROGRAM]);
                shell
            }
        };
        serve.arg("--config").arg(made.join("authority.toml")).arg("serve");
        let mut child = serve.env("REPRIEVE_LOG", "error").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().parse();
        Program { address: address.unwrap_or_else(|_| panic!("it does not listen: {line}")), folder, child }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("acme").join(name)
    }

    /// Runs a command of the program on the same books; gives what it printed.
    pub fn run(&self, words: &[&str]) -> String {
        let done = Command::new(PROGRAM)
            .arg("--config")
            .arg(self.path("authority.toml"))
            .args(words)
            .env("REPRIEVE_LOG", "error")
            .output()
            .unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// A product and a licence of it; gives the activation code.
    pub fn licence(&self, id: &str) -> String {
        self.run(&["product", "new", "cad", "--name", "CAD"]);
        let more = ["--sku", "cad", "--customer", "A customer", "--feature", "core", "--why", "a test"];
        let told = self.run(&[&["--json", "license", "new", id], &more[..]].concat());
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        told["code"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
    }

    /// A product on a machine of its own.
    pub fn product(&self, machine: &Path) -> Client {
        let mut app = App::from_file(&self.path("reprieve.toml")).unwrap();
        app.folder = Some(machine.join("ledger"));
        app.witness = Some(machine.join("witness"));
        Builder::new(app).open().unwrap()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }

    /// How many files it has open.
    pub fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// KiB of memory that it has resident.
    pub fn memory(&self) -> u64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }

    /// Hundredths of seconds of the processor that it has used.
    pub fn ticks(&self) -> u64 {
        let stat = self.read("stat");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    pub fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
