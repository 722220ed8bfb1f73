//! The form in which somebody shows a token.

use super::frame::{Frame, page};
use crate::http::Answer;
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'p> {
    frame: Frame,
    next: &'p str,
    wrong: Option<&'p str>,
}

/// The form, which leads on to the page `next`; again with what was wrong, if something was.
pub(in crate::http) fn form(next: &str, wrong: Option<&str>) -> Answer<Response> {
    page(&SignInPage { frame: Frame::bare("Sign in"), next, wrong })
}
