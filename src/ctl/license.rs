//! `license`: what an installation's license allows, another one brought, and what to send to the vendor.
//!
//! A file is judged by the installation that it is for, if there is one here; else on this machine, as far
//! as that is possible without knowing the installation.

use super::args::{Global, LicenseCommand};
use super::data::{call, merge, open_api, problem, whole};
use super::installation::open_existing;
use super::output::{BOLD, GREEN, Outcome, Output, RED, YELLOW};
use crate::Drivers;
use crate::trusted_keys::checker;
use axum::body::Body;
use http::{Method, Request};
use rtmx_core::{Code, Error, Result, Secret, Timestamp, license, storage, tool};
use rtmx_license::{DocumentType, Facts, InstallationKey, files};
use serde_json::{Value, json};
use std::path::Path;

const TEXT: &str = "text/plain";

/// Shows, verifies, installs and removes licenses.
pub(super) async fn run_license(
    drivers: &Drivers,
    global: &Global,
    command: &LicenseCommand,
    out: &Output,
) -> Outcome {
    match command {
        LicenseCommand::Inspect { file: None } => {
            let status = ask(drivers, global, Method::GET, "/api/v1/license", None).await?;
            show(&status, out);
            Ok(0)
        }
        LicenseCommand::Inspect { file: Some(file) } => {
            let verdict = judged(drivers, global, file).await?;
            show_verdict(&verdict, file, out);
            Ok(0)
        }
        LicenseCommand::Verify { file } => verify(drivers, global, file, out).await,
        LicenseCommand::Activate { file } => {
            let document = read_license(file)?;
            let status = ask(drivers, global, Method::PUT, "/api/v1/license", Some(document)).await?;
            show(&status, out);
            Ok(0)
        }
        LicenseCommand::Update { file } => {
            let update = Secret::new(
                files::read(file, DocumentType::RevocationList.file_limit()).map_err(Error::from)?,
            );
            let status = ask(drivers, global, Method::POST, "/api/v1/license/updates", Some(update)).await?;
            out.note(format!("{} was taken over.", file.display()));
            show(&status, out);
            Ok(0)
        }
        LicenseCommand::Remove => {
            let status = ask(drivers, global, Method::DELETE, "/api/v1/license", None).await?;
            show(&status, out);
            Ok(0)
        }
        LicenseCommand::Fingerprint => {
            let identity = ask(drivers, global, Method::GET, "/api/v1/license/identity", None).await?;
            fingerprint(&identity, out);
            Ok(0)
        }
        LicenseCommand::Request { to } => request(drivers, global, to.as_deref(), out).await,
    }
}

async fn ask(
    drivers: &Drivers,
    global: &Global,
    method: Method,
    path: &str,
    body: Option<Secret<Vec<u8>>>,
) -> Result<Value, super::output::Failure> {
    let api = open_api(drivers, global).await?;
    let body = body.map(|body| (TEXT, Body::from(body.expose().clone())));
    let answer = call(&api, method, path.to_owned(), body).await;
    api.close().await?;
    answer
}

/// The license in a file.
///
/// # Errors
///
/// `license_unreadable`, `license_not_a_file`, `license_too_large`.
pub(super) fn read_license(file: &Path) -> Result<Secret<Vec<u8>>> {
    Ok(Secret::new(files::read(file, DocumentType::License.file_limit())?))
}

/// What is said of a license in a file.
async fn judged(drivers: &Drivers, global: &Global, file: &Path) -> Result<Value, super::output::Failure> {
    let document = match read_license(file) {
        Ok(document) => document,
        Err(error) if error.code() == license::LICENSE_UNREADABLE => {
            let message = error.message().to_owned();
            return Err(Error::new(tool::FILE_UNREADABLE, message).into());
        }
        Err(error) => return Err(error.into()),
    };
    match open_existing(drivers, global).await {
        Ok(_) => return ask(drivers, global, Method::POST, "/api/v1/license/verify", Some(document)).await,
        Err(error) if error.code() == tool::INSTALLATION_NOT_FOUND => {}
        Err(error) => return Err(error.into()),
    }
    let mut seed = [0_u8; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| Error::new(storage::INTERNAL, format!("the system has no randomness: {error}")))?;
    let mut facts = Facts::new(crate::wall_clock::now(), InstallationKey::from_seed(&Secret::new(seed)));
    // A key that was made up here is nobody's.
    facts.readings = rtmx_license::Readings::default().with_host(Path::new("/"), None);
    let checked = checker()?.check(document.expose(), &facts);
    Ok(serde_json::to_value(crate::licensing::judged(&checked.verdict)).unwrap_or_default())
}

