//! The comparison itself: fed with what is stored, answers what changes.
//!
//! It holds the file's rows and, for each stored record, only what the answer needs, so that an
//! import takes the memory of the file and not twice that of the project.

use super::rank::{self, Place};
use super::{ImportMode, ImportReport};
use crate::csv::{self, Parsed};
use rtmx_core::{Body, CORE_COLUMNS, Change, Column, Key, Kind, Layout, Requirement, Revision, TestLink};
use std::collections::{HashMap, HashSet};

/// The id of the one layout record.
const LAYOUT_ID: &str = "csv";

/// A comparison under way. The stored layout comes first, then requirements, links and documents.
pub(super) struct Plan {
    mode: ImportMode,
    layout: Layout,
    rows: Vec<FileRow>,
    index_of: HashMap<String, usize>,
    links: HashMap<String, TestLink>,
    link_order: Vec<String>,
    linked: HashSet<String>,
    absent_core: Vec<Column>,
    columns: HashSet<String>,
    stored_layout: Option<(Revision, Layout)>,
    /// Stored requirements that the file does not have.
    absent: Vec<(String, Revision)>,
    absent_ids: HashSet<String>,
    /// The largest rank among stored requirements.
    last_rank: i64,
    /// Whether a row got a value from a stored column that the file does not have.
    overlaid: bool,
    deletions: Vec<Change>,
    link_changes: HashMap<String, Change>,
    report: ImportReport,
}

struct FileRow {
    id: String,
    requirement: Requirement,
    stored: Option<Stored>,
}

/// What is stored under a row's id.
struct Stored {
    revision: Revision,
    rank: Option<i64>,
    same_values: bool,
    same_bytes: bool,
}

impl Plan {
    pub(super) fn new(parsed: Parsed, mode: ImportMode) -> Plan {
        let Parsed { layout, rows, links, report } = parsed;
        let index_of = rows.iter().enumerate().map(|(index, (id, _))| (id.clone(), index)).collect();
        let rows =
            rows.into_iter().map(|(id, requirement)| FileRow { id, requirement, stored: None }).collect();
        let link_order: Vec<String> = links.iter().map(TestLink::record_id).collect();
        let columns: HashSet<String> = layout.columns.iter().cloned().collect();
        Plan {
            mode,
            rows,
            index_of,
            linked: links.iter().map(|link| link.req_id.clone()).collect(),
            links: link_order.iter().cloned().zip(links).collect(),
            link_order,
            absent_core: CORE_COLUMNS.into_iter().filter(|column| !columns.contains(column.name())).collect(),
            columns,
            layout,
            stored_layout: None,
            absent: Vec::new(),
            absent_ids: HashSet::new(),
            last_rank: 0,
            overlaid: false,
            deletions: Vec::new(),
            link_changes: HashMap::new(),
            report,
        }
    }

    /// Whether stored test links can change.
    pub(super) fn needs_links(&self) -> bool {
        !self.links.is_empty() || !self.absent_ids.is_empty() && self.mode == ImportMode::Replace
    }

    /// The requirements that the import deletes.
    pub(super) fn ids_to_delete(&self) -> impl Iterator<Item = &str> {
        let deletes = self.mode == ImportMode::Replace;
        self.absent.iter().filter(move |_| deletes).map(|(id, _)| id.as_str())
    }

    pub(super) fn stored_layout(&mut self, revision: Revision, layout: Layout) {
        self.stored_layout = Some((revision, layout));
    }

    pub(super) fn stored_requirement(&mut self, id: String, revision: Revision, stored: &Requirement) {
        self.last_rank = self.last_rank.max(stored.placement.rank.unwrap_or(0));
        let Some(index) = self.index_of.get(&id) else {
            self.absent_ids.insert(id.clone());
            self.absent.push((id, revision));
            return;
        };
        let row = &mut self.rows[*index];
        if self.mode == ImportMode::Merge
            && overlay(&mut row.requirement, stored, &self.absent_core, &self.columns)
        {
            row.requirement.placement.raw = None;
            self.overlaid = true;
        }
        let same_bytes = row.requirement.placement.raw == stored.placement.raw;
        row.stored = Some(Stored {
            revision,
            rank: stored.placement.rank,
            same_values: same_values(&mut row.requirement, stored),
            same_bytes,
        });
    }

    pub(super) fn stored_link(&mut self, id: String, revision: Revision, stored: &TestLink) {
        if let Some(link) = self.links.get(&id) {
            if link != stored {
                let body = Body::TestLink(link.clone());
                self.link_changes.insert(id.clone(), Change::replace(id.clone(), revision, body));
            }
            self.links.remove(&id);
        } else if self.mode == ImportMode::Replace
            && (self.absent_ids.contains(&stored.req_id) || self.linked.contains(&stored.req_id))
        {
            self.report.test_links += 1;
            self.deletions.push(Change::delete(Key::new(Kind::TestLink, id), revision));
        }
    }

    pub(super) fn stored_text(&mut self, id: String, revision: Revision) {
        self.deletions.push(Change::delete(Key::new(Kind::RequirementText, id), revision));
    }

