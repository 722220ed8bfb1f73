//! One measurement: the product and the others in turns, and the middle of the rounds.

use super::data::Matrix;
use super::load::{self, Asking, Method};
use super::peers::{Kind, direct, sqlite};
use super::questions::{LOOKS, Pages, Question, When};
use super::results::{Cost, Look, Measured, Memory, Row, median};
use super::site::{self, PROJECT, Site};
use super::{Effort, Release};
use crate::{Result, http};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// How the reference is called where it stands beside the other tools.
pub(super) const DIRECT: &str = "rusqlite";
/// What a reader has to know where processor times stand side by side.
pub(super) const ALLOCATORS: &str =
    "The reference uses the system's allocator, as any plain program does; the server uses mimalloc.";
/// How `sqlite3`'s import is called.
pub(super) const SQLITE: &str = "sqlite3";
/// What takes longer is asked in one round only: it does not become fast.
const SLOW_MS: f64 = 1_000.0;
/// A count of processor time ends after this time.
const LOAD_SECONDS: f64 = 20.0;

/// Asks a question of the product and of everybody else who can answer it.
///
/// # Errors
///
/// If an answer is not a success.
pub(super) fn question(release: &Release, site: &Site, question: Question, effort: &Effort) -> Result<Row> {
    let (mut ours, mut again) = (Vec::new(), Vec::new());
    let mut others: BTreeMap<&str, Vec<Measured>> = BTreeMap::new();
    for _ in 0..effort.rounds {
        ours.push(product(release, site, question, effort)?);
        if question.when() == When::Fresh {
            let path = format!("{PROJECT}/{}", question.path_again());
            let asking = Asking::times(effort.requests, effort.seconds);
            let figures = load::http(release, site.server.address, &path, asking)?;
            again.push(Measured::new(figures.median_ms, figures.count, "again"));
        }
        if let Some(name) = direct::name(question) {
            let figures = direct::ask(release, &site.database, name, direct::Then::Drop, 1, effort.requests)?;
            let measured = Measured::new(figures.median_ms, figures.count, "file");
            others.entry(DIRECT).or_default().push(measured);
        }
        for serving in &site.others {
            let ask = match serving.kind() {
                Kind::Python => question.to_python(),
                Kind::Go => question.to_go(),
            };
            let rounds = others.entry(serving.kind().name()).or_default();
            if rounds.last().is_some_and(|last| last.ms > SLOW_MS) {
                continue;
            }
            rounds.extend(serving.ask(release, ask, site.one(), effort)?);
        }
    }
    let others = others.into_iter();
    let others = others.filter_map(|(name, rounds)| Some((name.to_owned(), Measured::middle(&rounds)?)));
    let ours = Measured::middle(&ours).ok_or("no round was measured")?;
    let again = Measured::middle(&again);
    Ok(Row { rows: site.matrix.rows, question, ours, again, others: others.collect() })
}

fn product(release: &Release, site: &Site, question: Question, effort: &Effort) -> Result<Measured> {
    let path = format!("{PROJECT}/{}", question.path().replace("{one}", site.one()));
    let once = Asking { method: question.method(), ..Asking::times(effort.requests, effort.seconds) };
    let edited = format!("{PROJECT}/{}", Question::Write.path().replace("{one}", site.one()));
    let (edit, cold) = (Asking { method: Method::Edit, requests: 1, ..once }, Method::GetCold);
    if question.when() == When::Fresh {
        // The texts of the round before are forgotten.
        load::http(release, site.server.address, &edited, edit)?;
    }
    if question.when() != When::AfterWrite {
        let figures = load::http(release, site.server.address, &path, once)?;
        let way = if question.when() == When::Fresh { "another text each time" } else { "again" };
        return Ok(Measured::new(figures.median_ms, figures.count, way));
    }
    let mut times = Vec::new();
    for _ in 0..effort.after_writes {
        load::http(release, site.server.address, &edited, edit)?;
        let asking = Asking { method: cold, requests: 1, ..once };
        times.push(load::http(release, site.server.address, &path, asking)?.median_ms);
    }
    let count = times.len();
    Ok(Measured::new(median(times), count, "after a write"))
}

/// Imports into new servers, and the same file by `sqlite3` in between.
///
/// # Errors
///
/// If an import fails.
pub(super) fn import(release: &Release, dir: &Path, matrix: &Matrix, effort: &Effort) -> Result<Row> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        let server = site::start(release, &dir.join("import"))?;
        ours.push(Measured::new(site::import(&server, matrix)?, 1, "new database"));
        drop(server);
        theirs.push(Measured::new(sqlite::import(matrix, dir)?, 1, "new file"));
    }
    let ours = Measured::middle(&ours).ok_or("no round was measured")?;
    let others = Measured::middle(&theirs).map(|measured| (SQLITE.to_owned(), measured));
    let (rows, question, others) = (matrix.rows, Question::Import, others.into_iter().collect());
    Ok(Row { rows, question, ours, again: None, others })
}

