//! What is asked often, and how much of the tables each may cost.

use crate::{REVISIONS, TIMES, WRITTEN, id, space};
use rtmx_core::{Column, Key, Kind, Revision};
use rtmx_storage::Query;
use rtmx_storage::query::{Field, Filter, RecordQuery, Sort};

/// How many records a page has.
pub(crate) const PAGE: usize = 50;
/// How many rows a statement may look at for a page, deep down in indexes too.
const FOR_A_PAGE: usize = 20 * PAGE;

/// What is done.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Fetch(Query),
    /// The changes since a revision.
    Feed(u64),
    /// A requirement is written that is not there yet.
    Write,
}

/// What is asked, and what its answer may cost.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) ask: Ask,
    /// Whether its order has to come from the index, too.
    pub(crate) ordered: bool,
    /// How many rows one statement may look at.
    pub(crate) most: usize,
}

/// The indexes, in an order in which each can be taken away for good, and the question that misses it
/// while all indexes behind it are still there.
pub(crate) const MISSED_BY: [(&str, &str); 12] = [
    ("requirement_by_category", "filter by category"),
    ("requirement_by_phase", "filter by phase"),
    ("requirement_by_priority", "sort by priority"),
    ("requirement_by_urgency", "backlog: what is missing, most urgent first"),
    ("requirement_by_status", "filter by status"),
    ("requirement_by_dependency", "dependents of one"),
    ("requirement_by_term", "search with few hits"),
    ("change_set_pkey", "single write"),
    ("requirement_pkey", "one by id"),
    ("history_pkey", "history of all"),
    ("change_set_by_revision", "history of one"),
    ("history_by_record", "as of"),
];

/// Everything that is asked.
pub(crate) fn questions() -> Vec<Question> {
    let records = |change: &dyn Fn(&mut RecordQuery)| {
        let mut query = RecordQuery { limit: PAGE, ..RecordQuery::all(space(), Kind::Requirement) };
        change(&mut query);
        Ask::Fetch(Query::Records(query))
    };
    let filter = |column, value: &str| Filter { field: Field::Core(column), any_of: vec![value.into()] };
    let filtered = |column, value: &str| records(&|query| query.filters = vec![filter(column, value)]);
    let counted =
        |filters: &[Filter]| records(&|query| (query.filters, query.count) = (filters.to_vec(), true));
    let by = |column| vec![Sort { field: Field::Core(column), descending: false }];
    let sorted = |column| records(&|query| query.sort = by(column));
    let search = |text: &str| records(&|query| query.search = Some(text.into()));
    let key = Some(Key::new(Kind::Requirement, id(7)));
    let history = |key| {
        let before = Some((Revision(REVISIONS / 2), 7));
        Ask::Fetch(Query::History { space: space(), key, before, limit: PAGE })
    };
    let as_of = |ids| {
        let (space, kind, at) = (space(), Kind::Requirement, Revision(REVISIONS / 2));
        Ask::Fetch(Query::AsOf { space, kind, at, ids, after: None, limit: PAGE })
    };
    let missing = || filter(Column::Status, "missing");
    let backlog = records(&|query| (query.filters, query.sort) = (vec![missing()], by(Column::Priority)));
    // A term is looked up as a whole, whatever the number of rows that have it.
    let broad = FOR_A_PAGE + WRITTEN * TIMES + FOR_A_PAGE;
    let question = |name, ask, ordered| Question { name, ask, ordered, most: FOR_A_PAGE };
    vec![
        question("list", records(&|_| {}), true),
        question("list, counted", records(&|query| query.count = true), true),
        question("filter by status", filtered(Column::Status, "missing"), true),
        question("filter by category", filtered(Column::Category, "Area 3"), true),
        question("filter by priority", filtered(Column::Priority, "medium"), true),
        question("filter by phase", filtered(Column::Phase, "3"), true),
        question("filter by status, counted", counted(&[missing()]), true),
        question("filter by category, counted", counted(&[filter(Column::Category, "Area 3")]), true),
        question(
            "filter by status and phase, counted",
            counted(&[missing(), filter(Column::Phase, "3")]),
            false,
        ),
        question("sort by priority", sorted(Column::Priority), true),
        question("sort by status", sorted(Column::Status), true),
        question("sort by phase", sorted(Column::Phase), true),
        question("backlog: what is missing, most urgent first", backlog, true),
        question("dependents of one", filtered(Column::Dependencies, &id(3)), false),
        question("search with few hits", search("REQ-API-0007-55"), false),
        Question { most: broad, ..question("search with many hits", search("encrypt "), false) },
        question("search by a beginning", search("REQ-API-0007-5"), false),
        question("one by id", Ask::Fetch(Query::ids(space(), Kind::Requirement, [id(1)])), true),
        question("history of one", history(key), false),
        question("history of all", history(None), true),
        question("as of, by ids", as_of(Some(vec![id(1)])), false),
        question("as of", as_of(None), false),
        question("counts", Ask::Fetch(Query::Tally { space: space() }), false),
        question("feed", Ask::Feed(0), true),
        question("feed, from the middle", Ask::Feed(REVISIONS / 2), true),
        question("feed, at its end", Ask::Feed(REVISIONS - 3), false),
        question("single write", Ask::Write, false),
    ]
}
