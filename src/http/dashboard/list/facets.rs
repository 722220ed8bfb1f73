//! What a list can be narrowed by, and what it is narrowed by already.
//!
//! The choices and their numbers come from the tally, which has a row for each combination of status,
//! priority, phase and category that occurs. A choice's number is how many requirements it would leave
//! together with the other choices; it is shown while nothing else narrows the list, because only
//! then is it known without a search.

use super::columns::{status_word, title};
use super::form::EMPTY;
use super::{Listing, Words};
use rtmx_core::{CORE_COLUMNS, Column, Given, Priority, Requirement, Status};
use rtmx_storage::query::{Field, Filter, TallyRow};
use std::collections::BTreeMap;

/// The most phases or categories that a form offers. The others are reached by the column filter.
const CHOICES_LIMIT: usize = 200;

/// A value that a list can be narrowed to.
pub(in crate::http::dashboard) struct Choice {
    pub(in crate::http::dashboard) value: String,
    pub(in crate::http::dashboard) name: String,
    /// How many requirements it would leave, where that is known.
    pub(in crate::http::dashboard) count: Option<String>,
    pub(in crate::http::dashboard) is_chosen: bool,
}

/// A condition that holds, and the address without it.
pub(in crate::http::dashboard) struct Chip {
    pub(in crate::http::dashboard) text: String,
    pub(in crate::http::dashboard) without: Words,
}

/// The filter form.
pub(in crate::http::dashboard) struct Facets {
    pub(in crate::http::dashboard) statuses: Vec<Choice>,
    pub(in crate::http::dashboard) priorities: Vec<Choice>,
    pub(in crate::http::dashboard) phases: Vec<Choice>,
    pub(in crate::http::dashboard) categories: Vec<Choice>,
    pub(in crate::http::dashboard) assignee: String,
    pub(in crate::http::dashboard) is_untested: bool,
    /// Every column that can be filtered by: its name, and what it is called.
    pub(in crate::http::dashboard) fields: Vec<(String, String)>,
    /// Every column that can be shown; none where none is chosen: its name, what it is called, and whether it is shown.
    pub(in crate::http::dashboard) columns: Vec<(String, String, bool)>,
    /// How many rows a page may have, and whether it has.
    pub(in crate::http::dashboard) rows: Vec<(usize, bool)>,
    /// What else is in the address, to be sent along.
    pub(in crate::http::dashboard) carried: Vec<(String, String)>,
    /// Whether something is chosen beyond status and priority.
    pub(in crate::http::dashboard) is_open: bool,
    /// How many requirements match, if the tally alone can tell.
    pub(in crate::http::dashboard) total: Option<u64>,
}

impl Facets {
    /// The form for a list. `extra` are the columns beyond the 21 that the project has.
    pub(in crate::http::dashboard) fn of(listing: &Listing, tally: &[TallyRow], extra: &[String]) -> Facets {
        let counted = Counted::of(listing, tally);
        let of = |column: Column, value: String, name: String| {
            let is_chosen = counted.chosen(column).any(|chosen| {
                let (chosen, own) = (chosen.trim().to_lowercase(), value.trim().to_lowercase());
                chosen == own || own == EMPTY && chosen.is_empty()
            });
            let count = counted.with(column, if value == EMPTY { "" } else { &value });
            Choice { value, name, count: count.map(super::columns::grouped), is_chosen }
        };
        let statuses =
            Status::ALL.map(|it| of(Column::Status, it.name().to_owned(), status_word(it).to_owned()));
        let priorities =
            Priority::ALL.map(|it| of(Column::Priority, it.name().to_owned(), it.name().to_owned()));
        let mut phases: Vec<Option<u32>> = tally.iter().map(|row| row.phase).collect();
        phases.sort_unstable_by_key(|phase| (phase.is_none(), *phase));
        phases.dedup();
        let phases = phases.into_iter().take(CHOICES_LIMIT).map(|phase| match phase {
            Some(phase) => of(Column::Phase, phase.to_string(), phase.to_string()),
            None => of(Column::Phase, EMPTY.to_owned(), "No phase".to_owned()),
        });
        // Categories that differ by case alone are one to a filter.
        let names: BTreeMap<String, &str> =
            tally.iter().map(|row| (row.category.trim().to_lowercase(), row.category.trim())).collect();
        let categories = names.into_values().take(CHOICES_LIMIT).map(|name| match name {
            "" => of(Column::Category, EMPTY.to_owned(), "No category".to_owned()),
            name => of(Column::Category, name.to_owned(), name.to_owned()),
        });
        let mut facets = Facets {
            statuses: statuses.into(),
            priorities: priorities.into(),
            phases: phases.collect(),
            categories: categories.collect(),
            assignee: counted.chosen(Column::Assignee).next().unwrap_or_default().to_owned(),
            is_untested: is_untested(listing),
            fields: Vec::new(),
            columns: choice_of_columns(listing, extra),
            rows: super::ROWS.map(|rows| (rows, rows == listing.query.limit)).into(),
            carried: Vec::new(),
            is_open: false,
            total: counted.total(),
        };
        let field = |(name, title, _): &(String, String, bool)| (name.clone(), title.clone());
        facets.fields = facets.columns.iter().map(field).collect();
        facets.carried = facets.carried(listing);
        let quick =
            |name: &str| matches!(name, "status" | "priority" | "search" | "sort" | "limit" | "columns");
        facets.is_open = listing.words.all().iter().any(|(name, _)| !quick(name));
        facets
    }