/// Exit code 0 for a license that may be installed, else that of what is wrong.
async fn verify(drivers: &Drivers, global: &Global, file: &Path, out: &Output) -> Outcome {
    let verdict = judged(drivers, global, file).await?;
    if verdict["accepted"] == true {
        show_verdict(&verdict, file, out);
        return Ok(0);
    }
    let text = |name: &str| verdict[name].as_str().unwrap_or_default().to_owned();
    let code = Code::find(&text("code")).unwrap_or(license::LICENSE_EMPTY);
    let mut error = Error::new(code, format!("{}: {}", file.display(), text("reason")));
    let ends = verdict["license"]["grace_until"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let goes_on = code == license::LICENSE_EXPIRED && ends.is_some_and(|at| crate::wall_clock::now() < at);
    if goes_on || verdict["state"] == "grace" {
        error = error.with_state("an installation that has it goes on as before until its grace ends");
    }
    Err(error.into())
}

fn show_verdict(verdict: &Value, file: &Path, out: &Output) {
    let mut object = json!({"type": "license", "file": file});
    merge(&mut object, verdict);
    out.object(&object);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let state = text(&verdict["state"]);
    let line = match verdict["accepted"] == true {
        true => format!("{}: {GREEN}{state}{GREEN:#}", file.display()),
        false => format!("{}: {RED}{state}{RED:#}: {}", file.display(), text(&verdict["reason"])),
    };
    out.line(line);
    out.rows(&license_rows(verdict));
    for warning in verdict["warnings"].as_array().into_iter().flatten() {
        out.note(format!("{YELLOW}warning{YELLOW:#}: {}", text(warning)));
    }
}

/// The license of a status or a verdict, and the span of the state that it is in.
fn license_rows(shown: &Value) -> Vec<Vec<String>> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let license = &shown["license"];
    if license.is_null() {
        return Vec::new();
    }
    let rows = [
        ("  license", "license_id"),
        ("  number", "seq"),
        ("  for", "organization"),
        ("  edition", "edition"),
        ("  ends", "expires_at"),
        ("  grace until", "grace_until"),
    ];
    let spans = [("  since", "since"), ("  until", "until")];
    let span = |(name, key): (&str, &str)| Some(vec![name.to_owned(), shown[key].as_str()?.to_owned()]);
    let rows = rows.map(|(name, key)| vec![name.to_owned(), text(&license[key])]);
    rows.into_iter().chain(spans.into_iter().filter_map(span)).collect()
}

/// What holds in the installation.
fn show(status: &Value, out: &Output) {
    let mut object = json!({"type": "license"});
    merge(&mut object, status);
    out.object(&object);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let state = match (status["why"].as_str(), status["state"].as_str()) {
        (Some("unlicensed"), _) => "none: the community limits hold".to_owned(),
        (_, Some(state)) => state.replace('_', " "),
        (_, None) => "unknown".to_owned(),
    };
    let from = status["source"].as_str().map(|source| format!(", from {source}")).unwrap_or_default();
    out.line(format!("License: {BOLD}{state}{BOLD:#}{from}"));
    let mut rows = license_rows(status);
    if let Some(at) = status["confirmed_at"].as_str() {
        rows.push(vec!["  confirmed".to_owned(), at.to_owned()]);
    }
    out.rows(&rows);
    if let Some(outage) = status["outage"].as_str() {
        out.note(format!("{YELLOW}warning{YELLOW:#}: {outage}"));
    }
    if let Some(reason) = status["reason"].as_str() {
        out.note(format!("{RED}{reason}{RED:#}. {}", text(&status["next"])));
    }
    let mut rows = vec![["NAME", "ALLOWED", "USED", ""].map(str::to_owned).to_vec()];
    for row in status["entitlements"].as_array().into_iter().flatten() {
        let allowed = match (row["included"].as_bool(), row["at_most"].as_u64()) {
            (Some(true), _) => "yes".to_owned(),
            (Some(false), _) => "no".to_owned(),
            (None, Some(most)) => most.to_string(),
            (None, None) => "any number".to_owned(),
        };
        let used = row["used"].as_u64().map(|used| used.to_string()).unwrap_or_default();
        let note = if row["enforced"] == true { "" } else { "carried, not enforced" };
        rows.push(vec![text(&row["name"]), allowed, used, note.to_owned()]);
    }
    out.rows(&rows);
    for warning in status["warnings"].as_array().into_iter().flatten() {
        out.note(format!("{YELLOW}warning{YELLOW:#}: {}", text(warning)));
    }
    for other in status["passed_over"].as_array().into_iter().flatten() {
        out.note(format!("not used, from {}: {}", text(&other["source"]), text(&other["reason"])));
    }
}

