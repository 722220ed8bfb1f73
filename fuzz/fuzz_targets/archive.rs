//! Any bytes are an archive or are refused; of a damaged one, every item that was read is one that a
//! writer would have written there, and is read again from what it writes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rtmx_storage::archive::{ArchiveItem, ArchiveReader, ArchiveWriter};

/// Before input that is no whole file: hashes cannot be guessed, but they are looked at last.
const HEADER: &str =
    "{\"format\":\"rtmx-archive\",\"version\":1,\"epoch\":\"00000001-0000-0000-0000-000072746d78\"}\n";

fn read(bytes: &[u8]) -> Vec<ArchiveItem> {
    let Ok(mut archive) = ArchiveReader::new(bytes) else { return Vec::new() };
    let mut items = Vec::new();
    while let Ok(Some(item)) = archive.next() {
        items.push(item);
    }
    items
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    let items = read(&[HEADER.as_bytes(), bytes].concat());
    let epoch = ArchiveReader::new(HEADER.as_bytes()).expect("it is a header").header().epoch;
    let mut writer = ArchiveWriter::new(Vec::new(), epoch).expect("memory takes everything");
    for item in &items {
        writer.add(item).expect("what was read is in order");
    }
    // Where the input ends within a space, there is no archive to make.
    if let Ok((written, _)) = writer.finish() {
        assert_eq!(read(&written), items);
    }
});
