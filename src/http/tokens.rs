//! Access tokens: made, listed, revoked, and the first one.
//!
//! A token is `rtmx_` and 256 random bits. Stored is its SHA-256 alone, which is enough for a secret
//! that nobody can guess; the record's id is the first 16 digits of that hash, so that a lookup needs
//! neither a scan nor a second part in the token.

use super::{Answer, App, Caller, JsonBody, ProblemDocument, RequestCx};
use axum::Json;
use axum::extract::{Path, State};
use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Cx, Error, Key, Kind, Record, Result, Role, Secret, Space,
    Timestamp, Token, server, storage,
};
use rtmx_storage::query::RecordQuery;
use rtmx_storage::{Query, StorageBackendExt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The name of the token that the first start makes, and that a reset replaces.
const FIRST: &str = "first admin token";
/// The shortest token that may be chosen outside.
const GIVEN_TOKEN_MIN_CHARS: usize = 32;

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke)).routes(routes!(reset))
}

/// A token without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenView {
    /// The id under which the history remembers what was done with it.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// `viewer`, `editor` or `admin`.
    #[schema(value_type = String)]
    pub role: Role,
    /// The only project it is good for.
    pub project: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it ends by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
}

/// A token to make.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for, 1 to 200 characters.
    pub name: String,
    /// `viewer`, `editor` or `admin`.
    #[schema(value_type = String)]
    pub role: Role,
    /// The only project it is good for; left out for all.
    #[serde(default)]
    pub project: Option<String>,
    /// When it ends by itself; left out for never.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// A token that was just made: the only time that its text is shown.
#[derive(Serialize, utoipa::ToSchema)]
struct MadeToken {
    /// The token. It cannot be shown again.
    token: String,
    #[serde(flatten)]
    view: TokenView,
}

/// The tokens of the installation, revoked ones too.
#[derive(Serialize, utoipa::ToSchema)]
struct TokenList {
    tokens: Vec<TokenView>,
}

/// Lists the tokens, without their secrets. Needs the role `admin`.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", responses(
    (status = 200, body = TokenList), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument)))]
async fn list(State(app): State<App>, RequestCx(cx): RequestCx, caller: Caller) -> Answer<Json<TokenList>> {
    caller.require_everywhere(Role::Admin)?;
    let tokens = all(&app, &cx).await?;
    Ok(Json(TokenList { tokens: tokens.into_iter().map(|(record, token)| view(record.id, token)).collect() }))
}

/// Makes a token and shows it once. Needs the role `admin`.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = NewToken, responses(
    (status = 200, body = MadeToken), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument)))]
async fn create(
    State(app): State<App>,
    RequestCx(cx): RequestCx,
    caller: Caller,
    JsonBody(new): JsonBody<NewToken>,
) -> Answer<Json<MadeToken>> {
    caller.require_everywhere(Role::Admin)?;
    if new.name.trim().is_empty() || new.name.chars().count() > 200 {
        return Err(Error::new(server::BODY_INVALID, "a token needs a name of 1 to 200 characters").into());
    }
    if let Some(project) = &new.project {
        app.storage.get(&cx, &Space::System, &Key::new(Kind::Project, project.clone())).await?;
    }
    let text = random_token();
    let token = token_for(&text, new.name, new.role, new.project, app.clock.now(), new.expires_at);
    let view = store(&app, &cx, &caller.actor, &text, token).await?;
    Ok(Json(MadeToken { token: text.expose().clone(), view }))
}

/// Revokes a token at once, on every server. Needs the role `admin`.
#[utoipa::path(post, path = "/api/v1/tokens/{id}/revoke", tag = "tokens", params(("id" = String, Path, description = "the token's id")),
    responses((status = 200, body = TokenView), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument)))]
