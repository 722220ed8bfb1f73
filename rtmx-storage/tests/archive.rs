//! An archive is whole or it is refused, down to the byte.
#![allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rtmx_core::{
    Body, ChangeSetId, Epoch, Key, Kind, Record, RequirementText, Revision, Space, Timestamp, assert_code,
};
use rtmx_core::{Result, storage};
use rtmx_storage::ArchiveReport;
use rtmx_storage::archive::{
    ArchiveItem, ArchiveReader, ArchiveWriter, ArchivedChangeSet, ArchivedSpace, ArchivedWrite,
};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

fn items() -> Vec<ArchiveItem> {
    let text = |markdown: &str| Body::RequirementText(RequirementText { markdown: markdown.into() });
    let change_set = |n: u64| {
        ArchiveItem::ChangeSet(ArchivedChangeSet {
            id: ChangeSetId(uuid::Uuid::from_u128(u128::from(n))),
            revision: Revision(n),
            fingerprint: "00".into(),
            actor: "ann".into(),
            at: Timestamp::UNIX_EPOCH,
            note: String::new(),
        })
    };
    let write = |ordinal, id: &str, body| {
        ArchiveItem::Write(ArchivedWrite { ordinal, key: Key::new(Kind::RequirementText, id), body })
    };
    vec![
        ArchiveItem::Space(ArchivedSpace { space: Space::Project("a".into()), head: Revision(2) }),
        change_set(1),
        write(0, "A", Some(text("a\nb"))),
        write(1, "B", Some(text("Größe"))),
        change_set(2),
        write(0, "B", None),
        ArchiveItem::Record(Record { id: "A".into(), revision: Revision(1), body: text("a\nb") }),
    ]
}

fn written(items: &[ArchiveItem], epoch: u128) -> Result<(Vec<u8>, ArchiveReport)> {
    let mut writer = ArchiveWriter::new(Vec::new(), Epoch(uuid::Uuid::from_u128(epoch)))?;
    items.iter().try_for_each(|item| writer.add(item))?;
    writer.finish()
}

fn read(bytes: &[u8]) -> Result<(Vec<ArchiveItem>, ArchiveReport)> {
    let mut reader = ArchiveReader::new(bytes)?;
    let mut items = Vec::new();
    while let Some(item) = reader.next()? {
        items.push(item);
    }
    Ok((items, reader.finish()?))
}

#[test]
fn what_was_written_is_read_and_the_epoch_is_not_content() {
    let (bytes, report) = written(&items(), 1).unwrap();
    assert_eq!(read(&bytes).unwrap(), (items(), report.clone()));
    assert_eq!(
        (report.records, report.history, report.change_sets, report.bytes),
        (1, 3, 2, bytes.len() as u64)
    );
    let (_, other) = written(&items(), 2).unwrap();
    assert_eq!(other.content_hash, report.content_hash);
}

#[test]
fn every_cut_and_every_changed_byte_is_refused() {
    let (whole, _) = written(&items(), 1).unwrap();
    for end in 0..whole.len() {
        assert_code(read(&whole[..end]).unwrap_err(), storage::ARCHIVE_INVALID);
    }
    for at in 0..whole.len() {
        for mask in [1, 0x20, 0x80] {
            let mut changed = whole.clone();
            changed[at] ^= mask;
            assert!(read(&changed).is_err(), "byte {at} changed by {mask:#x} was not noticed");
        }
    }
    assert_code(read(&[&whole[..], b" "].concat()).unwrap_err(), storage::ARCHIVE_INVALID);
}

/// An archive in three parts: header, content as lines, footer.
fn parts(bytes: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let header = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let footer = bytes.windows(10).rposition(|window| window == b"{\"footer\":").unwrap();
    let mut lines = Vec::new();
    DeflateDecoder::new(&bytes[header..footer]).read_to_end(&mut lines).unwrap();
    (bytes[..header].to_vec(), lines, bytes[footer..].to_vec())
}

