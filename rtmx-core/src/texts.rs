//! Every text of a change set, for the one rule that holds for all of them.
//!
//! U+0000 is a character of Unicode that PostgreSQL cannot keep, in no text and no JSON (its manual,
//! "Character Types"). What one engine refuses, all refuse: a database can move between them.

use crate::{Baseline, Body, ChangeSet, Given, Layout, Placement, Project, Requirement, RequirementText};
use crate::{Session, Setting, TestLink, Token};
use std::collections::BTreeMap;

/// Whether a text is one that no engine keeps.
pub(crate) fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

impl ChangeSet {
    /// What holds a U+0000, in the words of an error.
    pub(crate) fn nul(&self) -> Option<String> {
        let own = [("who writes", &self.actor), ("the note", &self.note)];
        let own = own.into_iter().find(|(_, text)| has_nul(text)).map(|(what, _)| what.to_owned());
        let changed = |change: &crate::Change| {
            let body = change.put.as_ref()?;
            body.any_text(has_nul).then(|| change.key.to_string())
        };
        own.or_else(|| self.changes.iter().find_map(changed))
    }
}

impl Body {
    /// Whether one of its texts is `wanted`. A field that is added must be named here to compile.
    fn any_text(&self, wanted: fn(&str) -> bool) -> bool {
        let any = |texts: &[&String]| texts.iter().any(|text| wanted(text));
        match self {
            Body::Requirement(body) => body.any_text(wanted),
            Body::RequirementText(RequirementText { markdown }) => wanted(markdown),
            Body::TestLink(TestLink { req_id, test_module, test_function, validation_method, extra }) => {
                any(&[req_id, test_module, test_function, validation_method]) || any_of(extra, wanted)
            }
            Body::Baseline(Baseline { revision: _, note, actor, created_at: _ }) => any(&[note, actor]),
            Body::Layout(Layout { bom: _, crlf: _, header, columns, trailer }) => {
                any(&[header, trailer]) || columns.iter().any(|column| wanted(column))
            }
            Body::Project(Project { name, created_at: _ }) => wanted(name),
            Body::Token(token) => {
                let Token { name, role: _, project, hash, created_at: _, expires_at: _, revoked_at: _ } =
                    token;
                any(&[name, hash]) || project.as_deref().is_some_and(wanted)
            }
            Body::Session(session) => {
                let Session { token_id, epoch: _, hash, created_at: _, expires_at: _ } = session;
                any(&[token_id, hash])
            }
            Body::Setting(Setting { value }) => any_in(value, wanted),
        }
    }
}

impl Requirement {
    fn any_text(&self, wanted: fn(&str) -> bool) -> bool {
        let Requirement {
            category,
            subcategory,
            requirement_text,
            target_value,
            test_module,
            test_function,
            validation_method,
            status: Given { value: _, given: status },
            priority: Given { value: _, given: priority },
            phase: Given { value: _, given: phase },
            notes,
            effort_weeks: Given { value: _, given: effort },
            dependencies: Given { value: depends_on, given: dependencies },
            blocks: Given { value: blocked, given: blocks },
            assignee,
            sprint,
            started_date,
            completed_date,
            requirement_file,
            external_id,
            extra,
            placement: Placement { rank: _, raw, surplus },
        } = self;
        let texts = [
            category,
            subcategory,
            requirement_text,
            target_value,
            test_module,
            test_function,
            validation_method,
            notes,
            assignee,
            sprint,
            started_date,
            completed_date,
            requirement_file,
            external_id,
        ];
        let given = [status, priority, phase, effort, dependencies, blocks, raw];
        let lists = depends_on.iter().chain(blocked).chain(surplus);
        texts.into_iter().chain(given.into_iter().flatten()).chain(lists).any(|text| wanted(text))
            || any_of(extra, wanted)
    }
}

fn any_of(texts: &BTreeMap<String, String>, wanted: fn(&str) -> bool) -> bool {
    texts.iter().any(|(name, text)| wanted(name) || wanted(text))
}

fn any_in(value: &serde_json::Value, wanted: fn(&str) -> bool) -> bool {
    match value {
        serde_json::Value::String(text) => wanted(text),
        serde_json::Value::Array(values) => values.iter().any(|value| any_in(value, wanted)),
        serde_json::Value::Object(fields) => {
            fields.iter().any(|(name, value)| wanted(name) || any_in(value, wanted))
        }
        _ => false,
    }
}
