//! What every customer is told: the revocation list and the keysets.

use super::super::LicenseServer;
use super::super::body::Document;
use super::{ACTOR, Answer, check_product};
use crate::http::ProblemDocument;
use crate::licensed::keyset::claims_of;
use crate::licensed::register::{self, AuditEntry, RevocationRecord, StoredKeyset};
use axum::Json;
use axum::extract::State;
use rtmx_core::{Error, Timestamp, server as codes, storage};
use rtmx_license::{DocumentType, Refusal, RevocationList, Verified, carrier, newer_revocations, open};
use serde::Serialize;

/// What is known of a revocation list.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct RevocationView {
    /// Its number.
    seq: u64,
    /// Revoked licenses.
    licenses: usize,
    /// Revoked tokens.
    tokens: usize,
    /// When the next is due.
    #[schema(value_type = String, format = DateTime)]
    next_update: Timestamp,
}

/// Takes over a revocation list; it counts with the next lease.
#[utoipa::path(put, path = "/v1/revocations", tag = "staff", request_body(content = String, content_type = "text/plain"), responses(
    (status = 200, body = RevocationView), (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn revoke(
    State(server): State<LicenseServer>,
    Document(body): Document,
) -> Answer<Json<RevocationView>> {
    let ring = server.ring();
    let list: Verified<RevocationList> = open(&ring, &body).map_err(Error::from)?;
    check_product(&server, &list.product)?;
    let cx = server.cx();
    let register = server.books.register();
    let standing = register.revocations(&cx, &server.product).await?;
    if let Some((standing, _)) = &standing {
        // What is recorded was verified when it came; its key may be gone since.
        match open(&ring, standing.token.as_bytes()) {
            Ok(known) => _ = newer_revocations(Some(&known), list.clone()).map_err(Error::from)?,
            Err(_) if list.seq > standing.list.seq => {}
            Err(_) => {
                return Err(Error::from(Refusal::RevocationsRolledBack {
                    seq: list.seq,
                    known: standing.list.seq,
                })
                .into());
            }
        }
    }
    let token = carrier::token_of(&body, DocumentType::RevocationList).map_err(Error::from)?;
    let record = RevocationRecord { list: list.claims().clone(), token: token.as_str().to_owned() };
    let key = register::revocations_key(&server.product);
    let entry = AuditEntry::new(server.now(), "revoked", ACTOR).saying(format!("list {}", list.seq));
    let writes =
        vec![register::put(&key, &record, standing.map(|(_, revision)| revision)), register::audit(&entry)];
    register.apply(&cx, ACTOR, "take over a revocation list", writes).await?;
    server.books.reread(&cx).await?;
    Ok(Json(RevocationView {
        seq: list.seq,
        licenses: list.licenses.len(),
        tokens: list.tokens.len(),
        next_update: list.next_update,
    }))
}

/// Adds the next keyset, if the keys of the keysets before accept it; customers are handed it from then on.
#[utoipa::path(post, path = "/v1/keysets", tag = "staff", request_body(content = String, content_type = "text/plain"), responses(
    (status = 200, body = Vec<String>), (status = "4XX", body = ProblemDocument, content_type = "application/problem+json"), (status = "5XX", body = ProblemDocument, content_type = "application/problem+json")))]
pub(super) async fn add_keyset(
    State(server): State<LicenseServer>,
    Document(body): Document,
) -> Answer<Json<Vec<String>>> {
    let unreadable = |_| Error::new(codes::BODY_INVALID, "the keyset is no text");
    let document = String::from_utf8(body.to_vec()).map_err(unreadable)?;
    let version = claims_of(&document)?.version;
    let mut chain: Vec<String> =
        server.books.keysets().iter().map(|keyset| keyset.document.clone()).collect();
    chain.push(document.clone());
    server.ring.advance(&chain, server.now()).map_err(Error::from)?;
    let cx = server.cx();
    let register = server.books.register();
    let stored = StoredKeyset { version, document };
    let entry = AuditEntry::new(server.now(), "keyset", ACTOR).saying(format!("version {version}"));
    let writes = vec![
        register::put(&register::keyset_key(&server.product, version), &stored, None),
        register::audit(&entry),
    ];
    register.apply(&cx, ACTOR, "add a keyset", writes).await.map_err(|error| match error.code() {
        storage::RECORD_EXISTS => Error::from(Refusal::KeysetSkips { current: version, found: version }),
        _ => error,
    })?;
    server.books.reread(&cx).await?;
    Ok(Json(chain))
}
