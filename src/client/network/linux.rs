//! The kernel's own list of mounts says what type a place is of, so that a server that hangs is not asked.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::names::is_network;

/// One line of `/proc/self/mountinfo` (proc(5)).
#[derive(Clone)]
struct Mount {
    id: u64,
    parent: u64,
    point: PathBuf,
    kind: String,
}

fn parse(line: &str) -> Option<Mount> {
    let (front, back) = line.split_once(" - ")?;
    let mut front = front.split(' ');
    let (id, parent) = (front.next()?.parse().ok()?, front.next()?.parse().ok()?);
    let point = unescape(front.nth(2)?);
    Some(Mount { id, parent, point, kind: unescape(back.split(' ').next()?).to_string_lossy().into_owned() })
}

/// `\040` is a space, and so on: three octal digits.
fn unescape(text: &str) -> PathBuf {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let octal = after.first_chunk::<3>().filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        let code = octal.map(|digits| digits.iter().fold(0u32, |code, digit| code * 8 + u32::from(digit - b'0')));
        match code.and_then(|code| u8::try_from(code).ok()).filter(|_| *first == b'\\') {
            Some(byte) => (out.push(byte), rest = &after[3..]),
            None => (out.push(*first), rest = after),
        };
    }
    from_bytes(out)
}

fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes))
}

fn parse_all(mountinfo: &str) -> Vec<Mount> {
    mountinfo.lines().filter_map(parse).collect()
}

/// The type of the file system that an absolute path lies on, by the kernel's list of mounts. The path is walked as the kernel does:
/// a mount hides what was mounted below its place before.
fn mounted<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a str> {
    let covers = |mount: &&Mount| path.starts_with(&mount.point);
    let listed = |id: u64| mounts.iter().any(|mount| mount.id == id);
    let tops = mounts.iter().filter(|mount| !listed(mount.parent) || mount.parent == mount.id);
    let mut current = tops.filter(covers).max_by_key(|mount| mount.point.as_os_str().len())?;
    // Each step goes to a mount of a list without circles; were there one, the list's length ends it.
    for _ in 0..mounts.len() {
        let children = mounts.iter().filter(|mount| mount.parent == current.id && mount.id != current.id);
        match children.filter(covers).min_by_key(|mount| mount.point.as_os_str().len()) {
            Some(child) => current = child,
            None => break,
        }
    }
    Some(&current.kind)
}

/// The kernel's list, read once for the places of one open.
#[derive(Default)]
pub(in super::super) struct Mounts(OnceCell<Option<Vec<Mount>>>);

impl Mounts {
    /// The name of the network file system that a folder lies on, or will when it is made. None if it is local, or nobody can tell.
    pub(in super::super) fn of(&self, folder: &Path) -> Option<String> {
        let path = std::path::absolute(folder).ok()?;
        match self.0.get_or_init(list) {
            Some(mounts) => walk(mounts, list, &path),
            None => by_number(&path),
        }
    }
}

fn list() -> Option<Vec<Mount>> {
    // Of such a file nobody knows the length: in one piece, where it is read into what grows bit by bit.
    let (mut text, mut file) = (Vec::with_capacity(1 << 14), std::fs::File::open("/proc/self/mountinfo").ok()?);
    file.read_to_end(&mut text).ok()?;
    std::str::from_utf8(&text).ok().map(parse_all)
}

/// Goes along a path and its symbolic links, and asks of each place whose it is before it looks there: a server that hangs is
/// never asked.
fn walk(mounts: &[Mount], list: impl Fn() -> Option<Vec<Mount>>, path: &Path) -> Option<String> {
    use std::path::Component;
    let mut mounts = Cow::Borrowed(mounts);
    // Where the kernel gives up too.
    let mut links = 40;
    let mut at = PathBuf::from("/");
    let mut left: Vec<std::ffi::OsString> = path.components().rev().map(|part| part.as_os_str().to_owned()).collect();
    while let Some(part) = left.pop() {
        match Path::new(&part).components().next() {
            Some(Component::Normal(_)) => at.push(&part),
            Some(Component::ParentDir) => _ = at.pop(),
            Some(Component::RootDir) => at = PathBuf::from("/"),
            _ => continue,
        }
        let mut kind = mounted(&mounts, &at)?;
        if kind == "autofs" && at.symlink_metadata().is_ok() {
            // Looking mounts what is mounted on demand.
            mounts = Cow::Owned(list()?);
            kind = mounted(&mounts, &at)?;
        }
        if is_network(kind) {
            return Some(kind.to_owned());
        }
        if let Ok(target) = at.read_link() {
            if links == 0 {
                return None;
            }
            links -= 1;
            at.pop();
            left.extend(target.components().rev().map(|part| part.as_os_str().to_owned()));
        }
    }
    None
}