fn fingerprint(identity: &Value, out: &Output) {
    let mut object = json!({"type": "fingerprint"});
    merge(&mut object, identity);
    out.object(&object);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    out.line(format!("{BOLD}{}{BOLD:#}", text(&identity["installation_id"])));
    for found in identity["fingerprints"].as_array().into_iter().flatten() {
        out.line(format!("  {}", text(found)));
    }
    for absent in identity["absent"].as_array().into_iter().flatten() {
        out.note(format!("no fingerprint of the kind `{}`: {}", text(&absent["kind"]), text(&absent["why"])));
    }
}

/// Writes what the vendor needs to issue a license for a machine without a network.
async fn request(drivers: &Drivers, global: &Global, to: Option<&Path>, out: &Output) -> Outcome {
    let api = open_api(drivers, global).await?;
    let request = Request::post("/api/v1/license/request").body(Body::empty());
    let request = request
        .map_err(|error| Error::new(storage::INTERNAL, "could not make a request").with_source(error))?;
    let answer = api.call(request).await;
    let answer = match answer {
        Ok(answer) => {
            let succeeded = answer.status().is_success();
            let body = whole(answer.into_body()).await?;
            if succeeded { Ok(body) } else { Err(problem(&body)) }
        }
        Err(error) => Err(error.into()),
    };
    api.close().await?;
    let document = answer?;
    let Some(to) = to else {
        let text = String::from_utf8_lossy(&document);
        out.object(&json!({"type": "activation_request", "request": text}));
        out.line(text.trim_end());
        return Ok(0);
    };
    let failed = |error: std::io::Error| {
        Error::new(tool::FILE_UNWRITABLE, format!("could not write {}", to.display())).with_source(error)
    };
    let mut file = std::fs::File::create_new(to).map_err(failed)?;
    std::io::Write::write_all(&mut file, &document).map_err(failed)?;
    out.object(&json!({"type": "activation_request", "file": to}));
    out.line(format!("{BOLD}{}{BOLD:#}", to.display()));
    out.note("Send this file to the vendor. It names no host, person or address.");
    Ok(0)
}

/// Says so where the license that was installed along is not used: the server runs all the same.
pub(super) async fn note_unused_license(drivers: &Drivers, global: &Global, out: &Output) {
    let asked = ask(drivers, global, Method::GET, "/api/v1/license", None).await;
    let Ok(status) = asked else { return };
    if let (Some("community"), Some(reason)) = (status["entitled_by"].as_str(), status["reason"].as_str()) {
        out.note(format!("{YELLOW}warning{YELLOW:#}: {reason}. Until then the community limits hold."));
        out.note(status["next"].as_str().unwrap_or_default());
    }
}

/// Refuses a license that a new installation must not begin with.
///
/// # Errors
///
/// What is wrong with it; nothing is, where there is none.
pub(super) fn refuse_for_new(key: &Secret<Vec<u8>>) -> Result<()> {
    let key = key.expose();
    if key.trim_ascii().is_empty() {
        return Ok(());
    }
    let mut facts = Facts::new(crate::wall_clock::now(), InstallationKey::from_seed(&Secret::new([1; 32])));
    facts.readings = rtmx_license::Readings::default();
    let checked = checker()?.check(key, &facts);
    // Whether a binding fits is known only where the installation is.
    let bindings = [license::LICENSE_BINDING_MISMATCH, license::LICENSE_BINDING_UNREADABLE];
    match checked.verdict.strict() {
        Err(refusal) if !bindings.contains(&refusal.code()) => {
            let error = Error::from(refusal).with_state("nothing was changed");
            Err(error.with_next(
                "Install a license that is in force, or none: RTMX then runs with the community limits.",
            ))
        }
        _ => Ok(()),
    }
}
