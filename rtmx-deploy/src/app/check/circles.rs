//! Circles: components that wait for each other, and secrets that are composed of each other.

use super::{Found, secrets};
use crate::app::spec::App;
use crate::app::units::Name;
use rtmx_core::app as codes;
use std::collections::BTreeMap;

/// One circle in a graph, if there is one: its members in order, the least one first. Nothing recurses,
/// so that a long chain ends no process.
fn circle<'a>(graph: &BTreeMap<&'a str, Vec<&'a str>>) -> Option<Vec<&'a str>> {
    // Take away what waits for nothing that is left; what stays is circles, and what waits for one.
    let mut left = graph.clone();
    loop {
        let free: Vec<&str> = left
            .iter()
            .filter(|(_, after)| !after.iter().any(|name| left.contains_key(name)))
            .map(|(name, _)| *name)
            .collect();
        if free.is_empty() {
            break;
        }
        free.iter().for_each(|name| drop(left.remove(name)));
    }
    let mut way: Vec<&str> = vec![left.keys().next()?];
    loop {
        let last = way.last()?;
        let next = *left.get(last)?.iter().find(|name| left.contains_key(*name))?;
        if let Some(at) = way.iter().position(|name| *name == next) {
            let mut members = way.split_off(at);
            let least = members.iter().enumerate().min_by_key(|(_, name)| **name).map_or(0, |(at, _)| at);
            members.rotate_left(least);
            return Some(members);
        }
        way.push(next);
    }
}

pub(super) fn check(app: &App, found: &mut Found<'_>) {
    let waits: BTreeMap<&str, Vec<&str>> = app
        .components
        .iter()
        .map(|(name, component)| (name.as_str(), component.after.keys().map(Name::as_str).collect()))
        .collect();
    if let Some(members) = circle(&waits) {
        let text = format!("these components wait for each other: {}", shown(&members));
        found.add(codes::APP_CYCLE, &["components", members[0], "after"], text);
    }
    let parts: BTreeMap<&str, Vec<String>> =
        app.secrets.iter().map(|(name, secret)| (name.as_str(), secrets::parts(secret))).collect();
    let made: BTreeMap<&str, Vec<&str>> =
        parts.iter().map(|(name, parts)| (*name, parts.iter().map(String::as_str).collect())).collect();
    if let Some(members) = circle(&made) {
        let text = format!("these secrets are composed of each other: {}", shown(&members));
        found.add(codes::APP_CYCLE, &["secrets", members[0], "composed"], text);
    }
}

fn shown(members: &[&str]) -> String {
    let names: Vec<String> = members.iter().chain(members.first()).map(|name| format!("`{name}`")).collect();
    names.join(" -> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_wherever_it_hides_and_a_long_chain_is_none() {
        let graph = |edges: &[(&'static str, &'static str)]| {
            let mut graph: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (from, to) in edges {
                graph.entry(from).or_default().push(to);
                graph.entry(to).or_default();
            }
            graph
        };
        assert_eq!(circle(&graph(&[("a", "b"), ("b", "c")])), None);
        assert_eq!(circle(&graph(&[("a", "a")])), Some(vec!["a"]));
        assert_eq!(circle(&graph(&[("x", "c"), ("c", "b"), ("b", "c")])), Some(vec!["b", "c"]));
        assert_eq!(circle(&graph(&[("a", "unknown")])), None);
    }
}
