//! The analyses against brute force, on small random matrices with cycles, self-dependencies, orphans and
//! ids of other repositories; and the index moved row by row against one built afresh.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rtmx_core::trace::{BacklogQuery, BacklogView, Formula, Gap, GapQuery, Matrix, Reason, Rule};
use rtmx_core::{Effort, Priority, Requirement, Status};
use std::collections::{BTreeMap, BTreeSet};

type Rows = BTreeMap<String, Requirement>;

/// Ids that rows may have, and two that none ever has.
const IDS: [&str; 9] = ["A", "B", "C", "D", "E", "F", "G", "H", "I"];
const STRANGERS: [&str; 2] = ["GONE", "sync:X:REQ-1"];

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![8 => prop::sample::select(&IDS[..]), 1 => prop::sample::select(&STRANGERS[..])]
        .prop_map(str::to_owned)
}

fn any_requirement() -> impl Strategy<Value = Requirement> {
    let names = || prop::collection::btree_set(any_name(), 0..4);
    let phase = prop::option::of(1u32..4);
    let facts =
        (prop::sample::select(&Status::ALL[..]), prop::sample::select(&Priority::ALL[..]), 0u32..8, phase);
    (names(), names(), facts).prop_map(|(dependencies, blocks, (status, priority, quarters, phase))| {
        Requirement {
            category: "CAT".into(),
            requirement_text: "The system shall.".into(),
            test_module: format!("tests/{}/a.rs", phase.unwrap_or(0)),
            test_function: if quarters % 2 == 0 { "works".into() } else { String::new() },
            status: status.into(),
            priority: priority.into(),
            phase: phase.into(),
            effort_weeks: Effort::from_weeks(f64::from(quarters) / 4.0).into(),
            dependencies: dependencies.into(),
            blocks: blocks.into(),
            ..Requirement::default()
        }
    })
}

fn any_rows() -> impl Strategy<Value = Rows> {
    prop::collection::btree_map(
        prop::sample::select(&IDS[..]).prop_map(str::to_owned),
        any_requirement(),
        0..9,
    )
}

fn build<'r>(rows: impl IntoIterator<Item = (&'r String, &'r Requirement)>) -> Matrix {
    let mut matrix = Matrix::new();
    rows.into_iter().for_each(|(id, row)| matrix.upsert(id, row));
    matrix
}

/// The number of edges of a shortest way along dependencies between any two rows that `node` lets in.
fn distances(rows: &Rows, node: impl Fn(&Requirement) -> bool) -> BTreeMap<(&str, &str), usize> {
    let inside = |id: &str| rows.get(id).is_some_and(&node);
    let mut found: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (id, row) in rows.iter().filter(|(id, _)| inside(id)) {
        for dependency in row.dependencies.value.iter().filter(|id| inside(id)) {
            found.insert((id, dependency), 1);
        }
    }
    for via in rows.keys() {
        for from in rows.keys() {
            for to in rows.keys() {
                let ways = (found.get(&(from, via)), found.get(&(via, to)));
                if let (Some(first), Some(second)) = ways {
                    let length = first + second;
                    let known = found.entry((from, to)).or_insert(length);
                    *known = length.min(*known);
                }
            }
        }
    }
    found
}

fn depends(rows: &Rows, id: &str, on: &str) -> bool {
    rows.get(id).is_some_and(|row| row.dependencies.value.contains(on))
}

fn is_incomplete(rows: &Rows, id: &str) -> bool {
    rows.get(id).is_some_and(|row| !row.status.value.is_complete())
}

fn is_blocked(rows: &Rows, id: &str) -> bool {
    rows[id].dependencies.value.iter().any(|dependency| is_incomplete(rows, dependency))
}

