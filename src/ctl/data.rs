//! `token` and `export`, and the API of an installation, called as its owner.
//!
//! A running server is asked through its admin socket; where none runs, the storage is opened here
//! and the same routes answer.

use super::args::{ExportArgs, Global, TokenCommand, word};
use super::config::resolved_of;
use super::installation::open_existing;
use super::output::{BOLD, Failure, Outcome, Output};
use crate::Drivers;
use crate::http::{ApiClient, ProblemDocument};
use axum::body::Body;
use futures_util::StreamExt;
use http::{Method, Request};
use rtmx_config::Settings;
use rtmx_core::{Code, Error, Result, server, storage, tool};
use rtmx_deploy::Installed;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// Answers that are read whole are far smaller.
const ANSWER_LIMIT_BYTES: usize = 256 * 1024 * 1024;

/// Makes, lists and revokes tokens.
pub(super) async fn run_token(
    drivers: &Drivers,
    global: &Global,
    command: &TokenCommand,
    out: &Output,
) -> Outcome {
    let api = open_api(drivers, global).await?;
    let outcome = match command {
        TokenCommand::Create { purpose, role, project, expires } => {
            let body =
                json!({"name": purpose, "role": word(role), "project": project, "expires_at": expires});
            call(
                &api,
                Method::POST,
                "/api/v1/tokens".into(),
                Some(("application/json", body.to_string().into())),
            )
            .await
        }
        TokenCommand::List => call(&api, Method::GET, "/api/v1/tokens".into(), None).await,
        TokenCommand::Revoke { id } => {
            call(&api, Method::POST, format!("/api/v1/tokens/{}/revoke", escaped(id)), None).await
        }
        TokenCommand::Reset => call(&api, Method::POST, "/api/v1/tokens/reset".into(), None).await,
    };
    api.close().await?;
    let answer = outcome?;
    let mut object = json!({"type": "token"});
    merge(&mut object, &answer);
    out.object(&object);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    match command {
        TokenCommand::Create { .. } | TokenCommand::Reset => {
            out.line(format!("{BOLD}{}{BOLD:#}", text(&answer["token"])));
            out.note(format!("This is the only time that the token `{}` is shown.", text(&answer["name"])));
        }
        TokenCommand::Revoke { .. } => out.line(format!("The token `{}` is revoked.", text(&answer["name"]))),
        TokenCommand::List => {
            let mut rows =
                vec![["ID", "ROLE", "PROJECT", "STATE", "CREATED", "NAME"].map(str::to_owned).to_vec()];
            for token in answer["tokens"].as_array().into_iter().flatten() {
                let state = if token["revoked_at"].is_null() { "valid" } else { "revoked" };
                let cells = [&token["id"], &token["role"], &token["project"]].map(text);
                let rest = [state.to_owned(), text(&token["created_at"]), text(&token["name"])];
                rows.push(cells.into_iter().chain(rest).collect());
            }
            out.rows(&rows);
        }
    }
    Ok(0)
}

/// Exports a matrix, or a requirement as a document.
pub(super) async fn run_export(
    drivers: &Drivers,
    global: &Global,
    args: &ExportArgs,
    out: &Output,
) -> Outcome {
    let ExportArgs { project, to, requirement, style } = args;
    let to_stdout = to == Path::new("-");
    if to_stdout && out.is_json() && requirement.is_none() {
        let message = "cannot print a matrix and JSON at once: with `--json`, an export needs `--to FILE`";
        return Err(Error::new(tool::USAGE, message).into());
    }
    let api = open_api(drivers, global).await?;
    let mut object = json!({"type": "export", "project": project, "to": to});
    let path = match requirement {
        None => format!("/api/v1/projects/{}/export.csv", escaped(project)),
        Some(id) => {
            object["requirement"] = json!(id);
            let query = style.as_ref().map(|style| format!("?style={}", word(style))).unwrap_or_default();
            format!("/api/v1/projects/{}/requirements/{}/document{query}", escaped(project), escaped(id))
        }
    };
    let outcome = export(&api, Request::get(path).body(Body::empty()), to, to_stdout, out).await;
    api.close().await?;
    let exported = outcome?;
    object["bytes"] = json!(exported.bytes);
    if let Some(document) = exported.kept {
        object["document"] = json!(String::from_utf8_lossy(&document));
    }
    out.object(&object);
    if !to_stdout {
        out.line(format!("{} bytes written to {}", exported.bytes, to.display()));
    }
    Ok(0)
}

