//! Paths that name anything but a license.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the tests make the files that are read"
)]

use rtmx_core::{assert_code, license as codes};
use rtmx_license::files::read;
use std::fs;
use std::path::Path;

const LIMIT: usize = 32 * 1024;

#[test]
fn a_regular_file_is_read_through_links_up_to_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("..data/license");
    fs::create_dir(folder.path().join("..data")).unwrap();
    fs::write(&file, vec![b'x'; LIMIT]).unwrap();
    let link = folder.path().join("license");
    std::os::unix::fs::symlink("..data/license", &link).unwrap();
    assert_eq!(read(&link, LIMIT).unwrap().len(), LIMIT);
    fs::write(&file, vec![b'x'; LIMIT + 1]).unwrap();
    assert_code(read(&link, LIMIT).unwrap_err(), codes::LICENSE_TOO_LARGE);
    fs::write(&file, b"").unwrap();
    assert_eq!(read(&link, LIMIT).unwrap(), b"");
}

#[test]
fn a_sparse_gigabyte_is_refused_by_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("license");
    fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
    assert_code(read(&path, LIMIT).unwrap_err(), codes::LICENSE_TOO_LARGE);
}

#[test]
fn what_is_no_regular_file_is_neither_read_nor_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .unwrap();
    let circle = folder.path().join("circle");
    std::os::unix::fs::symlink("circle", &circle).unwrap();
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for path in [folder.path(), &pipe, &circle, &socket, Path::new("/dev/zero"), Path::new("/dev/null")] {
        assert_code(read(path, LIMIT).unwrap_err(), codes::LICENSE_NOT_A_FILE);
    }
}

#[test]
fn a_missing_file_is_told_from_a_wrong_one() {
    let folder = tempfile::tempdir().unwrap();
    assert_code(read(&folder.path().join("absent"), LIMIT).unwrap_err(), codes::LICENSE_UNREADABLE);
    let file = folder.path().join("file");
    fs::write(&file, b"x").unwrap();
    assert_code(read(&file.join("below"), LIMIT).unwrap_err(), codes::LICENSE_UNREADABLE);
}
