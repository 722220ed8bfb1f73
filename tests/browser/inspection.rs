//! What holds for every page: read by anybody, on anything, and within its bounds.

use crate::tab::{Scripts, Tab};
use crate::view::is_full;
use base64::Engine;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use thirtyfour::error::WebDriverResult;

/// The most that a page may weigh on the wire, styles and scripts included.
const WEIGHT_LIMIT_BYTES: u64 = 100_000;
/// The narrowest window that a page must fit (WCAG 2.2, 1.4.10).
const NARROW_PX: u32 = 320;

/// What axe-core looks for: WCAG 2.2 AA and good practice. `wcag22aa` holds the size of targets.
const RULES: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const RUN_AXE: &str = "
    const [only, done] = arguments;
    axe.run(document, { runOnly: only, resultTypes: ['violations'] }).then(
        (found) => done(found.violations.flatMap((rule) => rule.nodes.map(
            (node) => `${rule.id}: ${node.html.slice(0, 300)} (${node.failureSummary.replace(/\\s+/g, ' ')})`))),
        (error) => done([`axe-core failed: ${error}`]));
";

/// What a look at the document tells.
const LOOK: &str = "
    const count = (css) => document.querySelectorAll(css).length;
    const faults = [];
    if (count('h1') !== 1) faults.push(`has ${count('h1')} h1`);
    if (count('main') !== 1) faults.push(`has ${count('main')} main`);
    if (!document.title.trim()) faults.push('has no title');
    if (!document.documentElement.lang) faults.push('does not say its language');
    if (count('[style]') > 0) faults.push('has inline styles, which the policy refuses');
    for (const link of document.querySelectorAll('a[href]')) {
        const to = new URL(link.getAttribute('href'), location.href);
        const here = to.pathname === location.pathname && to.search === location.search;
        if (here && to.hash && !document.getElementById(decodeURIComponent(to.hash.slice(1))))
            faults.push(`has a link to ${to.hash}, which is not in it`);
    }
    const ids = Array.from(document.querySelectorAll('[id]'), (element) => element.id);
    const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
    if (twice.length) faults.push(`has ids twice: ${twice.slice(0, 5)}`);
    const keys = Array.from(document.querySelectorAll('[data-key]'), (element) => element.dataset.key);
    const same = keys.filter((key, at) => keys.indexOf(key) !== at);
    if (same.length) faults.push(`has data-key twice: ${same.slice(0, 5)}`);
    return faults;
";

/// What sticks out of the window, if the document can be scrolled sideways.
const STICKS_OUT: &str = "
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return null;
    const out = Array.from(document.body.querySelectorAll('*'))
        .filter((element) => element.getBoundingClientRect().right > width + 1)
        .map((element) => element.outerHTML.slice(0, 100));
    return `${document.documentElement.scrollWidth} px wide in ${width} px: ${out.slice(-3).join(' | ')}`;
";

/// What is read of a page, without what scripts say of themselves.
const WORDS: &str = "return Array.from(document.querySelectorAll('header, nav, main'))
    .map((part) => part.innerText).join(' ');";

/// Looks at the page that is shown in every way, and says what is wrong. Leaves the page loaded anew.
pub(crate) async fn inspect(tab: &Tab, name: &str) -> WebDriverResult<Vec<String>> {
    let mut faults = glance(tab).await?;
    let with_scripts = tab.js(WORDS).await?;

    if is_full() {
        // A picture that cannot be kept is no fault of the page.
        let _ = tab.picture(&format!("{name}-{}.png", tab.view.name)).await;
    }
    faults.extend(accessible(tab).await?);
    faults.extend(narrow(tab).await?.map(|fault| format!("sticks out of a narrow window: {fault}")));
    faults.extend(printed(tab).await?);
    faults.extend(without_scripts(tab, with_scripts.as_str().unwrap_or_default()).await?);
    Ok(faults)
}