async fn revoke(
    State(app): State<App>,
    RequestCx(cx): RequestCx,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<TokenView>> {
    caller.require_everywhere(Role::Admin)?;
    let record = app.storage.get(&cx, &Space::System, &Key::new(Kind::Token, id)).await?;
    let Body::Token(mut token) = record.body else {
        return Err(Error::new(storage::INTERNAL, "a token's record holds another kind").into());
    };
    if token.revoked_at.is_none() {
        token.revoked_at = Some(app.clock.now());
        let change = Change::replace(record.id.clone(), record.revision, Body::Token(token.clone()));
        apply(&app, &cx, &caller.actor, "revoke a token", vec![change]).await?;
    }
    Ok(Json(view(record.id, token)))
}

/// Replaces the first admin token, which was lost: the old one is revoked. Needs the role `admin`;
/// the admin socket has it.
#[utoipa::path(post, path = "/api/v1/tokens/reset", tag = "tokens", responses(
    (status = 200, body = MadeToken), (status = "4XX", body = ProblemDocument), (status = "5XX", body = ProblemDocument)))]
async fn reset(State(app): State<App>, RequestCx(cx): RequestCx, caller: Caller) -> Answer<Json<MadeToken>> {
    caller.require_everywhere(Role::Admin)?;
    let now = app.clock.now();
    let text = random_token();
    let made = token_for(&text, FIRST.into(), Role::Admin, None, now, None);
    let mut changes = vec![Change::create(id_of(text.expose()), Body::Token(made.clone()))];
    for (record, mut token) in all(&app, &cx).await? {
        if token.name == FIRST && token.revoked_at.is_none() {
            token.revoked_at = Some(now);
            changes.push(Change::replace(record.id, record.revision, Body::Token(token)));
        }
    }
    apply(&app, &cx, &caller.actor, "reset the first admin token", changes).await?;
    let view = view(id_of(text.expose()), made);
    Ok(Json(MadeToken { token: text.expose().clone(), view }))
}

/// The caller that a token stands for.
///
/// # Errors
///
/// `token_invalid`, the same for unknown, expired and revoked ones.
pub(super) async fn caller_of(app: &App, cx: &Cx, text: &str) -> Result<Caller> {
    let (id, token) = shown(app, cx, text).await?;
    Ok(Caller { actor: id, role: token.role, project: token.project })
}

/// The token of this text, with its id.
///
/// # Errors
///
/// As [`caller_of`].
pub(super) async fn shown(app: &App, cx: &Cx, text: &str) -> Result<(String, Token)> {
    let (id, hash) = (id_of(text), hash_of(text));
    let same = |token: &Token| hash.as_bytes().ct_eq(token.hash.as_bytes()).into();
    let found = good(app, cx, &id).await?.filter(same);
    let invalid = || Error::new(server::TOKEN_INVALID, "the token is unknown, has expired or was revoked");
    found.map(|token| (id, token)).ok_or_else(invalid)
}

/// The token with this id, unless it has expired or was revoked.
pub(super) async fn good(app: &App, cx: &Cx, id: &str) -> Result<Option<Token>> {
    let record = app.remembered.find(&*app.storage, cx, Key::new(Kind::Token, id)).await?;
    let Some(Body::Token(token)) = record.as_deref().map(|record| &record.body) else { return Ok(None) };
    let over = token.expires_at.is_some_and(|end| end <= app.clock.now());
    Ok(Some(token).filter(|token| !over && token.revoked_at.is_none()).cloned())
}

/// Whether the installation ever had a token.
pub(super) async fn any(app: &App, cx: &Cx) -> Result<bool> {
    let ask = async {
        let mut query = RecordQuery::all(Space::System, Kind::Token);
        query.limit = 1;
        let page = app.storage.fetch(cx, &Query::Records(query)).await?;
        Ok(!page.into_records().is_empty())
    };
    app.remembered.had_tokens(&*app.storage, cx, ask).await
}

