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
pub(super) use apple::of;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use linux::of;
#[cfg(windows)]
pub(super) use windows::of;

/// Nobody can tell.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
pub(super) fn of(_folder: &std::path::Path) -> Option<String> {
    None
}
