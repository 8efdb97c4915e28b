//! A share by its name, `\\server\share`, and a drive letter that stands for one. Where a link, a junction or `subst` leads to a share,
//! the path that the system resolves says so.

use std::path::{Component, Path, PathBuf, Prefix};

use windows_sys::Win32::Storage::FileSystem::GetDriveTypeW;
use windows_sys::Win32::System::WindowsProgramming::DRIVE_REMOTE;

/// The name of the network file system that a folder lies on, or will when it is made. None if it is local, or nobody can tell.
pub(in super::super) fn of(folder: &Path) -> Option<String> {
    let path = std::path::absolute(folder).ok()?;
    // What names a share is not looked into: a server that hangs is not asked.
    by_name(&path).or_else(|| by_name(&resolved(&path)?))
}

fn by_name(path: &Path) -> Option<String> {
    let Some(Component::Prefix(prefix)) = path.components().next() else { return None };
    match prefix.kind() {
        Prefix::UNC(..) | Prefix::VerbatimUNC(..) => Some("a network share".to_owned()),
        Prefix::Disk(letter) | Prefix::VerbatimDisk(letter) => {
            let root = [u16::from(letter), u16::from(b':'), u16::from(b'\\'), 0];
            // SAFETY: `root` ends with 0.
            let kind = unsafe { GetDriveTypeW(root.as_ptr()) };
            (kind == DRIVE_REMOTE).then(|| format!("the network drive {}:", char::from(letter)))
        }
        _ => None,
    }
}

/// Where the nearest folder above that is there lies in truth.
fn resolved(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|above| above.canonicalize().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_by_name_and_drives_by_their_type() {
        for path in [r"\\server\share", r"\\server\share\x\y", r"\\?\UNC\server\share\x", r"//server/share/x"] {
            assert_eq!(of(Path::new(path)).as_deref(), Some("a network share"), "{path}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(of(folder.path()), None);
        assert_eq!(of(&folder.path().join("not").join("there")), None);
        assert_eq!(of(&folder.path().canonicalize().unwrap()), None);
    }
}
