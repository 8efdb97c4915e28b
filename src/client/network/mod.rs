//! Which file systems lie on a network: what locks, syncs and order of writes mean there is somebody else's to say, so no ledger is
//! kept on one. One room for each system, as each tells them in its own way; FUSE and virtual machines' shares are told by the name of
//! the type.

#[cfg(target_vendor = "apple")]
mod apple;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod names;
#[cfg(windows)]
mod windows;

#[cfg(target_vendor = "apple")]
use apple::of;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use linux::Mounts;
#[cfg(windows)]
use windows::of;

/// Nobody can tell.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
fn of(_folder: &std::path::Path) -> Option<String> {
    None
}

/// What the system is asked of places for one open. Nothing is kept of it here: each is asked about by itself.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[derive(Default)]
pub(super) struct Mounts;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Mounts {
    /// The name of the network file system that a folder lies on, or will when it is made. None if it is local, or nobody can tell.
    pub(super) fn of(&self, folder: &std::path::Path) -> Option<String> {
        of(folder)
    }
}
