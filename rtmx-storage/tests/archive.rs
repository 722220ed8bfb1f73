//! An archive is whole or it is refused, down to the byte.
#![allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]

use rtmx_core::{
    Body, ChangeSetId, Epoch, Key, Kind, Record, RequirementText, Revision, Space, Timestamp, assert_code,
};
use rtmx_core::{Result, storage};
use rtmx_storage::ArchiveReport;
use rtmx_storage::archive::{
    ArchiveItem, ArchiveReader, ArchiveWriter, ArchivedChangeSet, ArchivedSpace, ArchivedWrite,
};

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