/// Everything that can be asked, as text.
fn answers(matrix: &Matrix) -> String {
    let impacts: Vec<_> = IDS.iter().map(|id| matrix.impact(id)).collect();
    let backlogs: Vec<_> = BacklogView::ALL
        .into_iter()
        .flat_map(|view| [Formula::Tool, Formula::Web].map(|formula| (view, formula)))
        .map(|(view, formula)| matrix.backlog(&BacklogQuery { view, formula, ..BacklogQuery::default() }))
        .collect();
    let all = (
        (matrix.len(), matrix.in_file_order(), matrix.completion(), matrix.layers(), matrix.critical_path()),
        (matrix.health(), matrix.next(50), impacts, backlogs, without_ways(matrix)),
    );
    // A path around a cycle is one of several shortest ones; which one is not promised.
    let cycles = matrix.cycles();
    let rings: Vec<_> = cycles.cycles.iter().map(|cycle| (&cycle.members, cycle.path.len())).collect();
    serde_json::to_string(&(all, rings)).expect("answers are plain values")
}

/// The gaps without the ways around cycles, of which each is one of several shortest ones.
fn without_ways(matrix: &Matrix) -> (rtmx_core::trace::Gaps, Vec<usize>) {
    let mut gaps = matrix.gaps(&GapQuery::default());
    let mut lengths = Vec::new();
    for cause in gaps.gaps.iter_mut().flat_map(|gap| &mut gap.reasons) {
        if cause.reason == Reason::InCycle {
            lengths.push(std::mem::take(&mut cause.others).len());
        }
    }
    (gaps, lengths)
}