    /// What of the address no control of the form says.
    fn carried(&self, listing: &Listing) -> Vec<(String, String)> {
        let said_by = |choices: &[Choice], value: &str| {
            choices.iter().any(|choice| {
                choice.is_chosen
                    && (choice.value.to_lowercase() == value.trim().to_lowercase()
                        || choice.value == EMPTY && value.trim().is_empty())
            })
        };
        // A list of choices shows one: what else is chosen in it goes along.
        let mut single: Vec<&str> = Vec::new();
        let is_said = |name: &'static str, choices: &[Choice], value: &str, single: &mut Vec<&str>| {
            let said = said_by(choices, value) && !single.contains(&name);
            single.push(name);
            said
        };
        let mut carried = Vec::new();
        for (name, value) in listing.words.all() {
            let said = match name.as_str() {
                "status" => said_by(&self.statuses, value),
                "priority" => said_by(&self.priorities, value),
                "phase" => is_said("phase", &self.phases, value, &mut single),
                "category" => is_said("category", &self.categories, value, &mut single),
                "assignee" => *value == self.assignee && !value.is_empty(),
                "test_function" => self.is_untested,
                "columns" | "limit" => true,
                _ => false,
            };
            if !said {
                carried.push((name.clone(), super::form::sent(value).to_owned()));
            }
        }
        carried
    }
}

/// The conditions of a list, each with the address without it.
pub(in crate::http::dashboard) fn chips(listing: &Listing) -> Vec<Chip> {
    let mut chips = Vec::new();
    if !listing.search().is_empty() {
        let text = format!("Search: {}", super::columns::cut(listing.search()));
        chips.push(Chip { text, without: listing.words.without("search") });
    }
    for filter in &listing.query.filters {
        let name = filter.field.to_string();
        for value in &filter.any_of {
            let shown = match (&filter.field, Status::parse(value)) {
                (Field::Core(Column::Status), Some(status)) => status_word(status).to_owned(),
                _ if value.trim().is_empty() => "empty".to_owned(),
                _ => super::columns::cut(value),
            };
            let text = format!("{}: {shown}", title(&filter.field));
            chips.push(Chip { text, without: listing.words.without_value(&name, value) });
        }
    }
    chips
}

/// Whether the list is narrowed to requirements whose test has no name.
fn is_untested(listing: &Listing) -> bool {
    let of = |filter: &&Filter| filter.field == Field::Core(Column::TestFunction);
    listing.query.filters.iter().find(of).is_some_and(|filter| {
        let has = |wanted: &str| filter.any_of.iter().any(|value| value.eq_ignore_ascii_case(wanted));
        filter.any_of.len() == 2 && has("") && has("MISSING")
    })
}

fn choice_of_columns(listing: &Listing, extra: &[String]) -> Vec<(String, String, bool)> {
    let core = CORE_COLUMNS.into_iter().map(Field::Core);
    let extra = extra.iter().map(|name| Field::Extra(name.clone()));
    let mut fields: Vec<Field> = core.chain(extra).collect();
    fields
        .extend(listing.columns.iter().filter(|field| !fields.contains(field)).cloned().collect::<Vec<_>>());
    let shown = |field: &Field| (field.to_string(), title(field), listing.columns.contains(field));
    fields.iter().map(shown).collect()
}

/// The tally, with the filters that it can answer.
struct Counted<'a> {
    listing: &'a Listing,
    rows: Vec<(Requirement, u64)>,
    /// Whether the tally answers every condition of the list.
    is_whole: bool,
}

impl<'a> Counted<'a> {
    fn of(listing: &'a Listing, tally: &[TallyRow]) -> Counted<'a> {
        let as_requirement = |row: &TallyRow| Requirement {
            category: row.category.clone(),
            status: Given::canonical(row.status),
            priority: Given::canonical(row.priority),
            phase: Given::canonical(row.phase),
            ..Requirement::default()
        };
        let rows = tally.iter().map(|row| (as_requirement(row), row.count)).collect();
        let known = |filter: &Filter| {
            let columns = [Column::Status, Column::Priority, Column::Phase, Column::Category];
            columns.into_iter().any(|column| filter.field == Field::Core(column))
        };
        let is_whole = listing.search().is_empty() && listing.query.filters.iter().all(known);
        Counted { listing, rows, is_whole }
    }

    /// The values that a column is narrowed to.
    fn chosen(&self, column: Column) -> impl Iterator<Item = &'a str> {
        let filters = self.listing.query.filters.iter();
        let own = filters.filter(move |filter| filter.field == Field::Core(column));
        own.flat_map(|filter| filter.any_of.iter().map(String::as_str))
    }

    fn total(&self) -> Option<u64> {
        self.is_whole.then(|| self.sum(|_| true, |_| true))
    }

    /// How many match if a column has this value and the other filters hold.
    fn with(&self, column: Column, value: &str) -> Option<u64> {
        let field = Field::Core(column);
        let wanted = [value.to_owned()];
        let others = |filter: &Filter| filter.field != field;
        self.is_whole.then(|| self.sum(others, |row| field.matches("", row, &wanted)))
    }

    fn sum(&self, which: impl Fn(&Filter) -> bool, holds: impl Fn(&Requirement) -> bool) -> u64 {
        let filters: Vec<&Filter> =
            self.listing.query.filters.iter().filter(|filter| which(filter)).collect();
        let matches = |row: &Requirement| {
            holds(row) && filters.iter().all(|filter| filter.field.matches("", row, &filter.any_of))
        };
        self.rows.iter().filter(|(row, _)| matches(row)).map(|(_, count)| count).sum()
    }
}
