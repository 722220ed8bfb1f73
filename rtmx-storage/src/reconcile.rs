//! Two edits of one requirement that were made at the same time, brought together column by column.
//!
//! The decision to know: a column that one side left alone is taken from the other, and only a column
//! that both changed, each to something else, is left for a person. What counts as a change is the
//! text of a column as an export would write it; two texts that mean the same (`A B` and `A|B`) are
//! no conflict. Deliberately absent: any write. Whoever merges writes the result as an edit of its own,
//! based on the newer side.

use crate::csv::edit::copy_column;
use rtmx_core::{CORE_COLUMNS, Column, Placement, Requirement};
use std::collections::BTreeSet;

/// A column that at least one side changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMerge {
    /// The column's name; `extra.<name>` for one beyond the core.
    pub column: String,
    /// Whose change was taken.
    pub taken: Taken,
    /// The text that both began with; `None` if it is not known any more.
    pub base: Option<String>,
    /// The text of the side that is merged in.
    pub mine: String,
    /// The text of the side that is stored.
    pub theirs: String,
    /// The text that was taken; for a conflict a proposal.
    pub merged: String,
}

/// Whose change of a column was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Only I changed it.
    Mine,
    /// Only they changed it.
    Theirs,
    /// Both changed it to the same.
    Same,
    /// Both changed it, each to something else: a person decides.
    Conflict,
}

/// What two sides make together.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconciled {
    /// The requirement with the changes of both. In a conflict it has mine; lists of ids have what either
    /// side added and not what either took out.
    pub requirement: Requirement,
    /// The columns that a side changed, in the order of the file; extra columns follow by name.
    pub columns: Vec<ColumnMerge>,
}

impl Reconciled {
    /// Whether a person has something to decide.
    pub fn is_conflicted(&self) -> bool {
        self.columns.iter().any(|column| column.taken == Taken::Conflict)
    }
}

/// Brings together what two sides made of `base`; `theirs` is the one that is stored.
///
/// Without a base, which a restore takes away, every column in which the two differ is a conflict.
/// Where the row stands in the file is theirs; its own bytes are kept only if it reads as theirs does.
pub fn reconcile(base: Option<&Requirement>, mine: &Requirement, theirs: &Requirement) -> Reconciled {
    let mut requirement = theirs.clone();
    let mut columns = Vec::new();
    for column in CORE_COLUMNS.into_iter().filter(|column| *column != Column::ReqId) {
        let texts = Texts {
            base: base.map(|base| base.text_of(column)),
            mine: mine.text_of(column),
            theirs: theirs.text_of(column),
        };
        let Some(taken) = texts.taken(|| same_value(mine, theirs, column)) else { continue };
        match taken {
            Taken::Mine | Taken::Conflict => {
                copy_column(&mut requirement, mine, column);
            }
            Taken::Theirs | Taken::Same => {}
        }
        if taken == Taken::Conflict {
            join_ids(&mut requirement, base, theirs, column);
        }
        let merged = requirement.text_of(column);
        columns.push(texts.into_column(column.name().to_owned(), taken, merged));
    }
    let sides = base.into_iter().chain([mine, theirs]);
    let names: BTreeSet<&String> = sides.flat_map(|side| side.extra.keys()).collect();
    for name in names {
        let text = |side: &Requirement| side.extra.get(name).cloned().unwrap_or_default();
        let texts = Texts { base: base.map(text), mine: text(mine), theirs: text(theirs) };
        let Some(taken) = texts.taken(|| false) else { continue };
        if matches!(taken, Taken::Mine | Taken::Conflict) {
            if texts.mine.is_empty() {
                requirement.extra.remove(name);
            } else {
                requirement.extra.insert(name.clone(), texts.mine.clone());
            }
        }
        let merged = text(&requirement);
        columns.push(texts.into_column(format!("extra.{name}"), taken, merged));
    }
    let reads_as_theirs = columns.iter().all(|column| column.merged == column.theirs);
    if !reads_as_theirs {
        requirement.placement = Placement { raw: None, ..requirement.placement };
    }
    Reconciled { requirement, columns }
}

/// A column's text on each side.
struct Texts {
    base: Option<String>,
    mine: String,
    theirs: String,
}

impl Texts {
    /// Whose text is taken; `None` if no side changed it.
    fn taken(&self, is_same_value: impl Fn() -> bool) -> Option<Taken> {
        let unchanged = |side: &String| self.base.as_ref() == Some(side);
        match (unchanged(&self.mine), unchanged(&self.theirs)) {
            (true, true) => None,
            (false, true) => Some(Taken::Mine),
            (true, false) => Some(Taken::Theirs),
            (false, false) if self.mine == self.theirs => self.base.is_some().then_some(Taken::Same),
            (false, false) if is_same_value() => Some(Taken::Same),
            (false, false) => Some(Taken::Conflict),
        }
    }

    fn into_column(self, column: String, taken: Taken, merged: String) -> ColumnMerge {
        let Texts { base, mine, theirs } = self;
        ColumnMerge { column, taken, base, mine, theirs, merged }
    }
}

/// Whether two sides mean the same by texts that may differ.
fn same_value(mine: &Requirement, theirs: &Requirement, column: Column) -> bool {
    match column {
        Column::Status => mine.status.value == theirs.status.value,
        Column::Priority => mine.priority.value == theirs.priority.value,
        Column::Phase => mine.phase.value == theirs.phase.value,
        Column::EffortWeeks => mine.effort_weeks.value == theirs.effort_weeks.value,
        Column::Dependencies => mine.dependencies.value == theirs.dependencies.value,
        Column::Blocks => mine.blocks.value == theirs.blocks.value,
        _ => false,
    }
}

/// Makes mine, in a list of ids, what both sides make together.
fn join_ids(requirement: &mut Requirement, base: Option<&Requirement>, theirs: &Requirement, column: Column) {
    fn ids(side: &Requirement, column: Column) -> Option<&BTreeSet<String>> {
        match column {
            Column::Dependencies => Some(&side.dependencies.value),
            Column::Blocks => Some(&side.blocks.value),
            _ => None,
        }
    }
    let (Some(mine), Some(theirs)) = (ids(requirement, column), ids(theirs, column)) else { return };
    let nothing = BTreeSet::new();
    let base = base.and_then(|base| ids(base, column)).unwrap_or(&nothing);
    let stays = |id: &&String| (mine.contains(*id) && theirs.contains(*id)) || !base.contains(*id);
    let joined: BTreeSet<String> = mine.union(theirs).filter(stays).cloned().collect();
    match column {
        Column::Dependencies => requirement.dependencies = joined.into(),
        _ => requirement.blocks = joined.into(),
    }
}