/// What somebody would write who has the hashes right.
fn joined(header: &[u8], lines: &[u8], footer: &[u8]) -> Vec<u8> {
    let mut content = DeflateEncoder::new(Vec::new(), flate2::Compression::new(1));
    content.write_all(lines).unwrap();
    let before = [header, &content.finish().unwrap()].concat();
    let mut footer: serde_json::Value = serde_json::from_slice(footer).unwrap();
    footer["footer"]["content_hash"] = hex(lines).into();
    footer["footer"]["file_hash"] = hex(&before).into();
    [before, format!("{footer}\n").into_bytes()].concat()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_hashes_are_of_the_lines_and_of_the_bytes_before_the_footer() {
    let (whole, report) = written(&items(), 1).unwrap();
    let (header, lines, footer) = parts(&whole);
    assert_eq!(
        header,
        b"{\"format\":\"rtmx-archive\",\"version\":2,\"epoch\":\"00000000-0000-0000-0000-000000000001\"}\n"
    );
    assert_eq!(report.content_hash, hex(&lines));
    let told: serde_json::Value = serde_json::from_slice(&footer).unwrap();
    assert_eq!(told["footer"]["file_hash"], hex(&whole[..whole.len() - footer.len()]));
    // However hard it was compressed, the content is the same.
    let again = read(&joined(&header, &lines, &footer)).unwrap();
    assert_eq!((again.0, again.1.content_hash), (items(), report.content_hash));
}

#[test]
fn the_first_format_is_read_and_has_the_same_content() {
    let (whole, report) = written(&items(), 1).unwrap();
    let (header, lines, footer) = parts(&whole);
    let header = String::from_utf8(header).unwrap().replace("\"version\":2", "\"version\":1");
    let before = [header.as_bytes(), &lines].concat();
    let mut footer: serde_json::Value = serde_json::from_slice(&footer).unwrap();
    footer["footer"]["file_hash"] = hex(&before).into();
    let plain = [before, format!("{footer}\n").into_bytes()].concat();
    let (found, first) = read(&plain).unwrap();
    assert_eq!((found, first.content_hash, first.bytes), (items(), report.content_hash, plain.len() as u64));
    for end in 0..plain.len() {
        assert_code(read(&plain[..end]).unwrap_err(), storage::ARCHIVE_INVALID);
    }
    for at in 0..plain.len() {
        let mut changed = plain.clone();
        changed[at] ^= 1;
        assert_code(read(&changed).unwrap_err(), storage::ARCHIVE_INVALID);
    }
}

#[test]
fn content_that_grows_without_an_end_or_is_no_content_is_refused() {
    let (whole, _) = written(&items(), 1).unwrap();
    let (header, lines, footer) = parts(&whole);
    let line_of = |length: usize| [&b"\""[..], &vec![b'a'; length], b"\"\n"].concat();
    let cases = [
        ("a line without an end", vec![b' '; 257 * 1024 * 1024]),
        ("a long line that is no item", line_of(1024 * 1024)),
        ("empty lines", vec![b'\n'; 64 * 1024]),
        ("a footer within", [&lines[..], &footer].concat()),
        ("half a line at the end", lines[..lines.len() - 1].to_vec()),
        ("nothing of what the footer counts", Vec::new()),
    ];
    for (name, content) in cases {
        let archive = joined(&header, &content, &footer);
        let outcome = read(&archive);
        assert!(outcome.is_err(), "{name}");
        assert_eq!(outcome.unwrap_err().code(), storage::ARCHIVE_INVALID, "{name}");
    }
    let header = [&vec![b' '; 8192][..], &header].concat();
    assert_code(read(&[&header[..], &whole].concat()).unwrap_err(), storage::ARCHIVE_INVALID);
}

#[test]
fn a_character_that_no_engine_keeps_is_refused() {
    let with = |markdown: &str| {
        let mut items = items();
        let body = Body::RequirementText(RequirementText { markdown: markdown.into() });
        items[2] = ArchiveItem::Write(ArchivedWrite {
            ordinal: 0,
            key: Key::new(Kind::RequirementText, "A"),
            body: Some(body.clone()),
        });
        items[6] = ArchiveItem::Record(Record { id: "A".into(), revision: Revision(1), body });
        written(&items, 1).unwrap().0
    };
    assert_code(read(&with("a\0b")).unwrap_err(), storage::ARCHIVE_INVALID);
    assert_code(read(&with("a\\\0b")).unwrap_err(), storage::ARCHIVE_INVALID);
    read(&with(r"a\u0000b")).expect("letters that only look like it");
    read(&with(r"a\\u0000b")).expect("letters that only look like it");
}

#[test]
fn an_engine_that_leaves_an_item_out_or_swaps_two_is_caught_while_writing() {
    let right = items();
    // That the last write of a larger set or the last record is missing no order can show; the
    // conformance kit compares the whole content.
    for gone in [0, 1, 2, 4, 5] {
        let mut items = right.clone();
        items.remove(gone);
        assert_code(written(&items, 1).unwrap_err(), storage::INTERNAL);
    }
    for at in 0..right.len() - 1 {
        let mut items = right.clone();
        items.swap(at, at + 1);
        assert_code(written(&items, 1).unwrap_err(), storage::INTERNAL);
    }
}
