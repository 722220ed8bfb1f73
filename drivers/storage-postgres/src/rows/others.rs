//! The kinds beside the requirement, as rows.

use super::cells::{Cells, to_json};
use super::columns::{Cell, Column};
use super::unknown;
use crate::error::Outcome;
use crate::heads::number;
use rtmx_core::{
    Baseline, Body, Epoch, Kind, Layout, Project, RequirementText, Revision, Session, Setting, TestLink,
    Token,
};
use rtmx_storage::columns::{role_name, role_named};

pub(super) const REQUIREMENT_TEXT: [Column; 1] = [Column::text("markdown")];
pub(super) const TEST_LINK: [Column; 5] = [
    Column::text("req_id"),
    Column::text("test_module"),
    Column::text("test_function"),
    Column::text("validation_method"),
    Column::json("extra"),
];
pub(super) const BASELINE: [Column; 4] =
    [Column::integer("at_revision"), Column::text("note"), Column::text("actor"), Column::text("created_at")];
pub(super) const LAYOUT: [Column; 5] = [
    Column::boolean("bom"),
    Column::boolean("crlf"),
    Column::text("header"),
    Column::json("columns"),
    Column::text("trailer"),
];
pub(super) const PROJECT: [Column; 2] = [Column::text("name"), Column::text("created_at")];
pub(super) const TOKEN: [Column; 7] = [
    Column::text("name"),
    Column::text("role"),
    Column::text("project"),
    Column::text("hash"),
    Column::text("created_at"),
    Column::text("expires_at"),
    Column::text("revoked_at"),
];
pub(super) const SESSION: [Column; 5] = [
    Column::text("token"),
    Column::text("epoch"),
    Column::text("hash"),
    Column::text("created_at"),
    Column::text("expires_at"),
];
pub(super) const SETTING: [Column; 1] = [Column::json("value")];

pub(super) fn cells(body: &Body) -> Outcome<Vec<Cell<'_>>> {
    Ok(match body {
        Body::RequirementText(text) => vec![(&text.markdown).into()],
        Body::TestLink(link) => {
            let extra = if link.extra.is_empty() { None } else { Some(to_json(&link.extra)?) };
            vec![
                (&link.req_id).into(),
                (&link.test_module).into(),
                (&link.test_function).into(),
                (&link.validation_method).into(),
                extra.into(),
            ]
        }
        Body::Baseline(baseline) => vec![
            number(baseline.revision).into(),
            (&baseline.note).into(),
            (&baseline.actor).into(),
            baseline.created_at.to_string().into(),
        ],
        Body::Layout(layout) => vec![
            layout.bom.into(),
            layout.crlf.into(),
            (&layout.header).into(),
            to_json(&layout.columns)?.into(),
            (&layout.trailer).into(),
        ],
        Body::Project(project) => vec![(&project.name).into(), project.created_at.to_string().into()],
        Body::Token(token) => vec![
            (&token.name).into(),
            role_name(token.role).into(),
            (&token.project).into(),
            (&token.hash).into(),
            token.created_at.to_string().into(),
            token.expires_at.map(|at| at.to_string()).into(),
            token.revoked_at.map(|at| at.to_string()).into(),
        ],
        Body::Session(session) => vec![
            (&session.token_id).into(),
            session.epoch.0.to_string().into(),
            (&session.hash).into(),
            session.created_at.to_string().into(),
            session.expires_at.to_string().into(),
        ],
        Body::Setting(setting) => vec![to_json(&setting.value)?.into()],
        _ => return Err(unknown(body.kind()).into()),
    })
}

pub(super) fn read(kind: Kind, cells: &mut Cells<'_>) -> Outcome<Body> {
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