/// Makes the first admin token if the installation never had one: from `given`, else a random one
/// that `hand_over` has put where the operator finds it. It is handed over before it is stored, so
/// that a crash in between leaves a token that does not work rather than one that nobody knows.
///
/// # Errors
///
/// `token_too_weak` for a given one below 32 characters; what `hand_over` meets.
pub(super) async fn ensure_first(
    app: &App,
    cx: &Cx,
    given: Option<&Secret<String>>,
    hand_over: impl FnOnce(&Secret<String>) -> Result<()>,
) -> Result<()> {
    let text = match given {
        Some(given) => Secret::new(given.expose().trim().to_owned()),
        None => random_token(),
    };
    let mut hand_over = Some(hand_over);
    loop {
        let head = app.storage.head(cx, &Space::System).await?;
        if any(app, cx).await? {
            return Ok(());
        }
        if text.expose().chars().count() < GIVEN_TOKEN_MIN_CHARS {
            let message = format!("the given admin token has fewer than {GIVEN_TOKEN_MIN_CHARS} characters");
            return Err(Error::new(server::TOKEN_TOO_WEAK, message));
        }
        if let Some(hand_over) = hand_over.take().filter(|_| given.is_none()) {
            hand_over(&text)?;
        }
        let token = token_for(&text, FIRST.into(), Role::Admin, None, app.clock.now(), None);
        let change = Change::create(id_of(text.expose()), Body::Token(token));
        let mut set = change_set(app, "server", "make a token", vec![change]);
        // Of several servers that look at once, one makes it.
        set.head = Some(head.revision);
        match app.storage.apply(cx, &set).await {
            Err(error) if error.code() == storage::HEAD_MOVED => {}
            Err(error) if error.code() == storage::RECORD_EXISTS => return Ok(()),
            outcome => return outcome.map(|_| ()),
        }
    }
}

fn token_for(
    text: &Secret<String>,
    name: String,
    role: Role,
    project: Option<String>,
    now: Timestamp,
    expires_at: Option<Timestamp>,
) -> Token {
    Token { name, role, project, hash: hash_of(text.expose()), created_at: now, expires_at, revoked_at: None }
}

async fn store(app: &App, cx: &Cx, actor: &str, text: &Secret<String>, token: Token) -> Result<TokenView> {
    let id = id_of(text.expose());
    let change = Change::create(id.clone(), Body::Token(token.clone()));
    let set = change_set(app, actor, "make a token", vec![change]);
    app.licensing.admit(app, cx, &set).await?;
    app.storage.apply(cx, &set).await?;
    Ok(view(id, token))
}

async fn apply(app: &App, cx: &Cx, actor: &str, note: &str, changes: Vec<Change>) -> Result<()> {
    let set = change_set(app, actor, note, changes);
    app.storage.apply(cx, &set).await.map(|_| ())
}

fn change_set(app: &App, actor: &str, note: &str, changes: Vec<Change>) -> ChangeSet {
    let id = ChangeSetId(super::start::random_uuid());
    let mut set = ChangeSet::new(id, Space::System, actor, app.clock.now());
    set.note = note.to_owned();
    set.changes = changes;
    set
}

async fn all(app: &App, cx: &Cx) -> Result<Vec<(Record, Token)>> {
    let mut query = RecordQuery::all(Space::System, Kind::Token);
    let mut tokens = Vec::new();
    loop {
        let page = app.storage.fetch(cx, &Query::Records(query.clone())).await?;
        query.cursor = page.next.clone();
        for record in page.into_records() {
            if let Body::Token(token) = record.body.clone() {
                tokens.push((record, token));
            }
        }
        if query.cursor.is_none() {
            return Ok(tokens);
        }
    }
}

fn view(id: String, token: Token) -> TokenView {
    let Token { name, role, project, created_at, expires_at, revoked_at, .. } = token;
    TokenView { id, name, role, project, created_at, expires_at, revoked_at }
}

fn random_token() -> Secret<String> {
    use base64::Engine;
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    Secret::new(format!("rtmx_{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)))
}

/// The SHA-256 of a secret that nobody can guess, in hexadecimal.
pub(super) fn hash_of(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn id_of(text: &str) -> String {
    let mut id = hash_of(text);
    id.truncate(16);
    id
}
