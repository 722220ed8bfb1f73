//! Large matrices with answers that can be worked out on paper: long chains, many cycles, many edges.
//!
//! A walk that recursed would end the process here, and one that cost requirements times edges would
//! not end at all.

use rtmx_core::trace::{BacklogQuery, GapQuery, HealthStatus, Matrix, Reason, Rule};
use rtmx_core::{Requirement, Status};
use std::collections::BTreeSet;

fn id(n: usize) -> String {
    format!("REQ-{n:06}")
}

fn requirement(dependencies: impl IntoIterator<Item = usize>) -> Requirement {
    Requirement {
        category: "CAT".into(),
        requirement_text: "The system shall.".into(),
        dependencies: dependencies.into_iter().map(id).collect::<BTreeSet<_>>().into(),
        ..Requirement::default()
    }
}

fn chain(length: usize) -> Matrix {
    let mut matrix = Matrix::new();
    for n in 0..length {
        matrix.upsert(&id(n), &requirement(n.checked_sub(1)));
    }
    matrix
}

/// How many requirements have a reason.
fn count(matrix: &Matrix, reason: Reason) -> usize {
    matrix.gaps(&GapQuery { reasons: vec![reason], limit: Some(1), ..GapQuery::default() }).total
}

fn assert_chain(length: usize) {
    let mut matrix = chain(length);
    let last = id(length - 1);
    let critical = matrix.critical_path();
    assert_eq!(critical.total, length - 1, "nothing waits for the last");
    for (n, item) in critical.requirements.iter().enumerate() {
        assert_eq!((item.req_id.as_str(), item.transitive_blocks_count), (id(n).as_str(), length - 1 - n));
    }
    assert!(!matrix.cycles().found);
    assert_eq!(matrix.layers().count, length);
    let impact = matrix.impact(&last).expect("the last is there");
    assert_eq!(impact.transitive_upstream_count, length - 1);
    assert_eq!(
        impact.upstream.last().map(|it| (it.req_id.as_str(), it.distance)),
        Some((&*id(0), length - 1))
    );
    let next = matrix.next(3);
    assert_eq!((next.web_count, next.unblocked_count, next.blocked_count), (1, 1, length - 1));
    let backlog = matrix.backlog(&BacklogQuery::default());
    assert_eq!((backlog.summary.unblocked_count, backlog.sections[0].total), (1, length - 2));

    let gaps = matrix.gaps(&GapQuery { offset: length - 2, limit: Some(50), ..GapQuery::default() });
    let listed: Vec<&str> = gaps.gaps.iter().map(|gap| gap.item.req_id.as_str()).collect();
    assert_eq!((gaps.total, listed), (length, vec![&*id(length - 2), &*last]), "most awaited first");
    assert_eq!((count(&matrix, Reason::Blocked), count(&matrix, Reason::InCycle)), (length - 1, 0));

    let closing = BTreeSet::from([last.clone()]);
    let path = matrix.closes_cycle(&id(0), &closing).expect("the last depends on the first");
    assert_eq!(path.len(), length + 1);
    matrix.upsert(&id(0), &requirement([length - 1]));
    let cycles = matrix.cycles();
    assert_eq!((cycles.count, cycles.requirements), (1, length));
    assert_eq!(cycles.cycles[0].path.len(), length + 1);
    assert_eq!(matrix.layers().count, 1);
    assert_eq!(count(&matrix, Reason::InCycle), length);
    let causes = matrix.reasons(&last).expect("the last is there");
    assert_eq!((causes[0].reason, causes[0].count, causes[0].others.len()), (Reason::InCycle, length, 100));
    assert!(matrix.critical_path().requirements.iter().all(|it| it.transitive_blocks_count == length - 1));
}

#[test]
fn a_chain_of_three_thousand_answers_everything() {
    assert_chain(3_000);
}

#[test]
fn a_chain_of_a_hundred_thousand_answers_everything() {
    assert_chain(100_000);
}

