//! Checks between settings, each of which is right by itself.

use crate::effective::{Trace, Values};
use crate::kind::Typed;
use crate::{About, Finding, KEYS, Origin, keys, postgres};
use std::collections::BTreeMap;

/// What contradicts each other. Only values that could be read take part.
pub(crate) fn contradictions(values: &Values, origins: &BTreeMap<&'static str, Trace>) -> Vec<Finding> {
    let mut found = Vec::new();
    if let (Some(Typed::Address(listen)), Some(Typed::Switch(true)), Some(Typed::Integer(port))) =
        (values.get("server.listen"), values.get("metrics.enabled"), values.get("metrics.port"))
        && *port != 0
        && u64::from(listen.port()) == *port
    {
        let text = format!(
            "`metrics.port` is {port}, the port of `server.listen` (from {}); metrics need a port of their own",
            origins["server.listen"].origin
        );
        let origin = origins["metrics.port"].origin.clone();
        found.push(Finding::new(About::Contradiction, origin, text).with_key("metrics.port"));
    }
    let pairs = [("server.tls_cert", "server.tls_key"), ("server.tls_key", "server.tls_cert")];
    let needs = ["server.tls_client_ca", "server.redirect_listen"].map(|key| (key, "server.tls_cert"));
    for (key, other) in pairs.into_iter().chain(needs) {
        if values.get(key).is_some() && values.get(other).is_none() {
            let text = format!("`{key}` is set, and `{other}`, which it needs, is not");
            let origin = origins[key].origin.clone();
            found.push(Finding::new(About::Contradiction, origin, text).with_key(key));
        }
    }
    if let (Some(Typed::Address(listen)), Some(Typed::Address(plain))) =
        (values.get("server.listen"), values.get("server.redirect_listen"))
        && listen.port() == plain.port()
        && plain.port() != 0
    {
        let text = format!(
            "`server.redirect_listen` has the port of `server.listen` (from {})",
            origins["server.listen"].origin
        );
        let origin = origins["server.redirect_listen"].origin.clone();
        found.push(Finding::new(About::Contradiction, origin, text).with_key("server.redirect_listen"));
    }
    let shown = |key: &str| values.get(key).map(Typed::shown);
    if let Some(url) = values.text("database.url")
        && origins["database.url"].origin != Origin::Default
    {
        for key in postgres::contradicting(url.expose(), shown) {
            let text = format!(
                "`{key}` and `database.url` (from {}) say different things; keep one of them",
                origins["database.url"].origin
            );
            let origin = origins[key].origin.clone();
            found.push(Finding::new(About::Contradiction, origin, text).with_key(key));
        }
    }
    if let Some(Typed::Choice(wanted)) = values.get("database.engine") {
        let url = values.text("database.url");
        // Without a URL other keys say where a PostgreSQL is.
        let engine = url.as_ref().map_or("postgresql", |url| postgres::engine_of(url.expose()));
        if engine != *wanted {
            let why = match url {
                Some(_) => format!("`database.url` (from {})", origins["database.url"].origin),
                None => "`database.host` or `database.service`".to_owned(),
            };
            let text = format!("`database.engine` is `{wanted}`, and {why} means another: `{engine}`");
            let origin = origins["database.engine"].origin.clone();
            found.push(Finding::new(About::Contradiction, origin, text).with_key("database.engine"));
        }
    }
    if values.get("database.password").is_some() && values.get("database.password_file").is_some() {
        let text = format!(
            "`database.password_file` and `database.password` (from {}) are both set, and only one may be",
            origins["database.password"].origin
        );
        let origin = origins["database.password_file"].origin.clone();
        found.push(Finding::new(About::Contradiction, origin, text).with_key("database.password_file"));
    }
    found
}

/// What is right, and has no effect as it stands.
pub(crate) fn idle(values: &Values, origins: &BTreeMap<&'static str, Trace>) -> Vec<Finding> {
    let mut found = Vec::new();
    let online = matches!(values.get("license.mode"), Some(Typed::Choice("online")));
    if online && values.get("license.server_url").is_none() {
        let text =
            "`license.mode` is `online`, but `license.server_url` is not set, so no server can be asked";
        let origin = origins["license.mode"].origin.clone();
        found.push(Finding::new(About::Unused, origin, text).with_key("license.mode"));
    }
    if values.get("vault.address").is_none() {
        // What says the default says nothing new.
        let is_default = |key: &str| {
            let default = keys::find(KEYS, key).and_then(|(spec, _)| spec.default);
            default.is_some() && values.get(key).map(Typed::shown).as_deref() == default
        };
        let given = |(key, trace): &(&&'static str, &Trace)| {
            key.starts_with("vault.") && trace.origin != Origin::Default && !is_default(key)
        };
        for (key, trace) in origins.iter().filter(given) {
            let text = format!("`{key}` has no effect, because `vault.address` names no server");
            found.push(Finding::new(About::Unused, trace.origin.clone(), text).with_key(*key));
        }
    }
    found
}