/// What an export came to.
struct Exported {
    bytes: u64,
    /// The content, where it is to be a part of the JSON that is printed.
    kept: Option<Vec<u8>>,
}

async fn export(
    api: &ApiClient,
    request: std::result::Result<Request<Body>, http::Error>,
    to: &Path,
    to_stdout: bool,
    out: &Output,
) -> Result<Exported, Failure> {
    let answer = api.call(request.map_err(unusable)?).await?;
    if !answer.status().is_success() {
        return Err(problem(&whole(answer.into_body()).await?));
    }
    if to_stdout && out.is_json() {
        let kept = whole(answer.into_body()).await?;
        return Ok(Exported { bytes: kept.len() as u64, kept: Some(kept) });
    }
    let unwritable = |error: std::io::Error| {
        Error::new(tool::FILE_UNWRITABLE, format!("could not write {}", to.display())).with_source(error)
    };
    // Written beside its place, so that a broken export does not pass for a whole one.
    let beside = to.with_extension("part");
    let mut file = if to_stdout { None } else { Some(std::fs::File::create(&beside).map_err(unwritable)?) };
    let mut body = answer.into_body().into_data_stream();
    let mut bytes = 0;
    while let Some(piece) = body.next().await {
        let piece = piece
            .map_err(|error| Error::new(server::NOT_READY, "the answer ended early").with_source(error))?;
        bytes += piece.len() as u64;
        match &mut file {
            Some(file) => file.write_all(&piece).map_err(unwritable)?,
            None => out.bytes(&piece),
        }
    }
    if let Some(file) = file {
        file.sync_all().and_then(|()| std::fs::rename(&beside, to)).map_err(unwritable)?;
    }
    Ok(Exported { bytes, kept: None })
}

/// The API of an installation, by the settings that its own server has: nothing of the caller's
/// environment counts.
pub(super) async fn open_api(drivers: &Drivers, global: &Global) -> Result<ApiClient> {
    let (_, installed) = open_existing(drivers, global).await?;
    ApiClient::open(Arc::new(settings_of(drivers, &installed).await?), drivers).await
}

/// The settings that an installation's own server has.
pub(super) async fn settings_of(drivers: &Drivers, installed: &Installed) -> Result<Settings> {
    Ok(resolved_of(drivers, installed).await?.settings)
}

/// Calls the API; answers the JSON that it answers.
pub(crate) async fn call(
    api: &ApiClient,
    method: Method,
    path: String,
    body: Option<(&str, Body)>,
) -> Result<Value, Failure> {
    let mut request = Request::builder().method(method).uri(path);
    let mut content = Body::empty();
    if let Some((kind, body)) = body {
        request = request.header("content-type", kind);
        content = body;
    }
    let answer = api.call(request.body(content).map_err(unusable)?).await?;
    let succeeded = answer.status().is_success();
    let body = whole(answer.into_body()).await?;
    if !succeeded {
        return Err(problem(&body));
    }
    serde_json::from_slice(&body).map_err(|error| {
        Error::new(storage::INTERNAL, "the server's answer is not JSON").with_source(error).into()
    })
}

pub(crate) async fn whole(body: Body) -> Result<Vec<u8>> {
    let bytes = axum::body::to_bytes(body, ANSWER_LIMIT_BYTES).await;
    let bytes =
        bytes.map_err(|error| Error::new(server::NOT_READY, "the answer ended early").with_source(error))?;
    Ok(bytes.to_vec())
}

/// The error that a problem document stands for, and the report in it.
pub(crate) fn problem(body: &[u8]) -> Failure {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let Ok(document) = serde_json::from_value::<ProblemDocument>(value.clone()) else {
        let said = String::from_utf8_lossy(&body[..body.len().min(1024)]).into_owned();
        return Error::new(storage::INTERNAL, "the server's answer is no problem document")
            .with_source(said)
            .into();
    };
    let mut error = Error::new(Code::find(&document.code).unwrap_or(storage::INTERNAL), document.detail);
    error = error.with_next(document.next);
    if let Some(state) = document.state {
        error = error.with_state(state);
    }
    Failure { error, report: value.get("report").cloned() }
}

fn unusable(error: http::Error) -> Error {
    Error::new(tool::USAGE, "cannot make a request of these arguments").with_source(error)
}

/// Text as one segment of a path (RFC 3986, section 3.3).
pub(super) fn escaped(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Adds the members of an object to another that does not have them.
pub(super) fn merge(into: &mut Value, from: &Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        from.iter().for_each(|(name, value)| {
            into.entry(name.clone()).or_insert(value.clone());
        });
    }
}
