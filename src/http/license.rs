//! The license: what is known of it, and another one brought.
//!
//! Everybody who may sign in sees what holds; only an administrator of the whole installation brings or
//! removes a license. Neither ever needs a license.

use super::{Answer, App, Caller, ProblemDocument, RequestCx};
use crate::licensing::{Identity, Keeper, LicenseStatus, LicenseVerdict, forget_installed};
use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use rtmx_core::{Error, Role, Secret, license, storage};
use rtmx_license::DocumentType;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show, bring, remove))
        .routes(routes!(verify))
        .routes(routes!(identity))
        .routes(routes!(request))
        .routes(routes!(take))
}

/// Answers the license, what it allows and what is in use.
#[utoipa::path(get, path = "/api/v1/license", tag = "license", responses(
    (status = 200, body = LicenseStatus), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument)))]
async fn show(State(app): State<App>, caller: Caller) -> Answer<Json<LicenseStatus>> {
    caller.require(Role::Viewer)?;
    Ok(Json(app.licensing.status()))
}

/// Installs a license: the text of one in any of its forms. Needs the role `admin`.
///
/// One that is refused changes nothing.
#[utoipa::path(put, path = "/api/v1/license", tag = "license",
    request_body(content = String, content_type = "text/plain", description = "The license: a token, an armoured file or a JSON document, at most 32 KiB."),
    responses((status = 200, body = LicenseStatus), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument)))]
async fn bring(State(app): State<App>, caller: Caller, body: Bytes) -> Answer<Json<LicenseStatus>> {
    install(&app, &caller, &body).await?;
    Ok(Json(app.licensing.status()))
}

/// Installs a license for an administrator.
///
/// # Errors
///
/// `forbidden`, and why the license is refused.
pub(super) async fn install(app: &App, caller: &Caller, text: &[u8]) -> Answer<()> {
    caller.require_everywhere(Role::Admin)?;
    Ok(keeper(app)?.install(document(text)?, &caller.actor).await?)
}

/// Forgets the license that was installed; one in the configuration stays. Needs the role `admin`.
#[utoipa::path(delete, path = "/api/v1/license", tag = "license", responses(
    (status = 200, body = LicenseStatus), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument)))]
async fn remove(
    State(app): State<App>,
    RequestCx(cx): RequestCx,
    caller: Caller,
) -> Answer<Json<LicenseStatus>> {
    caller.require_everywhere(Role::Admin)?;
    let mut keeper = keeper(&app)?;
    forget_installed(&app, &cx, &caller.actor).await?;
    keeper.look().await?;
    Ok(Json(app.licensing.status()))
}

/// Judges a license without installing it. Needs the role `admin`.
#[utoipa::path(post, path = "/api/v1/license/verify", tag = "license",
    request_body(content = String, content_type = "text/plain", description = "The license, in any of its forms."),
    responses((status = 200, body = LicenseVerdict), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument)))]
async fn verify(State(app): State<App>, caller: Caller, body: Bytes) -> Answer<Json<LicenseVerdict>> {
    caller.require_everywhere(Role::Admin)?;
    Ok(Json(keeper(&app)?.judge(&document(&body)?).await?))
}

/// Answers what this installation is recognised by, if a license is bound to it. Needs the role `admin`.
#[utoipa::path(get, path = "/api/v1/license/identity", tag = "license", responses(
    (status = 200, body = Identity), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument)))]
async fn identity(State(app): State<App>, caller: Caller) -> Answer<Json<Identity>> {
    caller.require_everywhere(Role::Admin)?;
    Ok(Json(keeper(&app)?.identity().await?))
}

/// Makes a request for a license, signed by this installation, for the vendor. Needs the role `admin`.
#[utoipa::path(post, path = "/api/v1/license/request", tag = "license", responses(
    (status = 200, body = String, content_type = "text/plain"), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument)))]
async fn request(State(app): State<App>, caller: Caller) -> Answer<String> {
    caller.require_everywhere(Role::Admin)?;
    Ok(keeper(&app)?.request().await?)
}

/// Takes over what the vendor sends besides licenses: a keyset or a revocation list. Needs the role `admin`.
///
/// A license server hands both out by itself; this is for a machine that none reaches. What is not the
/// vendor's, or does not lead on from what is known, is refused and changes nothing.
#[utoipa::path(post, path = "/api/v1/license/updates", tag = "license",
    request_body(content = String, content_type = "text/plain", description = "The keyset or the revocation list, at most 1 MiB."),
    responses((status = 200, body = LicenseStatus), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument)))]
async fn take(State(app): State<App>, caller: Caller, body: Bytes) -> Answer<Json<LicenseStatus>> {
    caller.require_everywhere(Role::Admin)?;
    // A revocation list is the largest of them.
    let update = within(&body, DocumentType::RevocationList, "an update")?;
    keeper(&app)?.take(update).await?;
    Ok(Json(app.licensing.status()))
}

fn document(body: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
    within(body, DocumentType::License, "a license")
}

/// A document, if it is no larger than any of its type.
fn within(body: &[u8], kind: DocumentType, what: &str) -> Result<Secret<Vec<u8>>, Error> {
    let limit = kind.file_limit();
    if body.len() > limit {
        let message = format!("{what} has at most {limit} bytes, and {} came", body.len());
        return Err(Error::new(license::LICENSE_TOO_LARGE, message));
    }
    Ok(Secret::new(body.to_vec()))
}

fn keeper(app: &App) -> Result<Keeper, Error> {
    let message = "this server checks no licenses: it was built without a license mode";
    Keeper::of(app).ok_or_else(|| Error::new(storage::NOT_SUPPORTED, message))
}
