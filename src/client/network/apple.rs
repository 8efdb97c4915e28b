//! `statfs` names the type. What mounts say of themselves (`MNT_LOCAL`) is not asked: FUSE says it of none unless it is told to.

use std::path::Path;

use super::names::{FUSE, is_network};

/// The name of the network file system that a folder lies on, or will when it is made.
pub(in super::super) fn of(folder: &Path) -> Option<String> {
    let path = std::path::absolute(folder).ok()?;
    let found = path.ancestors().find_map(|above| rustix::fs::statfs(above).ok())?;
    let name: Vec<u8> = found.f_fstypename.iter().map(|c| *c as u8).take_while(|c| *c != 0).collect();
    let name = String::from_utf8_lossy(&name).into_owned();
    let inner = name.strip_prefix("macfuse_").unwrap_or(&name);
    (is_network(inner) || FUSE.contains(&inner)).then(|| name.clone())
}
