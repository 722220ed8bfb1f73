//! Checks between settings, each of which is right by itself.

use crate::effective::{Trace, Values};
use crate::kind::Typed;
use crate::{About, Finding};
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
    found
}
