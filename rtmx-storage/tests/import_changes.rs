//! What an import changes: no more than the file changes, and nothing the second time.

use proptest::prelude::*;
use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Cx, Epoch, Expect, Key, Kind, Layout, Requirement, RequirementText,
    Space, Timestamp,
};
use rtmx_storage::csv::{Duplicates, ParseOptions, edit, parse};
use rtmx_storage::export::to_csv;
use rtmx_storage::import::{ImportMode, Prepared, prepare};
use rtmx_storage::query::RecordQuery;
use rtmx_storage::{MemoryBackend, MigrationPlan, Query, StorageBackend, StorageBackendExt};
use std::cell::Cell;

/// A project in the reference backend, with what the tests do to it.
struct Project {
    backend: MemoryBackend,
    space: Space,
    writes: Cell<u128>,
    runtime: tokio::runtime::Runtime,
}

impl Project {
    fn new() -> Project {
        let backend = MemoryBackend::new(|| Epoch(uuid::Uuid::from_u128(7)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime
            .block_on(backend.migrate(&Cx::new(), &MigrationPlan::Expand))
            .expect("an empty database migrates");
        Project { backend, space: Space::Project("default".into()), writes: Cell::new(0), runtime }
    }

    fn prepare(&self, file: &str, mode: ImportMode) -> Prepared {
        let options = ParseOptions { duplicates: Duplicates::Merge };
        let parsed = parse(file.as_bytes(), &options).expect("the file is accepted");
        let (cx, backend): (Cx, &dyn StorageBackend) = (Cx::new(), &self.backend);
        self.runtime.block_on(prepare(&cx, backend, &self.space, parsed, mode)).expect("nobody else writes")
    }

    fn apply(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        self.writes.set(self.writes.get() + 1);
        let id = ChangeSetId(uuid::Uuid::from_u128(self.writes.get()));
        let mut set = ChangeSet::new(id, self.space.clone(), "test", Timestamp::UNIX_EPOCH);
        set.changes = changes;
        self.runtime.block_on(self.backend.apply(&Cx::new(), &set)).expect("the changes fit what is stored");
    }

    fn import(&self, file: &str, mode: ImportMode) -> Prepared {
        let prepared = self.prepare(file, mode);
        self.apply(prepared.changes.clone());
        prepared
    }

    fn records(&self, kind: Kind) -> Vec<rtmx_core::Record> {
        let mut query = RecordQuery::all(self.space.clone(), kind);
        let mut records = Vec::new();
        loop {
            let page = self.runtime.block_on(self.backend.fetch(&Cx::new(), &Query::Records(query.clone())));
            let page = page.expect("a page");
            query.cursor = page.next.clone();
            records.extend(page.into_records());
            if query.cursor.is_none() {
                return records;
            }
        }
    }

    fn export(&self) -> String {
        let layout = self.records(Kind::Layout).into_iter().find_map(|record| match record.body {
            Body::Layout(layout) => Some(layout),
            _ => None,
        });
        let mut rows: Vec<(String, Requirement)> = Vec::new();
        for record in self.records(Kind::Requirement) {
            if let Body::Requirement(requirement) = record.body {
                rows.push((record.id, requirement));
            }
        }
        rows.sort_by_key(|(id, row)| (row.placement.rank.is_none(), row.placement.rank, id.clone()));
        let rows = rows.iter().map(|(id, requirement)| (id.as_str(), requirement));
        String::from_utf8(to_csv(&layout.unwrap_or_default(), rows)).expect("an export is text")
    }

    fn set(&self, id: &str, column: &str, text: &str) {
        let key = Key::new(Kind::Requirement, id);
        let found = self.runtime.block_on(self.backend.find(&Cx::new(), &self.space, &key)).expect("a read");
        let (expect, mut requirement) = match found {
            Some(record) => match record.body {
                Body::Requirement(requirement) => (Expect::At(record.revision), requirement),
                _ => unreachable!("the key is a requirement's"),
            },
            None => (Expect::Absent, Requirement::default()),
        };
        edit::set(&mut requirement, column, text).expect("the value fits");
        self.apply(vec![Change { key, expect, put: Some(Body::Requirement(requirement)) }]);
    }

    fn write_text(&self, id: &str) {
        let text = RequirementText { markdown: format!("# {id}: Title\n") };
        self.apply(vec![Change::create(id, Body::RequirementText(text))]);
    }
}

fn touched(prepared: &Prepared) -> Vec<(Kind, &str)> {
    prepared.changes.iter().map(|change| (change.key.kind, change.key.id.as_str())).collect()
}

const FILE: &str = "req_id,status,notes\r\nA,done,x\r\nB,,\"y\"\r\nC,COMPLETE,z";

#[test]
fn a_second_import_of_the_same_file_changes_nothing() {
    for mode in [ImportMode::Merge, ImportMode::Replace] {
        let project = Project::new();
        let first = project.import(FILE, mode);
        assert_eq!((first.report.created, first.changes.len()), (3, 4));
        assert!(first.report.layout_changed);
        assert_eq!(project.export(), FILE);
        let second = project.prepare(FILE, mode);
        assert_eq!(second.changes, []);
        assert_eq!((second.report.unchanged, second.report.layout_changed), (3, false));
        assert_eq!(second.head.revision.0, 1);
    }
}

#[test]
fn an_inserted_row_writes_one_record_and_a_moved_one_too() {
    let project = Project::new();
    project.import(FILE, ImportMode::Merge);
    let file = FILE.replace("B,", "N,,new\r\nB,");
    let inserted = project.import(&file, ImportMode::Merge);
    assert_eq!(touched(&inserted), [(Kind::Requirement, "N")]);
    assert_eq!(project.export(), file);
    let moved = "req_id,status,notes\r\nN,,new\r\nB,,\"y\"\r\nA,done,x\r\nC,COMPLETE,z";
    let prepared = project.import(moved, ImportMode::Merge);
    assert_eq!(touched(&prepared), [(Kind::Requirement, "A")]);
    assert_eq!((prepared.report.moved, prepared.report.unchanged, prepared.report.updated), (1, 3, 0));
    assert_eq!(project.export(), moved);
}

#[test]
fn merging_keeps_rows_and_columns_that_the_file_does_not_have() {
    let project = Project::new();
    project.import(FILE, ImportMode::Merge);
    let merged = project.import("req_id,notes,owner\nB,changed,me\nD,new,\nC,z,\n", ImportMode::Merge);
    assert_eq!(touched(&merged), [(Kind::Layout, "csv"), (Kind::Requirement, "B"), (Kind::Requirement, "D")]);
    let report = &merged.report;
    assert_eq!(
        (report.created, report.updated, report.unchanged, report.kept, report.deleted),
        (1, 1, 1, 1, 0)
    );
    let wanted =
        "req_id,status,notes,owner\r\nA,done,x,\r\nB,,changed,me\r\nC,COMPLETE,z,\r\nD,MISSING,new,\r\n";
    assert_eq!(project.export(), wanted);
    let again = project.prepare("req_id,notes,owner\nB,changed,me\nD,new,\nC,z,\n", ImportMode::Merge);
    assert_eq!(again.changes, []);
}

#[test]
fn replacing_deletes_absent_rows_with_their_documents_and_tests_and_lists_them_first() {
    let project = Project::new();
    project.import("req_id,test_module,test_function\nA,t,1\nA,t,2\nB,t,3\nB,t,4\n", ImportMode::Merge);
    assert_eq!(project.records(Kind::TestLink).len(), 4);
    project.write_text("A");
    project.write_text("B");
    let file = "req_id,test_module,test_function\nB,t,3\n";
    let replaced = project.import(file, ImportMode::Replace);
    assert_eq!(replaced.report.deleted_ids, ["A"]);
    assert_eq!(replaced.changes[0].key, Key::new(Kind::Requirement, "A"));
    let json = serde_json::to_string(&replaced.report).expect("a report is plain data");
    assert!(json.starts_with("{\"deleted_ids\":[\"A\"]"), "{json}");
    assert_eq!(project.export(), file);
    let ids = |kind| project.records(kind).into_iter().map(|record| record.id).collect::<Vec<_>>();
    assert_eq!(ids(Kind::RequirementText), ["B"]);
    assert_eq!(
        ids(Kind::TestLink),
        ["B|t|3", "B|t|4"],
        "one row of an export does not unlink the other tests"
    );
    let replaced = project.import("req_id,test_module,test_function\nB,t,4\nB,t,5\n", ImportMode::Replace);
    assert_eq!(ids(Kind::TestLink), ["B|t|4", "B|t|5"]);
    assert_eq!(replaced.report.test_links, 2, "one deleted, one new");
}

#[test]
fn an_export_of_an_edited_project_imports_as_no_change() {
    let project = Project::new();
    project.import(FILE, ImportMode::Merge);
    project.set("B", "status", "PARTIAL");
    project.set("Z", "notes", "made here");
    project.set("Y", "notes", "made here, too");
    let exported = project.export();
    assert!(
        exported.ends_with("C,COMPLETE,z\r\nY,MISSING,\"made here, too\"\r\nZ,MISSING,made here\r\n"),
        "{exported}"
    );
    for mode in [ImportMode::Merge, ImportMode::Replace] {
        // The last row of the file had no line end; now that others follow it, its bytes are the writer's.
        let prepared = project.prepare(&exported, mode);
        assert_eq!(touched(&prepared), [(Kind::Requirement, "C")]);
    }
    project.import(&exported, ImportMode::Merge);
    assert_eq!(project.prepare(&project.export(), ImportMode::Merge).changes, []);
}

#[test]
fn a_stored_value_in_a_column_that_the_file_lacks_survives_merging_and_not_replacing() {
    let project = Project::new();
    project.import("req_id,status,notes\nA,done,x\n", ImportMode::Merge);
    let merged = project.import("req_id,notes\nA,x\n", ImportMode::Merge);
    assert_eq!(merged.changes, []);
    assert_eq!(project.export(), "req_id,status,notes\nA,done,x\n");
    project.import("req_id,notes\nA,x\n", ImportMode::Replace);
    assert_eq!(project.export(), "req_id,notes\nA,x\n");
}

#[test]
fn an_empty_file_merged_into_an_empty_project_stores_its_form_only() {
    let project = Project::new();
    let prepared = project.import("req_id,notes\r\n", ImportMode::Merge);
    assert_eq!(touched(&prepared), [(Kind::Layout, "csv")]);
    assert_eq!(project.export(), "req_id,notes\r\n");
    assert!(
        project.records(Kind::Layout).iter().all(|record| record.body != Body::Layout(Layout::default()))
    );
}

/// A matrix of some of the ids `0..12`, in some order, with one of three notes each.
fn matrix() -> impl Strategy<Value = Vec<(u8, u8)>> {
    proptest::sample::subsequence((0u8..12).collect::<Vec<_>>(), 0..=12).prop_shuffle().prop_flat_map(|ids| {
        let notes = proptest::collection::vec(0u8..3, ids.len());
        notes.prop_map(move |notes| ids.iter().copied().zip(notes).collect())
    })
}

fn file_of(matrix: &[(u8, u8)]) -> String {
    let rows = matrix.iter().map(|(id, note)| format!("R-{id},note {note}\n"));
    std::iter::once("req_id,notes\n".to_owned()).chain(rows).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn replacing_makes_the_project_the_file_and_touches_only_what_differs(before in matrix(), after in matrix()) {
        let project = Project::new();
        project.import(&file_of(&before), ImportMode::Merge);
        let prepared = project.import(&file_of(&after), ImportMode::Replace);
        prop_assert_eq!(project.export(), file_of(&after));
        let stored: std::collections::BTreeMap<u8, u8> = before.iter().copied().collect();
        let order_of = |matrix: &[(u8, u8)], other: &[(u8, u8)]| -> Vec<u8> {
            matrix.iter().map(|(id, _)| *id).filter(|id| other.iter().any(|(other, _)| other == id)).collect()
        };
        let same_order = order_of(&before, &after) == order_of(&after, &before);
        let changed = after.iter().filter(|(id, note)| stored.get(id) != Some(note)).count();
        let deleted = before.iter().filter(|(id, _)| after.iter().all(|(other, _)| other != id)).count();
        let writes = prepared.changes.len();
        prop_assert!(writes >= changed + deleted);
        prop_assert!(!same_order || writes == changed + deleted, "{:?}", touched(&prepared));
        prop_assert_eq!(project.prepare(&file_of(&after), ImportMode::Replace).changes, []);
    }

    #[test]
    fn merging_twice_is_merging_once(before in matrix(), after in matrix()) {
        let project = Project::new();
        project.import(&file_of(&before), ImportMode::Merge);
        let report = project.import(&file_of(&after), ImportMode::Merge).report;
        prop_assert_eq!(report.created + report.updated + report.moved + report.unchanged, after.len() as u64);
        prop_assert_eq!(project.prepare(&file_of(&after), ImportMode::Merge).changes, []);
        prop_assert_eq!(project.records(Kind::Requirement).len() as u64, report.kept + after.len() as u64);
    }
}