/// The health message of a cycle holds its path.
fn without_paths(mut text: String) -> String {
    while let Some(at) = text.find("wait for each other: ") {
        let end = text[at..].find('"').map_or(text.len(), |end| at + end);
        text.replace_range(at..end, "");
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        rng_seed: RngSeed::Fixed(3),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn an_index_moved_row_by_row_equals_one_built_afresh(
        edits in prop::collection::vec((prop::sample::select(&IDS[..]), prop::option::weighted(0.7, any_requirement())), 0..40),
    ) {
        let (mut rows, mut moved) = (Rows::new(), Matrix::new());
        for (step, (id, edit)) in edits.into_iter().enumerate() {
            match edit {
                Some(row) => {
                    moved.upsert(id, &row);
                    rows.insert(id.to_owned(), row);
                }
                None => {
                    moved.remove(id);
                    rows.remove(id);
                }
            }
            // Asking in between fills what is kept between edits.
            if step % 5 == 0 {
                let _ = (moved.cycles(), moved.critical_path());
            }
        }
        prop_assert_eq!(without_paths(answers(&moved)), without_paths(answers(&build(rows.iter().rev()))));
        let snapshot = moved.clone();
        let before = answers(&snapshot);
        rows.keys().for_each(|id| moved.remove(id));
        prop_assert!(moved.is_empty());
        prop_assert_eq!(answers(&snapshot), before);
        prop_assert_eq!(answers(&moved), answers(&Matrix::new()));
    }

    #[test]
    fn cycles_are_the_groups_that_reach_each_other(rows in any_rows()) {
        let reach = distances(&rows, |_| true);
        let mut want: BTreeSet<Vec<String>> = BTreeSet::new();
        for id in rows.keys() {
            let mutual = |other: &&String| {
                *other == id || (reach.contains_key(&(id, other)) && reach.contains_key(&(other, id)))
            };
            let group: Vec<String> = rows.keys().filter(mutual).cloned().collect();
            if group.len() > 1 {
                want.insert(group);
            }
            if depends(&rows, id, id) {
                want.insert(vec![id.clone()]);
            }
        }
        let cycles = build(&rows).cycles();
        prop_assert_eq!(cycles.found, !want.is_empty());
        prop_assert_eq!(cycles.count, want.len());
        let involved: BTreeSet<&String> = want.iter().flatten().collect();
        prop_assert_eq!(cycles.requirements, involved.len());
        for cycle in &cycles.cycles {
            prop_assert!(want.contains(&cycle.members));
            let first = &cycle.members[0];
            prop_assert_eq!(cycle.path.first(), Some(first));
            prop_assert_eq!(cycle.path.last(), Some(first));
            prop_assert!(cycle.path.windows(2).all(|step| depends(&rows, &step[0], &step[1])));
            if cycle.members.len() > 1 {
                // A shortest way around, not counting the one from itself to itself.
                let others = cycle.members.iter().skip(1);
                let shortest = others.map(|other| reach[&(&**first, &**other)] + reach[&(&**other, &**first)]).min();
                prop_assert_eq!(Some(cycle.path.len() - 1), shortest);
            }
        }
    }

    #[test]
    fn an_edit_closes_a_cycle_exactly_when_one_of_its_new_dependencies_is_on_one(
        rows in any_rows(), id in prop::sample::select(&IDS[..]), names in prop::collection::btree_set(any_name(), 0..4),
    ) {
        let had = rows.get(id).map(|row| row.dependencies.value.clone()).unwrap_or_default();
        let mut edited = rows.clone();
        edited.entry(id.to_owned()).or_default().dependencies = names.clone().into();
        let reach = distances(&edited, |_| true);
        let length = |name: &String| if name == id { Some(1) } else { reach.get(&(name, id)).map(|way| way + 1) };
        let added = names.iter().filter(|name| !had.contains(*name) && edited.contains_key(*name));
        let want = added.filter_map(length).min();
        let path = build(&rows).closes_cycle(id, &names);
        prop_assert_eq!(path.as_ref().map(|path| path.len() - 1), want);
        if let Some(path) = path {
            prop_assert_eq!((path[0].as_str(), path[path.len() - 1].as_str()), (id, id));
            prop_assert!(!had.contains(&path[1]));
            prop_assert!(path.windows(2).all(|step| depends(&edited, &step[0], &step[1])));
        }
    }

    #[test]
    fn impact_is_the_closure_in_both_directions(rows in any_rows()) {
        let reach = distances(&rows, |_| true);
        let matrix = build(&rows);
        for (id, row) in &rows {
            let impact = matrix.impact(id).expect("it is a row");
            let as_map = |reached: &[rtmx_core::trace::Reached]| -> BTreeMap<String, usize> {
                reached.iter().map(|reached| (reached.req_id.clone(), reached.distance)).collect()
            };
            let others = || rows.keys().filter(|other| *other != id);
            let up = others().filter_map(|other| Some((other.clone(), *reach.get(&(id, other))?))).collect();
            let down = others().filter_map(|other| Some((other.clone(), *reach.get(&(other, id))?))).collect();
            prop_assert_eq!(as_map(&impact.upstream), up);
            prop_assert_eq!(as_map(&impact.downstream), down);
            prop_assert_eq!(impact.in_cycle, reach.contains_key(&(id, id)));
            prop_assert_eq!(impact.blocked, is_blocked(&rows, id));
            prop_assert_eq!(matrix.is_blocked(id), impact.blocked);
            let by: Vec<&String> = row.dependencies.value.iter().filter(|it| is_incomplete(&rows, it)).collect();
            prop_assert_eq!(impact.blocked_by.iter().collect::<Vec<_>>(), by);
        }
    }

    #[test]
    fn waiting_requirements_are_the_closure_over_incomplete_ones(rows in any_rows()) {
        let reach = distances(&rows, |row| !row.status.value.is_complete());
        let mut want: Vec<(usize, String)> = rows
            .keys()
            .map(|id| (rows.keys().filter(|other| *other != id && reach.contains_key(&(other, id))).count(), id.clone()))
            .filter(|(count, _)| *count > 0)
            .collect();
        want.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let path = build(&rows).critical_path();
        let found: Vec<(usize, String)> =
            path.requirements.iter().map(|it| (it.transitive_blocks_count, it.req_id.clone())).collect();
        prop_assert_eq!(found, want);
    }

    #[test]
    fn layers_are_one_more_than_the_highest_below(rows in any_rows()) {
        let reach = distances(&rows, |_| true);
        let together = |a: &str, b: &str| a == b || (reach.contains_key(&(a, b)) && reach.contains_key(&(b, a)));
        let mut layer: BTreeMap<&str, usize> = rows.keys().map(|id| (id.as_str(), 0)).collect();
        // As many rounds as there are rows carry every height to where it belongs.
        for _ in &rows {
            for id in rows.keys() {
                let below = rows.keys().filter(|other| reach.contains_key(&(id, other)) && !together(id, other));
                layer.insert(id, below.map(|other| layer[other.as_str()] + 1).max().unwrap_or(0));
            }
        }
        let layers = build(&rows).layers();
        let found: BTreeMap<&str, usize> = layers
            .layers
            .iter()
            .zip(0..)
            .flat_map(|(ids, number)| ids.iter().map(move |id| (id.as_str(), number)))
            .collect();
        prop_assert_eq!(found, layer);
    }

    #[test]
    fn webs_are_what_dependencies_connect_and_next_is_the_best_that_is_free(rows in any_rows()) {
        let next = build(&rows).next(50);
        let mut groups: Vec<BTreeSet<&str>> =
            rows.keys().filter(|id| is_incomplete(&rows, id)).map(|id| BTreeSet::from([id.as_str()])).collect();
        for (id, row) in rows.iter().filter(|(id, _)| is_incomplete(&rows, id)) {
            for dependency in row.dependencies.value.iter().filter(|other| is_incomplete(&rows, other)) {
                let (mut joined, apart): (Vec<_>, Vec<_>) = groups
                    .into_iter()
                    .partition(|group| group.contains(id.as_str()) || group.contains(dependency.as_str()));
                groups = apart;
                groups.push(joined.drain(..).flatten().collect());
            }
        }
        let want: BTreeSet<BTreeSet<&str>> = groups.into_iter().collect();
        let found: BTreeSet<BTreeSet<&str>> = next
            .webs
            .iter()
            .map(|web| web.unblocked.iter().chain(&web.blocked).map(String::as_str).collect())
            .collect();
        prop_assert_eq!(found, want);
        let free = rows.iter().filter(|(id, _)| is_incomplete(&rows, id) && !is_blocked(&rows, id));
        let quarters = |row: &Requirement| row.effort_weeks.value.map_or(0, |effort| (effort.weeks() * 4.0) as u32);
        let best = free.min_by_key(|(id, row)| (row.priority.value.weight(), quarters(row), (*id).clone()));
        prop_assert_eq!(next.best.map(|item| item.req_id), best.map(|(id, _)| id.clone()));
    }

    #[test]
    fn health_counts_every_link_that_is_wrong(rows in any_rows()) {
        let health = build(&rows).health();
        let count = |rule| health.checks.iter().find(|check| check.name == rule).map_or(0, |check| check.count);
        let links = |of: fn(&Requirement) -> &BTreeSet<String>, wrong: &dyn Fn(&str, &str) -> bool| {
            let all = rows.iter().flat_map(|(id, row)| of(row).iter().map(move |other| (id, other)));
            all.filter(|(id, other)| wrong(id, other)).count()
        };
        let dependencies: fn(&Requirement) -> &BTreeSet<String> = |row| &row.dependencies.value;
        let blocks: fn(&Requirement) -> &BTreeSet<String> = |row| &row.blocks.value;
        let gone = |_: &str, other: &str| !rows.contains_key(other) && !other.contains(':');
        let blocks_back = |id: &str, other: &str| rows.get(other).is_some_and(|row| !row.blocks.value.contains(id));
        let one_sided = |id: &str, other: &str| rows.contains_key(other) && !depends(&rows, other, id);
        let drifted = |id: &str, other: &str| rows[id].status.value.is_complete() && is_incomplete(&rows, other);
        prop_assert_eq!(count(Rule::OrphanedDeps), links(dependencies, &gone));
        prop_assert_eq!(count(Rule::OrphanedBlocks), links(blocks, &gone));
        prop_assert_eq!(count(Rule::Reciprocity), links(dependencies, &blocks_back));
        prop_assert_eq!(count(Rule::BlocksWithoutDependency), links(blocks, &one_sided));
        prop_assert_eq!(count(Rule::StatusConsistency), links(dependencies, &drifted));
        prop_assert_eq!(count(Rule::SelfDependency), links(dependencies, &|id, other| id == other));
    }

    #[test]
    fn gaps_are_the_requirements_that_a_rule_names(rows in any_rows()) {
        let (reach, waiting) = (distances(&rows, |_| true), distances(&rows, |row| !row.status.value.is_complete()));
        let matrix = build(&rows);
        let complete = |id: &str| !is_incomplete(&rows, id);
        let up = |id: &str| rows[id].dependencies.value.iter().map(String::as_str).collect::<Vec<_>>();
        let waits = |id: &str| is_blocked(&rows, id);
        let mutual = |id: &str| {
            rows.keys().any(|other| other != id && reach.contains_key(&(id, other)) && reach.contains_key(&(other, id)))
        };
        let gone = |id: &str| {
            up(id).into_iter().filter(|other| !rows.contains_key(*other) && !other.contains(':')).collect::<Vec<_>>()
        };
        let holds = |id: &str, reason: Reason| match reason {
            Reason::CompleteUntested => complete(id) && !rows[id].has_test(),
            Reason::CompleteOnIncomplete => complete(id) && waits(id),
            Reason::InCycle => mutual(id),
            Reason::SelfDependency => up(id).contains(&id),
            Reason::OrphanedDependency => !gone(id).is_empty(),
            Reason::Blocked => !complete(id) && waits(id),
            Reason::Missing => matches!(rows[id].status.value, Status::Missing | Status::NotStarted),
            Reason::Partial => rows[id].status.value == Status::Partial,
            Reason::Untested => !rows[id].has_test(),
            _ => unreachable!("every reason has its rule above"),
        };
        let reasons = |id: &str| Reason::ALL.into_iter().filter(|reason| holds(id, *reason)).collect::<Vec<_>>();
        let mut want: Vec<_> = rows
            .iter()
            .filter(|(id, _)| !reasons(id).is_empty())
            .map(|(id, row)| {
                let awaited = rows.keys().filter(|other| *other != id && waiting.contains_key(&(other, id))).count();
                ((reasons(id)[0].grade(), row.priority.value, std::cmp::Reverse(awaited)), id.as_str())
            })
            .collect();
        want.sort();
        let want: Vec<&str> = want.into_iter().map(|(_, id)| id).collect();

        let all = matrix.gaps(&GapQuery::default());
        let ids = |gaps: &[Gap]| gaps.iter().map(|gap| gap.item.req_id.clone()).collect::<Vec<_>>();
        prop_assert_eq!(ids(&all.gaps), &want[..]);
        prop_assert_eq!((all.total, all.any, all.requirements), (want.len(), want.len(), rows.len()));
        for (id, row) in &rows {
            let told = matrix.reasons(id).expect("it is a row");
            prop_assert_eq!(told.iter().map(|cause| cause.reason).collect::<Vec<_>>(), reasons(id));
            let listed = all.gaps.iter().find(|gap| gap.item.req_id == *id);
            prop_assert_eq!(listed.map(|gap| &gap.reasons), (!told.is_empty()).then_some(&told));
            for cause in told {
                match cause.reason {
                    Reason::InCycle => {
                        let others = rows.keys().filter(|other| *other != id);
                        let round = others.filter_map(|other| {
                            Some(reach.get(&(id.as_str(), other.as_str()))? + reach.get(&(other.as_str(), id.as_str()))?)
                        });
                        prop_assert_eq!(Some(cause.others.len() - 1), round.min());
                        prop_assert!(cause.others.windows(2).all(|step| depends(&rows, &step[0], &step[1])));
                        prop_assert_eq!((cause.others.first(), cause.others.last()), (Some(id), Some(id)));
                    }
                    Reason::Blocked | Reason::CompleteOnIncomplete => {
                        let by: Vec<_> = row.dependencies.value.iter().filter(|it| is_incomplete(&rows, it)).collect();
                        prop_assert_eq!(cause.others.iter().collect::<Vec<_>>(), by);
                    }
                    Reason::OrphanedDependency => prop_assert_eq!(cause.others, gone(id)),
                    _ => prop_assert!(cause.others.is_empty()),
                }
            }
        }
        // Each count is the length of its list, and pages put together are the list.
        for count in &all.counts {
            let only = matrix.gaps(&GapQuery { reasons: vec![count.reason], ..GapQuery::default() });
            prop_assert_eq!((only.total, only.gaps.len()), (count.count, count.count));
            prop_assert_eq!(&only.counts, &all.counts);
        }
        let pages = (0..rows.len()).step_by(2).flat_map(|offset| {
            matrix.gaps(&GapQuery { offset, limit: Some(2), ..GapQuery::default() }).gaps
        });
        prop_assert_eq!(pages.collect::<Vec<_>>(), all.gaps);
    }
}