/// Where /proc is not there: by the number that the kernel gives each type (statfs(2)).
fn by_number(path: &Path) -> Option<String> {
    const NUMBERS: [(u32, &str); 14] = [
        (0x6969, "nfs"),
        (0x517b, "smbfs"),
        (0xff53_4d42, "cifs"),
        (0xfe53_4d42, "smb2"),
        (0x5346_414f, "afs"),
        (0x6b41_4653, "afs"),
        (0x7375_7245, "coda"),
        (0x00c3_6400, "ceph"),
        (0x0116_1970, "gfs2"),
        (0x7461_636f, "ocfs2"),
        (0x0bd0_0bd0, "lustre"),
        (0x0102_1997, "9p"),
        (0x564c, "ncpfs"),
        (0x4750_4653, "gpfs"),
    ];
    let found = path.ancestors().find_map(|above| rustix::fs::statfs(above).ok())?;
    // The type's width differs by architecture; the numbers have 32 bits.
    let number = found.f_type as u32;
    NUMBERS.iter().find(|(known, _)| *known == number).map(|(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:20 / /proc rw,nosuid - proc proc rw
30 21 0:40 / /home rw,relatime shared:9 - nfs4 server:/export/home rw,vers=4.2
31 30 8:2 / /home/local rw - btrfs /dev/sda2 rw,subvol=/
32 21 0:41 / /mnt/with\\040space rw - cifs //server/share rw
33 21 0:42 / /mnt/ssh rw - fuse.sshfs user@host:/ rw
34 21 0:43 / /mnt/enc rw - fuse.gocryptfs /x rw
35 21 0:44 / /mnt/c rw - 9p C:\\134 rw,aname=drvfs
36 21 8:1 /srv/data /data rw master:1 - ext4 /dev/sda1 rw
37 36 0:45 / /data/share rw - virtiofs share rw
40 21 0:50 / /over rw - nfs one:/ rw
41 40 8:3 / /over rw - xfs /dev/sdb1 rw
50 21 0:51 / /a/b rw - nfs4 hidden:/ rw
51 21 8:4 / /a rw - ext4 /dev/sdc1 rw
60 21 0:60 / /back\\134slash\\011tab rw - ceph mon:/ rw
";

    #[test]
    fn the_kernels_list_says_which_file_system_a_path_is_on() {
        let mounts = parse_all(MOUNTS);
        let on = |path: &str| mounted(&mounts, Path::new(path)).unwrap();
        for (path, kind) in [
            ("/", "ext4"),
            ("/homes/x", "ext4"),
            ("/home", "nfs4"),
            ("/home/anna/.local/share/reprieve", "nfs4"),
            ("/home/local/anna", "btrfs"),
            ("/mnt/with space/x", "cifs"),
            ("/mnt/with\\040space/x", "ext4"),
            ("/mnt/ssh/x", "fuse.sshfs"),
            ("/mnt/c/Users", "9p"),
            ("/data/x", "ext4"),
            ("/data/share/x", "virtiofs"),
            ("/over/x", "xfs"),
            ("/a/b/c", "ext4"),
            ("/back\\slash\ttab/x", "ceph"),
        ] {
            assert_eq!(on(path), kind, "{path}");
        }
    }

    /// A container sees the mounts below its root alone, and their parents are not in the list.
    #[test]
    fn a_containers_list_has_no_common_root() {
        let list = "\
700 650 0:90 / / rw,relatime master:300 - overlay overlay rw,lowerdir=/l,upperdir=/u
701 700 0:91 / /proc rw - proc proc rw
702 700 8:1 /var/lib/docker/volumes/v/_data /data rw master:1 - ext4 /dev/sda1 rw
703 700 0:92 / /shared rw - nfs 10.0.0.1:/x rw
";
        let mounts = parse_all(list);
        let on = |path: &str| mounted(&mounts, Path::new(path)).unwrap();
        assert_eq!((on("/root"), on("/data/x"), on("/shared/x")), ("overlay", "ext4", "nfs"));
        assert_eq!(mounted(&[], Path::new("/x")), None);
        assert_eq!(mounted(&parse_all("rubbish\n1 2 3\n1 2 3 4 5 - x\n - \n"), Path::new("/x")), None);
        // A list that goes in a circle ends.
        assert!(
            mounted(
                &parse_all("1 2 0:1 / / rw - a b rw\n2 1 0:1 / / rw - c d rw\n3 9 0:1 / / rw - e f rw\n"),
                Path::new("/")
            )
            .is_some()
        );
    }

    #[test]
    fn this_machine_is_told() {
        let here = Mounts::default();
        assert_eq!(here.of(Path::new("/proc/self")), None);
        assert_eq!(by_number(Path::new("/proc/self/none")), None);
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("loop", folder.path().join("loop")).unwrap();
        assert_eq!(here.of(&folder.path().join("loop/x")), None);
        // Through a link, and back out of it: what the link leads to is on a network, and is not looked into.
        std::os::unix::fs::symlink("/mnt/c", folder.path().join("link")).unwrap();
        let walked = |path: &str| walk(&parse_all(MOUNTS), || None, &folder.path().join(path));
        assert_eq!(walked("link/Users").as_deref(), Some("9p"));
        assert_eq!((walked("none/deeper"), walked("none/../x")), (None, None));
    }
}
