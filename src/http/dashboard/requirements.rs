//! The matrix as a table: filtered, searched, sorted, in pages, every choice in the address.

use super::frame::{Frame, Section, Visiting, page, project_address};
use super::list::{self, Chip, Facets, Found, Listing, Words, chips, columns};
use crate::http::api::params::Params;
use crate::http::api::scope::Scope;
use crate::http::api::status;
use crate::http::{Answer, App};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use rtmx_core::{Body, Column, Kind, Result};
use rtmx_storage::query::{Field, RecordQuery};
use rtmx_storage::{Query, StorageBackendExt};

/// The most conditions of an empty list for which it is told what there would be without them.
const ADVICE_LIMIT: usize = 6;

#[derive(Template)]
#[template(path = "requirements.html")]
struct RequirementsPage {
    frame: Frame,
    /// The address of this page, without its query.
    here: String,
    list: View,
    headings: Vec<Heading>,
    rows: Vec<Row>,
    /// How wide the table is: a class of the style sheet.
    width: &'static str,
    /// The API's address of what the table shows, as CSV.
    csv: String,
}

/// What every list shows around its rows.
pub(super) struct View {
    pub(super) facets: Facets,
    pub(super) chips: Vec<Chip>,
    pub(super) search: String,
    /// What a new search keeps of the address.
    pub(super) kept: Vec<(String, String)>,
    pub(super) total: u64,
    pub(super) shown: usize,
    pub(super) order: String,
    pub(super) first: Option<Words>,
    pub(super) previous: Option<Words>,
    pub(super) next: Option<Words>,
    /// For an empty list: how many there would be without each condition.
    pub(super) advice: Vec<Advice>,
}

/// A condition, and how many requirements there are without it.
pub(super) struct Advice {
    pub(super) chip: Chip,
    pub(super) total: u64,
}

struct Heading {
    title: String,
    class: String,
    direction: Option<&'static str>,
    /// The address sorted by this column; a set of ids is nothing to sort by.
    sorted: Option<Words>,
}

struct Row {
    id: String,
    cells: Vec<Cell>,
}

struct Cell {
    class: String,
    text: String,
    status: Option<&'static str>,
}

/// The page.
pub(super) async fn show(State(app): State<App>, visiting: Visiting, params: Params) -> Answer<Response> {
    let scope = &visiting.scope;
    let here = format!("{}/requirements", project_address(&scope.project));
    let listing = match Listing::read(params, &scope.space)? {
        Ok(listing) => listing,
        Err(words) => return Ok(Redirect::to(&format!("{here}{words}")).into_response()),
    };
    let (found, list) = View::of(&app, scope, &listing).await?;
    let row = |(id, requirement): (&str, &_)| {
        let of = |field: &Field| Cell {
            class: class_of(field),
            text: columns::cell(id, requirement, field),
            status: (*field == Field::Core(Column::Status))
                .then(|| columns::status_class(requirement.status.value)),
        };
        Row { id: id.to_owned(), cells: listing.columns[1..].iter().map(of).collect() }
    };
    let rows = list::rows(&found.records).map(row).collect();
    let names: Vec<String> = listing.columns.iter().map(Field::to_string).collect();
    let csv = listing.words.without("limit").with("columns", names.join(","));
    let project = super::super::api::documents::path_segment(&scope.project);
    page(&RequirementsPage {
        frame: visiting.frame("Requirements", Some(Section::Requirements), found.head),
        here,
        list,
        headings: listing.columns.iter().map(|field| Heading::of(&listing, field)).collect(),
        rows,
        width: match listing.columns.len() {
            0..=8 => "",
            9..=14 => "wide",
            _ => "widest",
        },
        csv: format!("/api/v1/projects/{project}/requirements.csv{csv}"),
    })
}

impl View {
    /// Reads a list's page, and what stands around it.
    pub(super) async fn of(app: &App, scope: &Scope, listing: &Listing) -> Result<(Found, View)> {
        let (_, tally) = status::tally(app, &scope.cx, &scope.space).await?;
        let layout = rtmx_core::Key::new(Kind::Layout, "csv");
        let layout = app.storage.find(&scope.cx, &scope.space, &layout).await?;
        let extra: Vec<String> = match layout.map(|record| record.body) {
            Some(Body::Layout(layout)) => {
                layout.columns.into_iter().filter(|name| Column::parse(name).is_none()).collect()
            }
            _ => Vec::new(),
        };
        let facets = Facets::of(listing, &tally, &extra);
        let mut found = listing.fetch(app, scope, facets.total).await?;
        let chips = chips(listing);
        let advice = if found.total == 0 { advice(app, scope, listing).await? } else { Vec::new() };
        let view = View {
            facets,
            chips,
            search: listing.search().to_owned(),
            kept: list::kept(listing),
            total: found.total,
            shown: found.records.len(),
            order: listing.order(),
            first: found.first.take(),
            previous: found.previous.take(),
            next: found.next.take(),
            advice,
        };
        Ok((found, view))
    }

    /// How many match, for readers.
    pub(super) fn total(&self) -> String {
        columns::grouped(self.total)
    }
}

/// What there would be without each condition of a list that is empty.
async fn advice(app: &App, scope: &Scope, listing: &Listing) -> Result<Vec<Advice>> {
    let mut advice = Vec::new();
    for chip in chips(listing).into_iter().take(ADVICE_LIMIT) {
        let params = Params::of(chip.without.all().to_vec());
        let Ok(without) = Listing::read(params, &scope.space)? else { continue };
        let query = RecordQuery { limit: 1, count: true, ..without.query };
        let page = app.storage.fetch(&scope.cx, &Query::Records(query)).await?;
        advice.push(Advice { chip, total: page.total.unwrap_or_default() });
    }
    advice.retain(|advice| advice.total > 0);
    Ok(advice)
}

impl Heading {
    fn of(listing: &Listing, field: &Field) -> Heading {
        let is_set = matches!(field, Field::Core(Column::Dependencies | Column::Blocks));
        Heading {
            title: columns::title(field),
            class: class_of(field),
            direction: listing.direction(field),
            sorted: (!is_set).then(|| listing.sorted_by(field)),
        }
    }
}

fn class_of(field: &Field) -> String {
    match field {
        Field::Core(column) => format!("c-{}", column.name()),
        Field::Extra(_) => "c-extra".to_owned(),
    }
}
