//! The names of types.

/// Types of file systems whose files lie on another machine, or are another system's to lock.
const NETWORK: [&str; 34] = [
    "9p",
    "acfs",
    "afpfs",
    "afs",
    "beegfs",
    "beegfs_nodev",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "drvfs",
    "gfs",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncp",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "panfs",
    "prl_fs",
    "pvfs2",
    "smb2",
    "smb3",
    "smbfs",
    "vboxsf",
    "virtiofs",
    "vmhgfs",
    "webdav",
    "wekafs",
    "sshfs",
];

/// The same behind `fuse.`, and in `mount -t` of macOS behind `macfuse_` or not at all.
pub(super) const FUSE: [&str; 24] = [
    "beegfs",
    "ceph",
    "ceph-fuse",
    "curlftpfs",
    "cvmfs2",
    "davfs",
    "davfs2",
    "gcsfuse",
    "glusterfs",
    "goofys",
    "grpcfuse",
    "gvfsd-fuse",
    "juicefs",
    "kio-fuse",
    "lizardfs",
    "mfs",
    "moosefs",
    "osxfs",
    "portal",
    "rclone",
    "s3fs",
    "seaweedfs",
    "smbnetfs",
    "sshfs",
];

/// Whether a type of file system is one of a network.
pub(super) fn is_network(kind: &str) -> bool {
    match kind.split_once('.') {
        Some(("fuse" | "fuseblk", inner)) => FUSE.contains(&inner) || inner == "vmhgfs-fuse",
        _ => NETWORK.contains(&kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_told_by_name() {
        for kind in [
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "9p",
            "virtiofs",
            "ceph",
            "lustre",
            "fuse.sshfs",
            "fuse.glusterfs",
            "fuse.rclone",
        ] {
            assert!(is_network(kind), "{kind}");
        }
        for kind in [
            "ext4",
            "xfs",
            "btrfs",
            "zfs",
            "tmpfs",
            "overlay",
            "fuseblk",
            "fuse.gocryptfs",
            "fuse.ntfs-3g",
            "fuse",
            "autofs",
            "nfsd",
        ] {
            assert!(!is_network(kind), "{kind}");
        }
    }
}
