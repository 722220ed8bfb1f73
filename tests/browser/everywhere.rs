//! Every page that can be reached: asked for once, and one of each shape looked at in every way.
//!
//! Two pages have one shape when they differ only in what they are about: another requirement, another
//! value of a filter. Every link that is found is followed at least by a plain request, so that no
//! number leads to nothing.

use crate::Told;
use crate::inspection::{glance, inspect};
use crate::matrix;
use crate::tab::Tab;
use crate::view::is_full;
use std::collections::{BTreeSet, VecDeque};

/// More shapes than this are no bounded set of pages.
const SHAPES_LIMIT: usize = 120;
/// Links of known shapes that are asked for; a real matrix has thousands, which differ only in their ids.
const LINKS_LIMIT: usize = 600;

/// Links, and the addresses of forms that only ask.
const LINKS: &str = "
    const links = Array.from(document.querySelectorAll('a[href], link[href]'), (link) => link.getAttribute('href'));
    const forms = Array.from(document.querySelectorAll('form')).filter((form) => form.method === 'get');
    const asked = forms.map((form) => new URL(form.action).origin + new URL(form.action).pathname + '?' + new URLSearchParams(new FormData(form)));
    return links.concat(asked).map((href) => new URL(href, location.href))
        .filter((url) => url.origin === location.origin).map((url) => url.pathname + url.search);
";

/// A walk over the links of the story's project.
pub(crate) struct Crawl {
    home: String,
    shape_of: fn(&str, &str) -> String,
    waiting: VecDeque<String>,
    known: BTreeSet<String>,
    shapes: BTreeSet<String>,
    /// Links that lead to nothing.
    pub(crate) faults: Vec<String>,
}

impl Crawl {
    /// Begins at the first page. Of pages with one shape, which is made of a path and the path of the
    /// project's first page, only one is gone to.
    pub(crate) fn of(tab: &Tab, shape_of: fn(&str, &str) -> String) -> Crawl {
        let home = tab.at("");
        let waiting = VecDeque::from(["/".to_owned(), home.clone()]);
        Crawl { home, shape_of, waiting, known: BTreeSet::new(), shapes: BTreeSet::new(), faults: Vec::new() }
    }

    /// Goes to the next page of a new shape and answers its path.
    pub(crate) async fn next(
        &mut self,
        tab: &Tab,
    ) -> Result<Option<String>, Box<dyn std::error::Error + Send + Sync>> {
        while let Some(path) = self.waiting.pop_front() {
            // The projects of other stories come and go.
            let within = path == self.home
                || path.starts_with(&format!("{}/", self.home))
                || path.starts_with(&format!("{}?", self.home));
            let elsewhere = path.starts_with("/projects/") && !within;
            let shape = (self.shape_of)(&path, &self.home);
            let is_new = !self.shapes.contains(&shape);
            if elsewhere || !self.known.insert(path.clone()) || (!is_new && self.known.len() > LINKS_LIMIT) {
                continue;
            }
            let got = tab.api.page(&path).await;
            if !got.status.is_success() {
                self.faults.push(format!("{path}: {}", got.status));
                continue;
            }
            if !is_new || !got.kind.starts_with("text/html") {
                continue;
            }
            self.shapes.insert(shape);
            tab.open(&path).await?;
            let found = tab.js(LINKS).await?;
            self.waiting.extend(
                found.as_array().into_iter().flatten().filter_map(|link| link.as_str()).map(str::to_owned),
            );
            return Ok(Some(path));
        }
        Ok(None)
    }
}

pub(crate) async fn every_page_that_can_be_reached_is_whole(tab: Tab) -> Told {
    tab.project_of(&matrix::real()).await;
    let mut crawl = Crawl::of(&tab, shape);
    let (mut faults, mut pages) = (Vec::new(), BTreeSet::new());
    while let Some(path) = crawl.next(&tab).await? {
        let shape = shape(&path, &crawl.home);
        let (page, _) = shape.split_once('?').unwrap_or((&shape, ""));
        // Another state of a page that was looked at differs in its rows; the short form glances at it.
        let found = if pages.insert(page.to_owned()) || is_full() {
            inspect(&tab, &shape.replace(|c: char| !c.is_ascii_alphanumeric(), "-")).await?
        } else {
            glance(&tab).await?
        };
        faults.extend(found.into_iter().map(|fault| format!("{path}: {fault}")));
        faults.extend(tab.troubles().await?.into_iter().map(|trouble| format!("{path}: {trouble}")));
    }
    let list = crawl.shapes.iter().map(|shape| format!("{shape}\n")).collect::<String>();
    let list = format!("{} links, pages of these shapes looked at:\n{list}", crawl.known.len());
    std::fs::write(tab.lab.picture(&format!("pages-{}.txt", tab.view.name)), list)?;
    faults.append(&mut crawl.faults);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(crawl.shapes.len() < SHAPES_LIMIT, "pages lead to ever new ones: {:#?}", crawl.shapes);
    Ok(())
}

/// The address without what a page is about: ids, and the values of filters.
pub(crate) fn shape(path: &str, home: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let within = path.strip_prefix(home).unwrap_or(path);
    let mut parts: Vec<&str> = within.split('/').collect();
    if let ["", "requirements", id, ..] = parts.as_mut_slice()
        && *id != "new"
    {
        *id = "id";
    }
    let mut names: Vec<_> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    names.sort_unstable();
    names.dedup();
    // Order and place in a list are looked at by themselves, and not again with every filter.
    let of_a_filter =
        |name: &str| !["form", "sort", "limit", "cursor", "before", "offset", "search"].contains(&name);
    if names.iter().any(|name| of_a_filter(name)) {
        names.retain(|name| of_a_filter(name));
    }
    format!("{}?{}", parts.join("/"), names.join("&"))
}
