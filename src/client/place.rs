//! Where a ledger lies by default, and on which machine.

use std::path::{Path, PathBuf};

use super::error::{Error, ErrorKind};
use crate::grace::Machine;

/// The user's folder for data that stays, by platform convention, under the vendor's id.
pub(super) fn default_folder(vendor: &str) -> Result<PathBuf, Error> {
    base(&["XDG_DATA_HOME"], &[".local", "share"], "LOCALAPPDATA", &["Library", "Application Support"])
        .map(|base| base.join("reprieve").join(vendor))
        .ok_or_else(|| no_home("ledger", "place.folder"))
}

/// The user's folder for state, where the witness lies: elsewhere than the ledger, so that one is not put back with the other by
/// accident.
pub(super) fn default_witness(vendor: &str) -> Result<PathBuf, Error> {
    base(&["XDG_STATE_HOME"], &[".local", "state"], "APPDATA", &["Library", "Caches"])
        .map(|base| base.join("reprieve").join(vendor))
        .ok_or_else(|| no_home("witness", "place.witness"))
}

fn no_home(what: &str, key: &str) -> Error {
    let text = format!(
        "no place for the {what}: this user has no home folder; set `{key}` in the application file, or use a ledger in memory"
    );
    Error::new(ErrorKind::NoFolder, text)
}

fn base(xdg: &[&str], unix: &[&str], windows: &str, mac: &[&str]) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return absolute(windows);
    }
    if cfg!(target_os = "macos") {
        return absolute("HOME").map(|home| mac.iter().fold(home, |path, part| path.join(part)));
    }
    xdg.iter()
        .find_map(|name| absolute(name))
        .or_else(|| absolute("HOME").map(|home| unix.iter().fold(home, |path, part| path.join(part))))
}

/// L5: three facts about this machine that every user can read, hashed under the ledger's id.
pub(super) fn machine(ledger: &str) -> Machine {
    Machine::of(ledger, [machine_id(), hardware(), network()])
}

impl Machine {
    /// Hashes facts under a ledger's id: they say nothing elsewhere.
    pub(crate) fn of(ledger: &str, facts: [Option<Vec<u8>>; 3]) -> Machine {
        let mut at = 0u8;
        Machine(facts.map(|fact| {
            at += 1;
            fact.map(|fact| {
                let mut context = ring::digest::Context::new(&ring::digest::SHA256);
                context.update(b"reprieve machine fact ");
                context.update(&[at]);
                context.update(ledger.as_bytes());
                context.update(&fact);
                let mut hash = [0; 16];
                hash.copy_from_slice(&context.finish().as_ref()[..16]);
                hash
            })
        }))
    }
}

fn text(path: impl AsRef<Path>) -> Option<Vec<u8>> {
    let text = std::fs::read(path).ok()?;
    let text = text.trim_ascii();
    (!text.is_empty()).then(|| text.to_vec())
}

fn machine_id() -> Option<Vec<u8>> {
    text("/etc/machine-id").or_else(|| text("/var/lib/dbus/machine-id"))
}

fn hardware() -> Option<Vec<u8>> {
    let parts: Vec<u8> = ["sys_vendor", "product_name", "board_vendor", "board_name", "bios_vendor"]
        .iter()
        .filter_map(|name| text(Path::new("/sys/class/dmi/id").join(name)))
        .flat_map(|part| [part, vec![0]].concat())
        .collect();
    let cpu = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|info| info.lines().find(|line| line.starts_with("model name")).map(|line| line.as_bytes().to_vec()));
    let all = [parts, cpu.unwrap_or_default()].concat();
    (!all.is_empty()).then_some(all)
}

/// The addresses of the network cards that are hardware.
fn network() -> Option<Vec<u8>> {
    let mut addresses: Vec<Vec<u8>> = std::fs::read_dir("/sys/class/net")
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("device").exists())
        .filter_map(|entry| text(entry.path().join("address")))
        .collect();
    addresses.sort();
    (!addresses.is_empty()).then(|| addresses.concat())
}