/// Looks at what needs no second look: the document, its weight, its width.
pub(crate) async fn glance(tab: &Tab) -> WebDriverResult<Vec<String>> {
    let mut faults = strings(&tab.js(LOOK).await?);
    let weight = tab.wire_bytes().await?;
    if weight > WEIGHT_LIMIT_BYTES {
        faults.push(format!("weighs {weight} bytes on the wire, and {WEIGHT_LIMIT_BYTES} are allowed"));
    }
    faults.extend(sideways(tab).await?.map(|fault| format!("sticks out of the window: {fault}")));
    Ok(faults)
}

/// Everything in the view's own scheme, and the colours in the other one too.
async fn accessible(tab: &Tab) -> WebDriverResult<Vec<String>> {
    tab.js(&tab.lab.axe).await?;
    let only = json!({ "type": "tag", "values": RULES });
    let mut faults = strings(&tab.js_later(RUN_AXE, vec![only]).await?);
    let other = if tab.view.scheme == "light" { "dark" } else { "light" };
    tab.scheme(other).await?;
    let only = json!({ "type": "rule", "values": ["color-contrast"] });
    let colours = strings(&tab.js_later(RUN_AXE, vec![only]).await?);
    tab.scheme(tab.view.scheme).await?;
    faults.extend(colours.into_iter().map(|fault| format!("in the {other}: {fault}")));
    Ok(faults)
}

/// What sticks out of the narrowest window, if anything does.
pub(crate) async fn narrow(tab: &Tab) -> WebDriverResult<Option<String>> {
    tab.resize(NARROW_PX, false).await?;
    let found = tab.js(STICKS_OUT).await?;
    tab.resize(tab.view.width, tab.view.is_phone).await?;
    Ok(found.as_str().map(str::to_owned))
}

/// What sticks out of the window as it is, if anything does.
pub(crate) async fn sideways(tab: &Tab) -> WebDriverResult<Option<String>> {
    Ok(tab.js(STICKS_OUT).await?.as_str().map(str::to_owned))
}

/// A report on paper: the content, and nothing that only leads elsewhere.
async fn printed(tab: &Tab) -> WebDriverResult<Vec<String>> {
    let mut faults = Vec::new();
    tab.media("print", tab.view.scheme).await?;
    let shown = "const seen = (css) => Array.from(document.querySelectorAll(css))
            .filter((element) => element.getClientRects().length > 0).map((element) => element.outerHTML.slice(0, 80));
        return [seen('nav, form[role=search], #news, .skip'), seen('h1').length];";
    let shown = tab.js(shown).await?;
    tab.media("", tab.view.scheme).await?;
    faults.extend(strings(&shown[0]).into_iter().map(|seen| format!("prints what leads elsewhere: {seen}")));
    if shown[1] != 1 {
        faults.push("does not print its heading".to_owned());
    }
    let paper = tab.protocol("Page.printToPDF", json!({ "printBackground": false })).await?;
    let paper = base64::engine::general_purpose::STANDARD.decode(paper["data"].as_str().unwrap_or_default());
    if pages(&paper.unwrap_or_default()) == 0 {
        faults.push("prints no page".to_owned());
    }
    Ok(faults)
}

/// How many pages a PDF has: objects of the type `Page`, which stand in it uncompressed.
fn pages(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    text.match_indices("/Type /Page").filter(|(at, found)| !text[at + found.len()..].starts_with('s')).count()
}

/// Every word that is there with scripts is there without.
async fn without_scripts(tab: &Tab, with_scripts: &str) -> WebDriverResult<Vec<String>> {
    tab.scripts(Scripts::Off).await?;
    tab.browser.refresh().await?;
    let without = tab.js(WORDS).await?;
    tab.scripts(Scripts::On).await?;
    tab.browser.refresh().await?;
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    let lost: Vec<_> =
        words(with_scripts).difference(&words(without.as_str().unwrap_or_default())).cloned().collect();
    if lost.is_empty() {
        Ok(Vec::new())
    } else {
        Ok(vec![format!("lacks words without scripts: {}", lost.join(" "))])
    }
}

fn strings(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    value.as_array().map(|values| values.iter().map(text).collect()).unwrap_or_default()
}
