//! The license: a line on every page, a banner when somebody has to do something, and a page of its own.

use super::form::Form;
use super::frame::{Frame, Visit, page};
use crate::http::{Answer, App, Problem, ProblemDocument, license};
use crate::licensing::{EntitlementView, LicenseStatus};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use rtmx_license::DocumentType;

/// The address of the page.
pub(super) const ADDRESS: &str = "/license";

/// What every page says of the license.
#[derive(Debug, Clone, Default)]
pub(super) struct LicenseNote {
    /// Who has which edition.
    pub(super) line: String,
    pub(super) banner: Option<Banner>,
}

/// What somebody has to do something about.
#[derive(Debug, Clone)]
pub(super) struct Banner {
    /// The class that gives it its colour.
    pub(super) tone: &'static str,
    pub(super) text: String,
}

impl LicenseNote {
    pub(super) fn of(app: &App) -> LicenseNote {
        let status = app.licensing.status();
        let line = match &status.license {
            Some(license) if status.entitled_by == "license" => {
                format!("{} edition, licensed to {}", license.edition, license.organization)
            }
            _ => "Community edition".to_owned(),
        };
        let warning = || app.licensing.pressing().map(|text| Banner { tone: "warn", text: sentence(&text) });
        LicenseNote { line, banner: banner(&status).or_else(warning) }
    }
}

fn banner(status: &LicenseStatus) -> Option<Banner> {
    let reason = status.reason.as_deref().map(sentence);
    let until = status.until.map(|until| day(&until.to_string()));
    let (tone, text) = match (status.state.as_str(), status.why.as_deref()) {
        ("expiring_soon", _) => {
            let ends = status.license.as_ref().map(|license| day(&license.expires_at.to_string()));
            ("warn", format!("The license ends on {}.", ends.unwrap_or_default()))
        }
        ("grace", _) => (
            "warn",
            format!(
                "{} Everything goes on until {}; then the community limits hold.",
                reason.unwrap_or_default(),
                until.unwrap_or_default()
            ),
        ),
        // Nobody has to do anything about a license that was never there.
        ("restricted", Some("unlicensed")) | ("unknown" | "valid", _) => return None,
        (_, _) => {
            ("bad", format!("{} The community limits hold; nothing is locked.", reason.unwrap_or_default()))
        }
    };
    Some(Banner { tone, text })
}

fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// The day of a time.
fn day(time: &str) -> String {
    time.chars().take(10).collect()
}

#[derive(Template)]
#[template(path = "license.html")]
struct LicensePage {
    frame: Frame,
    status: LicenseStatus,
    /// The class of what is wrong.
    tone: &'static str,
    /// Why the license that was sent is refused.
    refused: Option<ProblemDocument>,
}

impl LicensePage {
    /// The state in words.
    fn state(&self) -> String {
        match self.status.why.as_deref() {
            Some("unlicensed") => "none".to_owned(),
            Some(why) => format!("{}: {}", self.status.state, why.replace('_', " ")),
            None => self.status.state.replace('_', " "),
        }
    }

    /// The state alone, as the name of its span.
    fn word(&self) -> String {
        let word = self.status.state.replace('_', " ");
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
        first + letters.as_str()
    }

    /// The most characters of a license.
    fn most(&self) -> usize {
        DocumentType::License.file_limit()
    }

    /// What is wrong, and what to do next.
    fn trouble(&self) -> Option<String> {
        let reason = self.status.reason.as_deref()?;
        Some(format!("{} {}", sentence(reason), self.status.next).replace('`', ""))
    }

    fn day(&self, time: &jiff::Timestamp) -> String {
        day(&time.to_string())
    }

    fn allowed(&self, row: &EntitlementView) -> String {
        match (row.included, row.at_most) {
            (Some(true), _) => "yes".to_owned(),
            (Some(false), _) => "no".to_owned(),
            (None, Some(most)) => most.to_string(),
            (None, None) => "any number".to_owned(),
        }
    }

    fn used(&self, row: &EntitlementView) -> String {
        row.used.map(|used| used.to_string()).unwrap_or_default()
    }
}

/// Shows the license.
pub(super) async fn show(State(app): State<App>, visit: Visit) -> Answer<Response> {
    shown(&app, visit, None).await
}

/// Installs the license that was pasted, or shows why it is refused.
pub(super) async fn receive(State(app): State<App>, visit: Visit, form: Form) -> Answer<Response> {
    let text = form.text("license").unwrap_or_default();
    let Err(Problem(error)) = license::install(&app, &visit.caller, text.as_bytes()).await else {
        return Ok(Redirect::to(ADDRESS).into_response());
    };
    let refused = ProblemDocument::of(&error);
    let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok((status, shown(&app, visit, Some(refused)).await?).into_response())
}

async fn shown(app: &App, visit: Visit, refused: Option<ProblemDocument>) -> Answer<Response> {
    let projects = visit.projects(app).await?;
    let status = app.licensing.status();
    let mut frame = visit.into_frame("License", projects);
    // The page itself says more.
    let tone = frame.license.banner.take().map_or("warn", |banner| banner.tone);
    page(&LicensePage { frame, status, tone, refused })
}