    /// The changes and the report.
    pub(super) fn finish(mut self) -> (Vec<Change>, ImportReport) {
        let mut changes: Vec<Change> = Vec::new();
        match self.mode {
            ImportMode::Merge => self.report.kept = self.absent.len() as u64,
            ImportMode::Replace => {
                self.report.deleted = self.absent.len() as u64;
                for (id, revision) in std::mem::take(&mut self.absent) {
                    changes.push(Change::delete(Key::new(Kind::Requirement, id.as_str()), revision));
                    self.report.deleted_ids.push(id);
                }
            }
        }
        changes.append(&mut self.deletions);
        let puts = if self.report.kept == 0 && !self.overlaid {
            self.as_the_file()
        } else {
            self.within_the_stored()
        };
        let layout_body = Body::Layout(self.layout.clone());
        match &self.stored_layout {
            Some((_, stored)) if *stored == self.layout => {}
            Some((revision, _)) => {
                self.report.layout_changed = true;
                changes.push(Change::replace(LAYOUT_ID, *revision, layout_body));
            }
            None if self.layout == Layout::default() => {}
            None => {
                self.report.layout_changed = true;
                changes.push(Change::create(LAYOUT_ID, layout_body));
            }
        }
        changes.extend(puts);
        for id in std::mem::take(&mut self.link_order) {
            let change = self.link_changes.remove(&id);
            let created = || self.links.remove(&id).map(|link| Change::create(id, Body::TestLink(link)));
            if let Some(change) = change.or_else(created) {
                self.report.test_links += 1;
                changes.push(change);
            }
        }
        (changes, self.report)
    }

    /// Order and form become the file's.
    fn as_the_file(&mut self) -> Vec<Change> {
        let places: Vec<Option<Place<'_>>> = self
            .rows
            .iter()
            .map(|row| row.stored.as_ref().map(|stored| Place::new(stored.rank, &row.id)))
            .collect();
        let ranks = rank::assign(&places);
        let mut puts = Vec::new();
        for (mut row, rank) in std::mem::take(&mut self.rows).into_iter().zip(ranks) {
            row.requirement.placement.rank = rank;
            let same_place = row.stored.as_ref().is_some_and(|stored| stored.rank == rank);
            let same_row = row.stored.as_ref().is_some_and(|stored| stored.same_values && stored.same_bytes);
            self.count(row.stored.as_ref(), same_row, same_place);
            if !(same_row && same_place) {
                puts.push(put(row));
            }
        }
        puts
    }

    /// Order and form stay; what is new is appended.
    fn within_the_stored(&mut self) -> Vec<Change> {
        let mut layout = self.stored_layout.as_ref().map(|(_, layout)| layout.clone()).unwrap_or_default();
        let same_form = layout.columns == self.layout.columns && layout.crlf == self.layout.crlf;
        let mut puts = Vec::new();
        let mut next_rank = self.last_rank;
        for mut row in std::mem::take(&mut self.rows) {
            let same_row = row.stored.as_ref().is_some_and(|stored| stored.same_values);
            self.count(row.stored.as_ref(), same_row, true);
            if same_row {
                continue;
            }
            if !same_form {
                row.requirement.placement.raw = None;
            }
            row.requirement.placement.rank = match &row.stored {
                Some(stored) => stored.rank,
                None => {
                    next_rank = rank::after(next_rank);
                    Some(next_rank)
                }
            };
            csv::edit::cover(&mut layout, &row.requirement);
            puts.push(put(row));
        }
        self.layout = layout;
        puts
    }

    fn count(&mut self, stored: Option<&Stored>, same_row: bool, same_place: bool) {
        let count = match (stored, same_row, same_place) {
            (None, _, _) => &mut self.report.created,
            (Some(_), false, _) => &mut self.report.updated,
            (Some(_), true, false) => &mut self.report.moved,
            (Some(_), true, true) => &mut self.report.unchanged,
        };
        *count += 1;
    }
}

fn put(row: FileRow) -> Change {
    let body = Body::Requirement(row.requirement);
    match row.stored {
        Some(stored) => Change::replace(row.id, stored.revision, body),
        None => Change::create(row.id, body),
    }
}

/// Whether a row says what is stored, wherever it stands and however it was written.
fn same_values(row: &mut Requirement, stored: &Requirement) -> bool {
    let (rank, raw) = (row.placement.rank, row.placement.raw.take());
    row.placement.rank = stored.placement.rank;
    row.placement.raw.clone_from(&stored.placement.raw);
    let same = *row == *stored;
    (row.placement.rank, row.placement.raw) = (rank, raw);
    same
}

/// Takes over the stored values of columns that the file does not have; answers whether there were any.
fn overlay(
    row: &mut Requirement,
    stored: &Requirement,
    absent_core: &[Column],
    columns: &HashSet<String>,
) -> bool {
    let mut any = false;
    for column in absent_core {
        any |= csv::edit::copy_column(row, stored, *column);
    }
    for (key, value) in &stored.extra {
        if !columns.contains(key) {
            row.extra.insert(key.clone(), value.clone());
            any = true;
        }
    }
    any
}
