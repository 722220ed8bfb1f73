//! A page, and what it says.

use crate::client::Api;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use scraper::{ElementRef, Html, Selector};

/// A page that was read to its end.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) source: String,
    html: Html,
}

impl Page {
    /// Opens a page of the project `default`; `address` begins behind `/projects/default`.
    pub(crate) async fn open(api: &Api, address: &str) -> Page {
        let call = api.get(format!("/projects/default{address}")).header("accept", "text/html");
        Page::read(call.open().await).await
    }

    /// Reads an answer as a page.
    pub(crate) async fn read(answer: axum::response::Response) -> Page {
        let (head, body) = answer.into_parts();
        let body = body.collect().await.expect("the page comes whole").to_bytes();
        let source = String::from_utf8(body.to_vec()).expect("a page is UTF-8");
        let html = Html::parse_document(&source);
        Page { status: head.status, headers: head.headers, source, html }
    }

    /// The elements that a selector finds.
    pub(crate) fn all(&self, selector: &str) -> Vec<ElementRef<'_>> {
        let selector = Selector::parse(selector).expect("the test's selector is well formed");
        self.html.select(&selector).collect()
    }

    /// The only element that a selector finds.
    pub(crate) fn one(&self, selector: &str) -> ElementRef<'_> {
        let found = self.all(selector);
        assert_eq!(found.len(), 1, "`{selector}` in {}", self.source);
        found[0]
    }

    /// The texts of the elements that a selector finds, white space made single.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        self.all(selector).into_iter().map(text).collect()
    }

    /// The text of the only element that a selector finds.
    pub(crate) fn text(&self, selector: &str) -> String {
        text(self.one(selector))
    }

    /// Where the only link that a selector finds leads, behind `/projects/default`.
    pub(crate) fn link(&self, selector: &str) -> String {
        let address = self.one(selector).attr("href").expect("a link leads somewhere");
        address.strip_prefix("/projects/default").unwrap_or(address).to_owned()
    }
}

/// The text of an element, white space made single.
pub(crate) fn text(element: ElementRef<'_>) -> String {
    let text: String = element.text().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
