//! A form as a browser fills and sends it, without scripts.

use crate::client::Api;
use crate::page::Page;
use http::{Method, StatusCode};
use scraper::{ElementRef, Selector};

/// The fields of a form with what they hold.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    action: String,
    fields: Vec<(String, String)>,
}

impl Sheet {
    /// The only form of a page that writes.
    pub(crate) fn of(page: &Page) -> Sheet {
        let form = page.one("main form[method=post]");
        let mut fields = Vec::new();
        let controls =
            Selector::parse("input[name], textarea[name], select[name]").expect("it is well formed");
        for control in form.select(&controls) {
            let name = control.attr("name").expect("it was selected by its name").to_owned();
            let value = control.attr("value").unwrap_or_default().to_owned();
            match (control.value().name(), control.attr("type")) {
                ("textarea", _) => fields.push((name, control.text().collect())),
                ("select", _) => fields.push((name, selected(control))),
                (_, Some("checkbox" | "radio")) if control.attr("checked").is_none() => {}
                _ => fields.push((name, value)),
            }
        }
        Sheet { action: form.attr("action").expect("a form says where it goes").to_owned(), fields }
    }

    /// What a field holds.
    pub(crate) fn text(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(given, _)| given == name);
        &found.unwrap_or_else(|| panic!("no field `{name}`: {:?}", self.fields)).1
    }

    /// Types into a field that is there.
    pub(crate) fn typed(mut self, name: &str, text: &str) -> Sheet {
        let found = self.fields.iter_mut().find(|(given, _)| given == name);
        found.unwrap_or_else(|| panic!("no field `{name}`")).1 = text.to_owned();
        self
    }

    /// Ticks a box or chooses one of several.
    pub(crate) fn ticked(mut self, name: &str, value: &str) -> Sheet {
        self.fields.retain(|(given, _)| given != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Presses a button and answers what comes, without following it.
    pub(crate) async fn press(mut self, api: &Api, act: &str) -> Page {
        self.fields.push(("act".to_owned(), act.to_owned()));
        for (_, text) in &mut self.fields {
            // Browsers send every line end as two characters (HTML, "constructing the entry list").
            *text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
        }
        let body = serde_urlencoded::to_string(&self.fields).expect("names and texts can be encoded");
        let call = api.outside(Method::POST, self.action).header("accept", "text/html");
        let kind = "application/x-www-form-urlencoded";
        Page::read(call.header("content-type", kind).with(body).open().await).await
    }

    /// Presses the button that saves and goes where it leads; answers that address.
    pub(crate) async fn save(self, api: &Api) -> String {
        let answer = self.press(api, "save").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.source);
        let address = answer.headers["location"].to_str().expect("an address is text");
        address.strip_prefix("/projects/default").expect("it stays in the project").to_owned()
    }
}

fn selected(select: ElementRef<'_>) -> String {
    let options = Selector::parse("option").expect("it is well formed");
    let all: Vec<_> = select.select(&options).collect();
    let chosen = all.iter().find(|option| option.attr("selected").is_some()).or(all.first());
    let text = |option: &ElementRef<'_>| option.text().collect::<String>();
    chosen.map(|option| option.attr("value").map_or_else(|| text(option), str::to_owned)).unwrap_or_default()
}
