//! Which file system a folder is on, read from the kernel's table of mounts.
//!
//! SQLite's locks are POSIX locks, and network file systems keep them badly or not at all; a lost
//! lock loses data. The parser is pure: the caller reads `/proc/self/mountinfo`.

use std::path::{Path, PathBuf};

/// File systems that live on another machine, as the kernel names them.
const NETWORK: [&str; 23] = [
    "9p",
    "acfs",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "pvfs2",
    "smb3",
    "smbfs",
    "vboxsf",
    "vmhgfs",
    "weka",
];

/// FUSE file systems, by the part after `fuse.`, that live on another machine.
const NETWORK_FUSE: [&str; 17] = [
    "blobfuse",
    "ceph",
    "ceph-fuse",
    "curlftpfs",
    "davfs",
    "davfs2",
    "gcsfuse",
    "glusterfs",
    "goofys",
    "juicefs",
    "moosefs",
    "mfs",
    "rclone",
    "s3fs",
    "smbnetfs",
    "sshfs",
    "vmhgfs-fuse",
];

/// Whether a file system of this type, as the table of mounts names it, is on another machine.
pub(crate) fn is_network(fs_type: &str) -> bool {
    match fs_type.strip_prefix("fuse.") {
        Some(name) => NETWORK_FUSE.contains(&name) || NETWORK.contains(&name),
        None => NETWORK.contains(&fs_type),
    }
}

/// The type of the file system that holds `folder`, an absolute path without symbolic links.
///
/// Of several mounts on one place the last counts, because it covers the others. `None` if the
/// table has no line for it.
///
/// Source: proc_pid_mountinfo(5).
pub(crate) fn fs_type_of(mountinfo: &str, folder: &Path) -> Option<String> {
    let mounts = mountinfo.lines().filter_map(mount).filter(|(place, _)| folder.starts_with(place));
    mounts.max_by_key(|(place, _)| place.components().count()).map(|(_, fs_type)| fs_type.to_owned())
}

/// Mount point and type of one line: fields 5 and, behind the separator `-`, the next one.
fn mount(line: &str) -> Option<(PathBuf, &str)> {
    let (before, after) = line.split_once(" - ")?;
    let place = before.split(' ').nth(4)?;
    Some((PathBuf::from(unescape(place)), after.split(' ').next()?))
}

/// Undoes the kernel's octal escapes for space, tab, line end and backslash.
fn unescape(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                plain.push(char::from(code));
                plain.push_str(&part[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
22 28 0:20 / /proc rw,nosuid shared:12 - proc proc rw
28 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
40 28 0:35 / /srv/nfs rw,relatime shared:20 - nfs4 files:/export rw,vers=4.2
41 40 8:5 / /srv/nfs/local rw - xfs /dev/sdb1 rw
42 28 0:36 / /mnt/two\\040words rw - cifs //files/share rw
43 28 0:37 / /data rw - ext4 /dev/sdc1 rw
44 43 0:38 / /data rw - fuse.sshfs me@files:/ rw
45 28 0:39 / /opt/plain\\134x rw master:1 propagate_from:2 - btrfs /dev/sdd rw
not a line of the table";

    #[test]
    fn the_deepest_and_last_mount_of_a_folder_counts() {
        // folder, type
        let cases = [
            ("/var/lib/rtmx", Some("ext4")),
            ("/srv/nfs", Some("nfs4")),
            ("/srv/nfs/rtmx", Some("nfs4")),
            ("/srv/nfs2", Some("ext4")),
            ("/srv/nfs/local/rtmx", Some("xfs")),
            ("/mnt/two words/rtmx", Some("cifs")),
            ("/data/rtmx", Some("fuse.sshfs")),
            ("/opt/plain\\x", Some("btrfs")),
            ("relative", None),
        ];
        for (folder, wanted) in cases {
            assert_eq!(fs_type_of(TABLE, Path::new(folder)).as_deref(), wanted, "{folder}");
        }
        assert_eq!(fs_type_of("", Path::new("/")), None);
    }

    #[test]
    fn network_file_systems_are_known_by_their_types() {
        let network = [
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "9p",
            "ceph",
            "afs",
            "lustre",
            "glusterfs",
            "fuse.sshfs",
            "fuse.glusterfs",
            "fuse.s3fs",
            "fuse.ceph-fuse",
        ];
        for fs_type in network {
            assert!(is_network(fs_type), "{fs_type}");
        }
        for fs_type in
            ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "f2fs", "fuseblk", "fuse.lxcfs", "virtiofs"]
        {
            assert!(!is_network(fs_type), "{fs_type}");
        }
    }
}
