//! The kinds beside the requirement, as rows.

use super::cells::to_json;
use super::{Cells, Values, unknown};
use crate::error::Outcome;
use crate::heads::number;
use rtmx_core::{
    Baseline, Body, Epoch, Kind, Layout, Project, RequirementText, Revision, Session, Setting, TestLink,
    Token,
};
use rtmx_storage::columns::{role_name, role_named};

pub(super) const REQUIREMENT_TEXT: [&str; 1] = ["markdown"];
pub(super) const TEST_LINK: [&str; 5] =
    ["req_id", "test_module", "test_function", "validation_method", "extra"];
pub(super) const BASELINE: [&str; 4] = ["at_revision", "note", "actor", "created_at"];
pub(super) const LAYOUT: [&str; 5] = ["bom", "crlf", "header", "columns", "trailer"];
pub(super) const PROJECT: [&str; 2] = ["name", "created_at"];
pub(super) const TOKEN: [&str; 7] =
    ["name", "role", "project", "hash", "created_at", "expires_at", "revoked_at"];
pub(super) const SESSION: [&str; 5] = ["token", "epoch", "hash", "created_at", "expires_at"];
pub(super) const SETTING: [&str; 1] = ["value"];

pub(super) fn values(body: &Body) -> Outcome<Values<'_>> {
    Ok(match body {
        Body::RequirementText(text) => vec![Box::new(&text.markdown)],
        Body::TestLink(link) => {
            let extra = if link.extra.is_empty() { None } else { Some(to_json(&link.extra)?) };
            vec![
                Box::new(&link.req_id),
                Box::new(&link.test_module),
                Box::new(&link.test_function),
                Box::new(&link.validation_method),
                Box::new(extra),
            ]
        }
        Body::Baseline(baseline) => vec![
            Box::new(number(baseline.revision)),
            Box::new(&baseline.note),
            Box::new(&baseline.actor),
            Box::new(baseline.created_at.to_string()),
        ],
        Body::Layout(layout) => vec![
            Box::new(layout.bom),
            Box::new(layout.crlf),
            Box::new(&layout.header),
            Box::new(to_json(&layout.columns)?),
            Box::new(&layout.trailer),
        ],
        Body::Project(project) => vec![Box::new(&project.name), Box::new(project.created_at.to_string())],
        Body::Token(token) => vec![
            Box::new(&token.name),
            Box::new(role_name(token.role)),
            Box::new(&token.project),
            Box::new(&token.hash),
            Box::new(token.created_at.to_string()),
            Box::new(token.expires_at.map(|at| at.to_string())),
            Box::new(token.revoked_at.map(|at| at.to_string())),
        ],
        Body::Session(session) => vec![
            Box::new(&session.token_id),
            Box::new(session.epoch.0.to_string()),
            Box::new(&session.hash),
            Box::new(session.created_at.to_string()),
            Box::new(session.expires_at.to_string()),
        ],
        Body::Setting(setting) => vec![Box::new(to_json(&setting.value)?)],
        _ => return Err(unknown(body.kind()).into()),
    })
}

pub(super) fn read(kind: Kind, cells: &mut Cells<'_, '_>) -> Outcome<Body> {
    // Struct fields are evaluated in the order in which they are written: that of the columns.
    Ok(match kind {
        Kind::RequirementText => Body::RequirementText(RequirementText { markdown: cells.value()? }),
        Kind::TestLink => Body::TestLink(TestLink {
            req_id: cells.value()?,
            test_module: cells.value()?,
            test_function: cells.value()?,
            validation_method: cells.value()?,
            extra: cells.json_or_default()?,
        }),
        Kind::Baseline => Body::Baseline(Baseline {
            revision: Revision(cells.decoded(|number: i64| u64::try_from(number).ok())?),
            note: cells.value()?,
            actor: cells.value()?,
            created_at: cells.parsed()?,
        }),
        Kind::Layout => Body::Layout(Layout {
            bom: cells.value()?,
            crlf: cells.value()?,
            header: cells.value()?,
            columns: cells.json()?,
            trailer: cells.value()?,
        }),
        Kind::Project => Body::Project(Project { name: cells.value()?, created_at: cells.parsed()? }),
        Kind::Token => Body::Token(Token {
            name: cells.value()?,
            role: cells.decoded(|name: String| role_named(&name))?,
            project: cells.value()?,
            hash: cells.value()?,
            created_at: cells.parsed()?,
            expires_at: cells.parsed_or_none()?,
            revoked_at: cells.parsed_or_none()?,
        }),
        Kind::Session => Body::Session(Session {
            token_id: cells.value()?,
            epoch: Epoch(cells.parsed()?),
            hash: cells.value()?,
            created_at: cells.parsed()?,
            expires_at: cells.parsed()?,
        }),
        Kind::Setting => Body::Setting(Setting { value: cells.json()? }),
        _ => return Err(unknown(kind).into()),
    })
}
