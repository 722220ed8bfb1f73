//! Cells that are made to be taken for something else are shown as what they are, on every page.

use crate::Told;
use crate::everywhere::{Crawl, shape};
use crate::inspection::{narrow, sideways};
use crate::matrix::{self, Hostile};
use crate::tab::Tab;
use serde_json::json;

/// What of the matrix became part of a page.
const TAKEN_IN: &str = "
    const faults = [];
    if (window.pwned !== undefined) faults.push('a script of the matrix ran');
    const ours = (element) => element.src?.startsWith(location.origin + '/assets/');
    for (const script of document.querySelectorAll('script')) if (!ours(script)) faults.push(`a script: ${script.outerHTML.slice(0, 100)}`);
    for (const element of document.querySelectorAll('main img, main style, main iframe, main object, main b'))
        faults.push(`an element: ${element.outerHTML.slice(0, 100)}`);
    for (const element of document.querySelectorAll('*'))
        for (const { name, value } of element.attributes)
            if (name.startsWith('on') || /^\\s*javascript:/i.test(value) && name !== 'value' && name !== 'title')
                faults.push(`an attribute: ${name}=${value.slice(0, 60)}`);
    return faults;
";

pub(crate) async fn no_cell_of_a_matrix_becomes_part_of_a_page(tab: Tab) -> Told {
    let rows = matrix::hostile();
    let file = matrix::file_of(&rows);
    tab.project_of(&file).await;
    let mut faults = Vec::new();
    let mut crawl = Crawl::of(&tab, each_requirement);
    while let Some(path) = crawl.next(&tab).await? {
        let taken = tab.js(TAKEN_IN).await?;
        faults.extend(taken.as_array().into_iter().flatten().map(|fault| format!("{path}: {fault}")));
        faults.extend(sideways(&tab).await?.map(|fault| format!("{path}: sticks out: {fault}")));
        faults.extend(
            narrow(&tab).await?.map(|fault| format!("{path}: sticks out of a narrow window: {fault}")),
        );
        faults.extend(tab.troubles().await?.into_iter().map(|trouble| format!("{path}: {trouble}")));
    }
    faults.append(&mut crawl.faults);
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert_eq!(tab.api.export(&tab.project).await, file, "the file comes out as it went in");
    Ok(())
}

/// Every requirement's own page, and of the others one of each shape.
fn each_requirement(path: &str, home: &str) -> String {
    let own = path.strip_prefix(home).and_then(|within| within.strip_prefix("/requirements/"));
    if own.is_some_and(|id| !id.contains(['/', '?'])) { path.to_owned() } else { shape(path, home) }
}

pub(crate) async fn each_cell_is_read_as_the_file_has_it(tab: Tab) -> Told {
    let rows = matrix::hostile();
    tab.project_of(&matrix::file_of(&rows)).await;
    tab.open(&tab.at("requirements")).await?;
    // Line ends in a cell become what the page makes of white space, and the table cuts what is very
    // long and says so; all else is the same.
    let holds = "const plain = (text) => text.replace(/\\r?\\n/g, ' ');
        const all = Array.from(document.querySelectorAll('main :is(td, th, dd, p, a, bdi, h1)'), (it) => plain(it.textContent));
        const shows = (text) => all.some((seen) => seen === plain(text) || arguments[1] && seen.length > 100 && seen.endsWith('…') && plain(text).startsWith(seen.slice(0, -1)));
        return arguments[0].filter((text) => !shows(text));";
    let texts: Vec<&str> = rows.iter().flat_map(|Hostile { id, text }| [*id, text.as_str()]).collect();
    assert_eq!(tab.js_with(holds, vec![json!(texts), json!(true)]).await?, json!([]), "in the table");

    let links = "return Array.from(document.querySelectorAll('main tr[data-row] th a'), (link) => [link.textContent, new URL(link.href).pathname]);";
    let links = tab.js(links).await?;
    for row in &rows {
        let link = links.as_array().into_iter().flatten().find(|link| link[0] == row.id);
        let path = link.and_then(|link| link[1].as_str()).unwrap_or_else(|| panic!("no link to {}", row.id));
        tab.open(path).await?;
        let missing = tab.js_with(holds, vec![json!([row.id, row.text]), json!(false)]).await?;
        assert_eq!(missing, json!([]), "on the page of {}", row.id);
    }
    Ok(())
}
