//! Where a ledger lies by default, and on which machine.

use std::path::{Path, PathBuf};

#[cfg_attr(target_vendor = "apple", path = "facts/apple.rs")]
#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "facts/linux.rs")]
#[cfg_attr(windows, path = "facts/windows.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)),
    path = "facts/other.rs"
)]
mod facts;

use super::error::{Error, ErrorKind};
pub(super) use super::network::Mounts;
use crate::grace::Machine;

/// The user's folder for data that stays, by platform convention, under the vendor's id; where that lies on a network, one on a
/// local disk. `make` makes what keeps that one private.
pub(super) fn default_folder(vendor: &str, make: bool, mounts: &Mounts) -> Result<PathBuf, Error> {
    base(&["XDG_DATA_HOME"], &[".local", "share"], "LOCALAPPDATA", &["Library", "Application Support"])
        .map(|base| base.join("reprieve").join(vendor))
        .ok_or_else(|| no_home("ledger", "place.folder"))
        .and_then(|folder| local(folder, "ledger", vendor, make, mounts))
}

/// The user's folder for state, where the witness lies: elsewhere than the ledger, so that one is not put back with the other by
/// accident.
pub(super) fn default_witness(vendor: &str, make: bool, mounts: &Mounts) -> Result<PathBuf, Error> {
    base(&["XDG_STATE_HOME"], &[".local", "state"], "APPDATA", &["Library", "Caches"])
        .map(|base| base.join("reprieve").join(vendor))
        .ok_or_else(|| no_home("witness", "place.witness"))
        .and_then(|folder| local(folder, "witness", vendor, make, mounts))
}

/// A folder that somebody named: refused on a network file system.
pub(super) fn named(folder: &Path, what: &str, key: &str, mounts: &Mounts) -> Result<PathBuf, Error> {
    match mounts.of(folder) {
        None => Ok(folder.to_owned()),
        Some(kind) => {
            let text = format!(
                "{}: the {what} would lie on a network file system ({kind}), whose locks are not to be relied on; set `{key}` to a folder on a local disk, or use a ledger in memory",
                folder.display()
            );
            Err(Error::new(ErrorKind::Unsupported, text))
        }
    }
}

/// The folder itself if it is on a local disk, else one of this user's that is.
fn local(folder: PathBuf, what: &str, vendor: &str, make: bool, mounts: &Mounts) -> Result<PathBuf, Error> {
    let Some(kind) = mounts.of(&folder) else { return Ok(folder) };
    if let Some(aside) = aside().filter(|aside| is_private(aside, make)) {
        return Ok(aside.join(what).join(vendor));
    }
    let text = format!(
        "{}: this user's home lies on a network file system ({kind}), and there is no local folder for the {what}; set `place.{}` in the application file, or use a ledger in memory",
        folder.display(),
        if what == "ledger" { "folder" } else { what }
    );
    Err(Error::new(ErrorKind::Unsupported, text))
}

/// Where a user without a local home may keep files over a reboot.
#[cfg(unix)]
fn aside() -> Option<PathBuf> {
    let kept = Path::new(KEPT);
    let usable = Mounts::default().of(kept).is_none() && kept.is_dir();
    usable.then(own_aside)
}

#[cfg(unix)]
const KEPT: &str = "/var/tmp";

#[cfg(unix)]
fn own_aside() -> PathBuf {
    Path::new(KEPT).join(format!("reprieve-{}", rustix::process::geteuid().as_raw()))
}

/// The profile's own part that never roams: a company may keep what roams, where the witness lies by default, on a server.
#[cfg(windows)]
fn aside() -> Option<PathBuf> {
    let kept = std::env::var_os("LOCALAPPDATA").map(PathBuf::from).filter(|path| path.is_absolute())?;
    Mounts::default().of(&kept).is_none().then(|| kept.join("reprieve-local"))
}

#[cfg(not(any(unix, windows)))]
fn aside() -> Option<PathBuf> {
    None
}

/// Everybody may write there, so only a folder of this user's own, closed to all others and no link, is gone into.
#[cfg(unix)]
fn is_private(folder: &Path, make: bool) -> bool {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    if make {
        // One that is there already is judged like any other.
        let _ = std::fs::DirBuilder::new().mode(0o700).create(folder);
    }
    match folder.symlink_metadata() {
        Ok(data) => data.is_dir() && data.uid() == rustix::process::geteuid().as_raw() && data.mode() & 0o077 == 0,
        Err(error) => !make && error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// What lies in the profile has the profile's rights.
#[cfg(windows)]
fn is_private(_folder: &Path, _make: bool) -> bool {
    true
}

#[cfg(not(any(unix, windows)))]
fn is_private(_folder: &Path, _make: bool) -> bool {
    false
}

/// Keeps a folder beside the home from those who clear away what nobody has used for weeks (systemd-tmpfiles): its files count as
/// used now, and none goes while this is held.
#[cfg(unix)]
pub(super) fn hold(folder: &Path) -> Option<std::fs::File> {
    if !folder.starts_with(own_aside()) {
        return None;
    }
    let aside = aside()?;
    let times = std::fs::FileTimes::new().set_accessed(std::time::SystemTime::now());
    let times = times.set_modified(std::time::SystemTime::now());
    for entry in folder.read_dir().ok()?.filter_map(Result::ok) {
        let _ = std::fs::File::open(entry.path()).and_then(|file| file.set_times(times));
    }
    let held = std::fs::File::open(aside).ok()?;
    rustix::fs::flock(&held, rustix::fs::FlockOperation::NonBlockingLockShared).ok()?;
    Some(held)
}

#[cfg(not(unix))]
pub(super) fn hold(_folder: &Path) -> Option<std::fs::File> {
    None
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
    if cfg!(target_vendor = "apple") {
        return absolute("HOME").map(|home| mac.iter().fold(home, |path, part| path.join(part)));
    }
    xdg.iter()
        .find_map(|name| absolute(name))
        .or_else(|| absolute("HOME").map(|home| unix.iter().fold(home, |path, part| path.join(part))))
}

/// L5: three facts about this machine that every user can read, hashed under the ledger's id.
pub(super) fn machine(ledger: &str) -> Machine {
    Machine::of(ledger, [facts::machine_id(), facts::hardware(), facts::network()])
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
