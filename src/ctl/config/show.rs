//! `config show`: every setting as it holds, with its origin.

use super::super::args::Global;
use super::super::output::{BOLD, Outcome, Output};
use super::subject::Subject;
use super::tokens::tokens_of;
use crate::Drivers;
use rtmx_config::{Effective, Origin, Strictness, Table};
use rtmx_core::{Error, Result, config};
use serde_json::{Value, json};
use std::path::Path;

/// Shows the settings that were asked for, or all.
pub(super) async fn run_show(
    drivers: &Drivers,
    global: &Global,
    with_origin: bool,
    file: Option<&Path>,
    asked: &[String],
    out: &Output,
) -> Outcome {
    check_asked(asked)?;
    let subject = Subject::find(drivers, global, file).await?;
    let resolved = subject.resolve(drivers, Strictness::Start)?;
    let is_given_secret = |line: &Effective| is_secret(line.key) && line.trace.origin != Origin::Default;
    let lines: Vec<Effective> = if resolved.effective().iter().any(is_given_secret) {
        resolved.effective_with(&tokens_of(&subject.home, out))
    } else {
        // No key is made where there is nothing to hide; a built-in default is not.
        let shown = |mut line: Effective| {
            if is_secret(line.key) && line.value.is_some() {
                line.value = Table::RTMX.find(line.key).and_then(|spec| spec.default).map(ToOwned::to_owned);
            }
            line
        };
        resolved.effective().into_iter().map(shown).collect()
    };
    let lines: Vec<Effective> = lines.into_iter().filter(|line| is_asked(asked, line.key)).collect();
    let object = |line: &Effective| {
        let mut object = serde_json::to_value(line).unwrap_or_default();
        object["secret"] = is_secret(line.key).into();
        if !with_origin && let Some(object) = object.as_object_mut() {
            object.shift_remove("overrode");
        }
        object
    };
    out.object(&json!({
        "type": "config",
        "name": subject.installation,
        "of": subject.whose,
        "settings": lines.iter().map(object).collect::<Vec<Value>>(),
        "warnings": resolved.warnings,
    }));
    out.note(format!("The configuration of {}:", subject.whose));
    let mut head = vec!["SETTING", "VALUE", "FROM"];
    head.extend(with_origin.then_some("REPLACED"));
    let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for line in &lines {
        let value = line.value.clone().unwrap_or_else(|| "-".into());
        let from = match (&line.value, &line.trace.origin) {
            (None, Origin::Default) => "not set".to_owned(),
            (_, origin) => origin.to_string(),
        };
        let mut row = vec![line.key.to_owned(), value, from];
        if with_origin {
            row.push(line.trace.overrode.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        }
        rows.push(row);
    }
    out.rows(&rows);
    for warning in &resolved.warnings {
        out.note(format!("{BOLD}warning{BOLD:#}: {warning}"));
    }
    Ok(0)
}

pub(super) fn is_secret(key: &str) -> bool {
    Table::RTMX.find(key).is_some_and(|spec| spec.secret)
}

fn is_asked(asked: &[String], key: &str) -> bool {
    let this = |word: &String| {
        key == word || key.strip_prefix(word.as_str()).is_some_and(|rest| rest.starts_with('.'))
    };
    asked.is_empty() || asked.iter().any(this)
}

fn check_asked(asked: &[String]) -> Result<()> {
    for word in asked {
        let known = Table::RTMX.keys().iter().any(|spec| is_asked(std::slice::from_ref(word), spec.path));
        if !known {
            let error =
                Error::new(config::CONFIG_UNKNOWN_KEY, format!("there is no setting or section `{word}`"));
            return Err(match Table::RTMX.nearest(word) {
                Some(nearest) => error.with_next(format!("Did you mean `{nearest}`?")),
                None => error.with_next("`rtmxctl config reference` lists all settings."),
            });
        }
    }
    Ok(())
}
