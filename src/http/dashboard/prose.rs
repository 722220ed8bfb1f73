//! Markdown as HTML that can do nothing but be read.
//!
//! The decision to know: only what is on a list passes. Raw HTML in a document is text and shown as
//! such, an image is a link to it, and a link leads where a reader decides to go: `http`, `https` and
//! `mailto`, nothing else. So there is nothing left that a sanitizer would have to take out. Ids of
//! requirements that exist become links to them.

use askama::filters::Safe;
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use std::fmt::Write;

/// The longest document that is rendered, in bytes; a longer one is shown as it is written.
pub(super) const RENDER_LIMIT_BYTES: usize = 256 * 1024;
/// The longest word that is looked up as an id, in bytes.
const ID_LIMIT_BYTES: usize = 128;

/// Rendered Markdown. Made here alone, so that a template may trust it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Prose(String);

impl Prose {
    /// The HTML, for a template.
    pub(super) fn html(&self) -> Safe<&str> {
        Safe(&self.0)
    }
}

/// Renders a document. `link` answers the address of a requirement, for a word that is its id.
pub(super) fn render(markdown: &str, link: impl Fn(&str) -> Option<String>) -> Prose {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut within_link = 0usize;
    let mut events = Vec::new();
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::Link { dest_url, title, .. }) => {
                within_link += 1;
                events.push(Event::Html(open_link(&dest_url, &title)));
            }
            Event::Start(Tag::Image { dest_url, title, .. }) => {
                within_link += 1;
                events.push(Event::Html(open_link(&dest_url, &title)));
                events.push(Event::Text("image: ".into()));
            }
            Event::End(TagEnd::Link | TagEnd::Image) => {
                within_link = within_link.saturating_sub(1);
                events.push(Event::Html("</a>".into()));
            }
            // The page has one first heading, and it is not in here.
            Event::Start(Tag::Heading { level, .. }) => {
                let (level, id, classes, attrs) = (below(level), None, Vec::new(), Vec::new());
                events.push(Event::Start(Tag::Heading { level, id, classes, attrs }));
            }
            Event::End(TagEnd::Heading(level)) => events.push(Event::End(TagEnd::Heading(below(level)))),
            // Raw HTML is a text like any other.
            Event::Html(text) | Event::InlineHtml(text) => events.push(Event::Text(text)),
            Event::Start(Tag::HtmlBlock) => events.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => events.push(Event::End(TagEnd::Paragraph)),
            Event::Start(Tag::CodeBlock(_)) => {
                events.push(Event::Html("<pre tabindex=\"0\"><code>".into()));
            }
            Event::End(TagEnd::CodeBlock) => events.push(Event::Html("</code></pre>\n".into())),
            Event::Start(Tag::Table(columns)) => {
                // Alignment would be a style attribute.
                let columns = vec![pulldown_cmark::Alignment::None; columns.len()];
                events.push(Event::Start(Tag::Table(columns)));
            }
            Event::TaskListMarker(done) => {
                events.push(Event::Text(if done { "☑ " } else { "☐ " }.into()));
            }
            Event::Code(text) => match link(&text).filter(|_| within_link == 0) {
                Some(address) => {
                    let (address, text) = (escaped(&address), escaped(&text));
                    events.push(Event::Html(format!("<a href=\"{address}\"><code>{text}</code></a>").into()));
                }
                None => events.push(Event::Code(text)),
            },
            Event::Text(text) if within_link == 0 => link_ids(text, &link, &mut events),
            other => events.push(other),
        }
    }
    let mut rendered = String::with_capacity(markdown.len() * 2);
    html::push_html(&mut rendered, events.into_iter());
    Prose(rendered)
}

fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

/// The beginning of a link. One that leads nowhere a reader should go has no address, and is text.
fn open_link(address: &str, title: &str) -> CowStr<'static> {
    let scheme = address.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let mut open = String::from("<a");
    match scheme.as_deref() {
        Some("http" | "https" | "mailto") => {
            let _ = write!(open, " href=\"{}\" rel=\"noopener noreferrer\"", escaped(address));
            if !title.is_empty() {
                let _ = write!(open, " title=\"{}\"", escaped(title));
            }
        }
        _ => {
            let _ = write!(open, " class=\"nowhere\" title=\"{}\"", escaped(address));
        }
    }
    open.push('>');
    open.into()
}