#[test]
fn a_hundred_thousand_rows_with_cycles_answer_everything() {
    // 1,000 chains of 100. In each, row 10 depends on row 19, which closes a ring of ten, and row 50 on itself.
    const CHAINS: usize = 1_000;
    let mut matrix = Matrix::new();
    for n in 0..CHAINS * 100 {
        let closing = match n % 100 {
            10 => Some(n + 9),
            50 => Some(n),
            _ => None,
        };
        let before = (n % 100 > 0).then(|| n - 1);
        matrix.upsert(&id(n), &requirement(before.into_iter().chain(closing)));
    }
    let cycles = matrix.cycles();
    assert_eq!((cycles.count, cycles.requirements), (2 * CHAINS, 11 * CHAINS));
    assert_eq!(cycles.cycles[0].path.len(), 11);
    assert_eq!(cycles.cycles[CHAINS].path, [id(50), id(50)]);

    let critical = matrix.critical_path();
    assert_eq!(critical.total, 99 * CHAINS);
    for item in &critical.requirements {
        let place = item.req_id[4..].parse::<usize>().expect("ids are numbers") % 100;
        let want = if (10..20).contains(&place) { 89 } else { 99 - place };
        assert_eq!(item.transitive_blocks_count, want, "{}", item.req_id);
    }
    assert_eq!(matrix.layers().count, 91);
    let reasons = [Reason::InCycle, Reason::SelfDependency, Reason::Blocked, Reason::Untested];
    let counts = reasons.map(|reason| count(&matrix, reason));
    assert_eq!(counts, [10 * CHAINS, CHAINS, 99 * CHAINS, 100 * CHAINS]);
    let first = matrix.gaps(&GapQuery { limit: Some(50), ..GapQuery::default() });
    let gravest = first.gaps.iter().all(|gap| gap.reasons[0].reason == Reason::InCycle);
    assert!(gravest, "cycles come before what is only missing: {:?}", first.gaps[0]);
    assert_eq!((first.gaps[0].reasons[0].count, first.gaps[0].reasons[0].others.len()), (10, 8));
    let impact = matrix.impact(&id(15)).expect("it is there");
    assert!(impact.in_cycle);
    assert_eq!((impact.transitive_upstream_count, impact.transitive_downstream_count), (19, 89));
    let next = matrix.next(7);
    assert_eq!((next.web_count, next.unblocked_count, next.webs.len()), (CHAINS, CHAINS, 7));
    let health = matrix.health();
    let found = |rule| health.checks.iter().find(|check| check.name == rule).map(|check| check.count);
    assert_eq!(health.status, HealthStatus::Warning);
    assert_eq!(found(Rule::Cycles), Some(CHAINS));
    assert_eq!(found(Rule::SelfDependency), Some(CHAINS));
    assert_eq!(health.stats.blocked, 99 * CHAINS as u64);
    assert_eq!(matrix.completion().counts.total, 100_000);
}

#[test]
fn a_million_edges_answer_everything() {
    // Every row depends on the fifty before it.
    const ROWS: usize = 20_100;
    let mut matrix = Matrix::new();
    for n in 0..ROWS {
        matrix.upsert(&id(n), &requirement(n.saturating_sub(50)..n));
    }
    for (n, item) in matrix.critical_path().requirements.iter().enumerate() {
        assert_eq!((item.req_id.as_str(), item.transitive_blocks_count), (id(n).as_str(), ROWS - 1 - n));
        assert_eq!(item.blocks_count, 50.min(ROWS - 1 - n));
    }
    assert_eq!(matrix.layers().count, ROWS);
    let impact = matrix.impact(&id(0)).expect("it is there");
    assert_eq!(impact.downstream.len(), ROWS - 1);
    assert_eq!(impact.downstream.last().map(|it| it.distance), Some((ROWS - 1).div_ceil(50)));
    assert!(!matrix.cycles().found);
    let path =
        matrix.closes_cycle(&id(0), &BTreeSet::from([id(ROWS - 1)])).expect("the last depends on the first");
    assert_eq!(path.len(), 2 + (ROWS - 1).div_ceil(50));

    // Taking a row away and bringing it back touches a hundred others, and the answer returns.
    let before = matrix.impact(&id(0));
    matrix.remove(&id(ROWS / 2));
    assert_eq!(matrix.len(), ROWS - 1);
    assert_eq!(matrix.impact(&id(ROWS / 2)), None);
    matrix.upsert(&id(ROWS / 2), &requirement(ROWS / 2 - 50..ROWS / 2));
    assert_eq!(matrix.impact(&id(0)), before);
}

#[test]
fn a_complete_row_cuts_the_chain_for_those_who_wait() {
    let mut matrix = chain(2_000);
    let mut done = requirement([999]);
    done.status = Status::Complete.into();
    matrix.upsert(&id(1_000), &done);
    let critical = matrix.critical_path();
    let waiting = |n: usize| {
        critical.requirements.iter().find(|it| it.req_id == id(n)).map_or(0, |it| it.transitive_blocks_count)
    };
    assert_eq!((waiting(0), waiting(999), waiting(1_000), waiting(1_001)), (999, 0, 0, 998));
    assert!(!matrix.is_blocked(&id(1_001)));
}