/// The processor time of a page, of the server and of the reference in turns.
///
/// The site must have more pages than the server remembers (`PAGE_LIMIT` of `src/index/snapshot.rs`), or
/// pages in turn are remembered ones. Clients drift together: at 10,000 rows up to 6 pages of 100 are
/// remembered when 64 walk, at 100,000 none.
///
/// # Errors
///
/// If an answer is not a success, or the reference found other requirements than the server.
pub(super) fn cost(
    release: &Release,
    site: &Site,
    pages: Pages,
    clients: usize,
    effort: &Effort,
) -> Result<Cost> {
    let path = format!("{PROJECT}/{}", Question::Page.path_again());
    let name = direct::name_of_pages(pages);
    same_answer(release, site, &path, pages)?;
    let requests = effort.loaded_requests;
    let watch = Some(site.server.pid());
    let asking = Asking { clients, requests, seconds: LOAD_SECONDS, method: pages.method(), watch };
    let (mut server, mut bare, mut json) = (Vec::new(), Vec::new(), Vec::new());
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        let served = load::http(release, site.server.address, &path, asking)?;
        let read = |then| direct::ask(release, &site.database, name, then, clients, requests);
        let (dropped, made) = (read(direct::Then::Drop)?, read(direct::Then::Json)?);
        let spent = |figures: &load::Figures| figures.cpu_us.ok_or("no processor time was counted");
        let (served_us, dropped_us) = (spent(&served)?, spent(&dropped)?);
        server.push(served_us);
        bare.push(dropped_us);
        json.push(spent(&made)?);
        ratios.push(served_us / dropped_us);
        rates.push(served.count as f64 / served.wall_seconds);
    }
    Ok(Cost {
        rows: site.matrix.rows,
        pages,
        clients,
        server_us: median(server),
        direct_us: median(bare),
        direct_json_us: median(json),
        ratio: median(ratios),
        per_second: median(rates),
    })
}

/// A page of the dashboard, each time right after a write, so that nothing remembered of it can help.
///
/// # Errors
///
/// If it is not answered.
pub(super) fn look(release: &Release, site: &Site, page: &'static str, effort: &Effort) -> Result<Look> {
    let path = LOOKS.iter().find(|(name, _)| *name == page).map_or("/", |(_, path)| path);
    let path = path.replace("{one}", site.one());
    let edited = format!("{PROJECT}/{}", Question::Write.path().replace("{one}", site.one()));
    let asking = |method| Asking { method, requests: 1, ..Asking::times(1, effort.seconds) };
    let (mut times, mut bytes) = (Vec::new(), 0);
    for _ in 0..effort.after_writes {
        load::http(release, site.server.address, &edited, asking(Method::Edit))?;
        let figures = load::http(release, site.server.address, &path, asking(Method::Browse))?;
        times.push(figures.median_ms);
        bytes = bytes.max(figures.body_bytes);
    }
    Ok(Look { rows: site.matrix.rows, page, ms: median(times), kb: bytes as f64 / 1e3 })
}

/// The reference is one only if it finds what the server finds; for pages in turn, on the second page.
fn same_answer(release: &Release, site: &Site, path: &str, pages: Pages) -> Result<()> {
    let mut page = answered(site, path)?;
    if pages == Pages::InTurn {
        let next = page["next"].as_str().ok_or_else(|| format!("{path} has one page only"))?;
        page = answered(site, &format!("{path}&cursor={next}"))?;
    }
    let shown = page["requirements"].as_array().map(|all| all.iter().map(|one| one["req_id"].as_str()));
    let shown: Vec<String> = shown.into_iter().flatten().flatten().map(str::to_owned).collect();
    let found = direct::ids(release, &site.database, direct::name_of_pages(pages))?;
    if shown.is_empty() || shown != found {
        return Err(format!("the server answers {shown:?}, and the reference finds {found:?}"));
    }
    Ok(())
}

fn answered(site: &Site, path: &str) -> Result<Value> {
    let answer = http::send(site.server.address, "GET", path, "", b"")
        .map_err(|error| format!("{path} failed: {error}"))?;
    serde_json::from_slice(&answer.body).map_err(|error| format!("{path} answered no JSON: {error}"))
}

/// The memory of a server that has answered.
///
/// # Errors
///
/// If the process cannot be looked at.
pub(super) fn memory(site: &Site) -> Result<Memory> {
    let (resident_mb, peak_mb) = (site.server.resident_mb()?, site.server.peak_mb()?);
    Ok(Memory { rows: site.matrix.rows, resident_mb, peak_mb })
}