/// Makes links of the words that are ids.
fn link_ids<'a>(text: CowStr<'a>, link: &impl Fn(&str) -> Option<String>, events: &mut Vec<Event<'a>>) {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let (mut plain, mut rest) = (0, 0);
    let mut found = Vec::new();
    while let Some(start) = text[rest..].find(is_part).map(|at| rest + at) {
        let end = text[start..].find(|c| !is_part(c)).map_or(text.len(), |at| start + at);
        let word = text[start..end].trim_end_matches('.');
        if word.len() <= ID_LIMIT_BYTES
            && word.contains('-')
            && let Some(address) = link(word)
        {
            found.push((start, start + word.len(), address));
        }
        rest = end;
    }
    for (start, end, address) in found {
        if plain < start {
            events.push(Event::Text(text[plain..start].to_owned().into()));
        }
        let (address, word) = (escaped(&address), escaped(&text[start..end]));
        events.push(Event::Html(format!("<a href=\"{address}\">{word}</a>").into()));
        plain = end;
    }
    if plain == 0 {
        events.push(Event::Text(text));
    } else if plain < text.len() {
        events.push(Event::Text(text[plain..].to_owned().into()));
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn html_of(markdown: &str) -> String {
        render(markdown, |word| word.starts_with("REQ-").then(|| format!("/r/{word}"))).0
    }

    #[test]
    fn markup_and_addresses_that_act_are_shown_as_text() {
        let hostile = [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html,<script>alert(1)</script>)",
            "![x](https://evil.example/pixel.png \"t\\\" onload=\\\"x\")",
            "<div\n<svg onload=alert(1)>\n\n</div>",
            "[x](https://a.example/\"onmouseover=\"alert(1))",
            "```\"><script>\nx\n```",
            "# x {onclick=alert(1) .c #i}",
            "`</code><script>`",
            "| a |\n| :-: |\n| <script> |",
            "[x](//evil.example)",
            "<javascript:alert(1)>",
        ];
        for markdown in hostile {
            let html = html_of(markdown);
            only_known_tags(&html).unwrap_or_else(|tag| panic!("{tag} in {html} of {markdown}"));
        }
    }

    #[test]
    fn links_open_without_telling_where_from_and_images_do_not_load() {
        let html = html_of("[a](https://a.example/b) ![c](https://a.example/c.png) [d](../d.md)");
        assert!(html.contains("<a href=\"https://a.example/b\" rel=\"noopener noreferrer\">a</a>"), "{html}");
        assert!(html.contains(">image: c</a>") && !html.contains("<img"), "{html}");
        assert!(html.contains("<a class=\"nowhere\" title=\"../d.md\">d</a>"), "{html}");
    }

    #[test]
    fn ids_of_requirements_become_links_where_they_stand() {
        let html = html_of("See REQ-A-1. And (REQ-A-2), `REQ-A-3`, not-one, [REQ-A-4](https://a.example).");
        for id in ["REQ-A-1", "REQ-A-2"] {
            assert!(html.contains(&format!("<a href=\"/r/{id}\">{id}</a>")), "{html}");
        }
        assert!(html.contains("<a href=\"/r/REQ-A-3\"><code>REQ-A-3</code></a>"), "{html}");
        assert!(!html.contains("/r/REQ-A-4"), "no link within a link: {html}");
        assert!(html.contains(">REQ-A-1</a>. And (<a"), "nothing of the text is lost: {html}");
    }

    #[test]
    fn headings_stand_below_those_of_the_page() {
        let html = html_of("# One\n\n## Two\n\n###### Six\n");
        assert!(
            html.contains("<h3>One</h3>") && html.contains("<h4>Two</h4>") && html.contains("<h6>Six</h6>")
        );
    }

    /// The first tag or attribute that is not on the list.
    fn only_known_tags(html: &str) -> Result<(), String> {
        const TAGS: [&str; 27] = [
            "a",
            "p",
            "br",
            "hr",
            "h3",
            "h4",
            "h5",
            "h6",
            "em",
            "strong",
            "del",
            "code",
            "pre",
            "ul",
            "ol",
            "li",
            "blockquote",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "sup",
            "dl",
            "dt",
            "dd",
        ];
        const ATTRIBUTES: [&str; 6] = ["href", "rel", "title", "class", "tabindex", "start"];
        for part in html.split('<').skip(1) {
            let Some((tag, _)) = part.split_once('>') else { return Err(format!("an open `{part}`")) };
            let tag = tag.trim_start_matches('/').trim_end_matches('/').trim();
            let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
            if !TAGS.contains(&name) {
                return Err(format!("the tag `{name}`"));
            }
            while !rest.trim().is_empty() {
                let Some((attribute, value)) = rest.split_once("=\"") else {
                    return Err(format!("`{rest}`"));
                };
                let Some((value, more)) = value.split_once('"') else { return Err(format!("`{rest}`")) };
                if !ATTRIBUTES.contains(&attribute.trim()) {
                    return Err(format!("the attribute `{attribute}`"));
                }
                let goes = value.split(':').next().unwrap_or_default().to_ascii_lowercase();
                let is_own = value.starts_with("/r/");
                if attribute.trim() == "href"
                    && !is_own
                    && !["http", "https", "mailto"].contains(&goes.as_str())
                {
                    return Err(format!("the address `{value}`"));
                }
                rest = more;
            }
        }
        Ok(())
    }

    fn bits() -> impl Strategy<Value = String> {
        let bit = prop_oneof![
            proptest::sample::select(vec![
                "<",
                ">",
                "\"",
                "'",
                "[",
                "](",
                ")",
                "!",
                "`",
                "```",
                "\n",
                "\n\n",
                "    ",
                "|",
                "---",
                "#",
                "*",
                "&",
                "<script>",
                "javascript:",
                "data:",
                "https://",
                "REQ-1",
                "onerror=",
                "<!--",
                "-->",
                "&lt;",
                "<a ",
                ":",
            ])
            .prop_map(str::to_owned),
            "[a-z ]{0,3}",
        ];
        proptest::collection::vec(bit, 0..40).prop_map(|bits| bits.concat())
    }

    proptest! {
        #[test]
        fn no_document_makes_anything_that_is_not_on_the_list(markdown in bits()) {
            let html = html_of(&markdown);
            prop_assert!(only_known_tags(&html).is_ok(), "{:?} in {}", only_known_tags(&html), html);
        }
    }
}
