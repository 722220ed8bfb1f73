//! Signing in and out with a browser.
//!
//! A token is shown once, in a form, and a session's cookie takes its place; pages never hold either.
//! Both forms ask where they come from like everything that writes, so no other site can sign somebody
//! out, or in as somebody else. A wrong token is answered alike whatever is wrong with it. Tries are not
//! counted: a token has 32 characters at the least, every path of the API answers to a guess as this one
//! does, and a limit for the whole server would let anyone keep everyone out.

use super::peer::Sender;
use super::sessions::{self, Channel};
use super::{Answer, App, RequestCx, auth, body, dashboard, origin, tokens};
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use rtmx_core::{Secret, server};
use serde::Deserialize;

/// The form: a token of at most 512 characters, each percent-encoded, and an address.
const FORM_LIMIT_BYTES: u64 = 16 * 1024;
/// The longest address that is gone back to.
const NEXT_LIMIT_BYTES: usize = 2 * 1024;

const PAGE: &str = "/sign-in";

/// The routes of this module; they need nobody who is signed in.
pub(super) fn router() -> Router<App> {
    Router::new().route(PAGE, get(ask).post(sign_in)).route("/sign-out", post(sign_out))
}

/// A page of this server to go to: its path and query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Local(String);

impl Local {
    /// What was asked for if it is a page of this server, else its first page.
    ///
    /// Browsers take `\` for `/`, drop tabs and line ends, and what follows `//` is a host to them.
    fn of(asked: Option<&str>) -> Local {
        let is_local = |text: &&str| {
            text.len() <= NEXT_LIMIT_BYTES
                && text.starts_with('/')
                && !text.starts_with("//")
                && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
                && !text.starts_with(PAGE)
        };
        Local(asked.filter(is_local).unwrap_or("/").to_owned())
    }

    /// The address.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What `GET /sign-in` is asked with.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    next: Option<String>,
}

/// The fields of the form.
#[derive(Debug, Deserialize)]
struct Form {
    token: Secret<String>,
    next: Option<String>,
}

/// Shows the form, unless there is nothing to sign in for.
async fn ask(State(app): State<App>, RequestCx(cx): RequestCx, request: Request) -> Answer<Response> {
    let asked: Asked =
        serde_urlencoded::from_str(request.uri().query().unwrap_or_default()).unwrap_or_default();
    let next = Local::of(asked.next.as_deref());
    let arrival = auth::arrival_of(&request);
    match auth::without_token(&app, &cx, arrival, request.method(), request.headers()).await {
        Ok(_) => Ok(see_other(next.as_str())),
        Err(error) if error.code().entry().status >= 500 => Err(error.into()),
        Err(_) => page(&next, None),
    }
}

/// Makes a session for the holder of a token.
async fn sign_in(State(app): State<App>, RequestCx(cx): RequestCx, request: Request) -> Answer<Response> {
    origin::check(request.method(), request.headers())?;
    let channel = channel(&request);
    let before = sessions::cookies(request.headers()).next().map(|text| Secret::new(text.to_owned()));
    let form: Form = body::read_form(request, FORM_LIMIT_BYTES).await?;
    let next = Local::of(form.next.as_deref());
    let (id, token) = match tokens::shown(&app, &cx, form.token.expose().trim()).await {
        Ok(shown) => shown,
        Err(error) if error.code() == server::TOKEN_INVALID => return page(&next, Some(error.message())),
        Err(error) => return Err(error.into()),
    };
    if let Some(before) = before {
        sessions::end(&app, &cx, before.expose()).await?;
    }
    let made = sessions::make(&app, &cx, &id, &token).await?;
    let mut response = see_other(next.as_str());
    set_cookie(&mut response, made.cookie(channel).expose());
    Ok(response)
}

/// Ends the session on every server and takes the cookie away.
async fn sign_out(State(app): State<App>, RequestCx(cx): RequestCx, request: Request) -> Answer<Response> {
    origin::check(request.method(), request.headers())?;
    for secret in sessions::cookies(request.headers()) {
        sessions::end(&app, &cx, secret).await?;
    }
    let mut response = see_other(PAGE);
    set_cookie(&mut response, &sessions::cleared(Channel::Http));
    if channel(&request) == Channel::Https {
        set_cookie(&mut response, &sessions::cleared(Channel::Https));
    }
    Ok(response)
}

/// Sends whoever goes to a page without being signed in to the form, and programs and scripts nowhere.
pub(super) async fn ask_people(request: Request, next: Next) -> Response {
    let wanted = is_navigation(&request).then(|| {
        let wanted = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let query = serde_urlencoded::to_string([("next", wanted)]).unwrap_or_default();
        if wanted == "/" { PAGE.to_owned() } else { format!("{PAGE}?{query}") }
    });
    let response = next.run(request).await;
    match wanted {
        Some(form) if response.status() == StatusCode::UNAUTHORIZED => see_other(&form),
        _ => response,
    }
}

fn is_navigation(request: &Request) -> bool {
    let text = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let mode = text(HeaderName::from_static("sec-fetch-mode"));
    let accepted = text(header::ACCEPT).unwrap_or_default();
    (request.method() == Method::GET || request.method() == Method::HEAD)
        && mode.is_none_or(|mode| mode == "navigate")
        && !request.headers().contains_key(header::AUTHORIZATION)
        && accepted.split(',').any(|range| range.trim().starts_with("text/html"))
}

/// What the connection or a trusted proxy says goes before what the browser says.
fn channel(request: &Request) -> Channel {
    let said = request.extensions().get::<Sender>().and_then(|sender| sender.tls);
    if said.unwrap_or_else(|| origin::is_https(request.headers())) { Channel::Https } else { Channel::Http }
}

fn see_other(to: &str) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or_else(|_| HeaderValue::from_static("/"));
    let headers = [(header::LOCATION, to), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn set_cookie(response: &mut Response, cookie: &str) {
    let mut value = HeaderValue::from_str(cookie).expect("a cookie of ours is plain ASCII");
    value.set_sensitive(true);
    response.headers_mut().append(header::SET_COOKIE, value);
}

/// The form; again with what was wrong, if something was.
fn page(next: &Local, wrong: Option<&str>) -> Answer<Response> {
    let mut response = dashboard::sign_in_form(next.as_str(), wrong)?;
    if wrong.is_some() {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_server_are_gone_back_to() {
        let stays = ["/", "/projects/p?status=MISSING&q=a%20b#x", "/projects/a//b", "/@evil.example"];
        for text in stays {
            assert_eq!(Local::of(Some(text)).as_str(), text);
        }
        let long = format!("/{}", "a".repeat(NEXT_LIMIT_BYTES));
        let leaves = [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " /x",
            "/ x",
            "https://evil.example",
            "javascript:alert(1)",
            "evil.example",
            "/a\r\nSet-Cookie: x=y",
            "/ä",
            "/a\\b",
            "/sign-in?next=/sign-in",
            &long,
        ];
        for text in leaves {
            assert_eq!(Local::of(Some(text)).as_str(), "/", "{text:?}");
        }
        assert_eq!(Local::of(None).as_str(), "/");
    }
}
