//! What is wrong with a spec whose every line is right by itself: names that lead nowhere, circles,
//! ports taken twice, sizes too small for their parts.

mod circles;
mod names;
mod ports;
mod secrets;
mod sizes;
mod values;

use super::fault::Fault;
use super::spec::App;
use super::tree::Node;
use rtmx_core::Code;

pub(crate) use secrets::{Piece, pieces};

/// Every fault.
pub(crate) fn faults(app: &App, node: &Node) -> Vec<Fault> {
    let mut found = Found { node, faults: Vec::new() };
    names::check(app, &mut found);
    values::check(app, &mut found);
    secrets::check(app, &mut found);
    circles::check(app, &mut found);
    ports::check(app, &mut found);
    sizes::check(app, &mut found);
    found.faults
}

/// Collects faults at the places of their keys.
struct Found<'n> {
    node: &'n Node,
    faults: Vec<Fault>,
}

impl Found<'_> {
    fn add(&mut self, code: Code, path: &[&str], text: impl Into<String>) {
        self.faults.push(Fault::at(code, self.node.place_of(path), path.join("."), text));
    }

    fn add_near<'a>(
        &mut self,
        code: Code,
        path: &[&str],
        text: impl Into<String>,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let fault = Fault::at(code, self.node.place_of(path), path.join("."), text);
        self.faults.push(fault.with_nearest(word, known));
    }
}
