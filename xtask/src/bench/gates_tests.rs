//! Every gate holds at its bound and fails beyond it, on figures that are made up.

use super::*;
use crate::bench::beside::Beside;
use crate::bench::config::Config;
use crate::bench::database::{Database, Page};
use crate::bench::license::License;
use crate::bench::machine::Machine;
use crate::bench::results::{Look, Measured, Memory, Row};

/// Results in which everything is exactly as wanted.
fn at_the_bounds(strictness: Strictness) -> Results {
    let mut results = Results::new(Machine::default());
    for rows in [10_000, 100_000] {
        for question in Question::ALL {
            let ms = question.wanted_ms().unwrap_or(50.0);
            let growth = Gate::Growth { question, rows }.bound(strictness).unwrap();
            let ms = if rows == 100_000 { ms } else { ms / growth };
            let ours = Measured::new(ms, 1, "");
            let mut others = vec![("Python".into(), ours.clone()), ("Go".into(), ours.clone())];
            let import = Gate::Import { rows }.bound(strictness).unwrap();
            if question == Question::Import {
                others = vec![(SQLITE.into(), Measured::new(ms / import, 1, ""))];
            }
            let again = (question == Question::Page).then(|| ours.clone());
            results.put(Row { rows, question, ours, again, others });
        }
    }
    for (pages, clients) in
        [1, 8, 64].into_iter().flat_map(|clients| Pages::ALL.map(|pages| (pages, clients)))
    {
        let ratio = Gate::Processor { pages, clients }.bound(strictness).unwrap();
        results.put_cost(Cost {
            rows: 100_000,
            pages,
            clients,
            server_us: 0.0,
            direct_us: 0.0,
            direct_json_us: 0.0,
            ratio,
            per_second: 0.0,
        });
    }
    let (ms, kb) = LOOK_WANTED;
    results.put_look(Look { rows: 100_000, page: "overview", ms, kb });
    results.memory = vec![Memory { rows: 100_000, resident_mb: 300.0, peak_mb: 400.0 }];
    let beside =
        |work| Beside { work, ours_ms: Gate::Beside { work }.bound(strictness).unwrap(), raw_ms: 1.0 };
    let pages = [("first page of 50", 20.0), ("search, few hits", 30.0), ("tally", 5.0)];
    results.database = Some(Database {
        version: "18.0".into(),
        rows: 100_000,
        beside: [Work::Import, Work::Read, Work::Write].map(beside).into(),
        pages: pages.map(|(name, ms)| Page { name: name.into(), ms }).into(),
    });
    results.license = Some(License {
        beside: [Work::LicenseFile, Work::LicenseOpenssl].map(beside).into(),
        entitled_ns: 50.0,
        left_out: None,
    });
    // The ratio and the time have bounds of their own.
    let bound = Gate::Beside { work: Work::ConfigLoad }.bound(strictness).unwrap();
    let load = Beside { work: Work::ConfigLoad, ours_ms: 5.0, raw_ms: 5.0 / bound };
    results.config = Some(Config { beside: vec![load] });
    results
}

/// The same with one figure made worse by a hundredth.
fn worse(mut results: Results, gate: Gate) -> Results {
    let slower = |results: &mut Results, rows, question| {
        let row = results.rows.iter_mut().find(|row| row.rows == rows && row.question == question);
        row.unwrap().ours.ms *= 1.01;
    };
    match gate {
        Gate::Time { question, rows } | Gate::Growth { question, rows } => {
            slower(&mut results, rows, question);
        }
        Gate::Peer { question, rows, .. } => {
            slower(&mut results, rows, question);
            let row = results.rows.iter_mut().find(|row| row.rows == rows && row.question == question);
            row.unwrap().again.iter_mut().for_each(|again| again.ms *= 1.01);
        }
        Gate::Import { rows } => slower(&mut results, rows, Question::Import),
        Gate::Processor { pages, clients } => {
            let this = |cost: &&mut Cost| cost.pages == pages && cost.clients == clients;
            results.costs.iter_mut().find(this).unwrap().ratio *= 1.01;
        }
        Gate::Look { .. } => results.looks[0].ms *= 1.01,
        Gate::Weight { .. } => results.looks[0].kb *= 1.01,
        Gate::Memory { .. } => results.memory[0].resident_mb *= 1.01,
        Gate::Beside { .. } => {
            let Results { database, license, config, .. } = &mut results;
            let all = database.iter_mut().flat_map(|one| &mut one.beside);
            let all = all.chain(license.iter_mut().flat_map(|one| &mut one.beside));
            let all = all.chain(config.iter_mut().flat_map(|one| &mut one.beside));
            all.for_each(|beside| beside.ours_ms *= 1.01);
        }
        Gate::ConfigLoad => results.config.as_mut().unwrap().beside[0].ours_ms *= 1.01,
        Gate::Entitled => results.license.as_mut().unwrap().entitled_ns *= 1.01,
        Gate::DriverPage { .. } => {
            results.database.as_mut().unwrap().pages.iter_mut().for_each(|page| page.ms *= 1.01);
        }
    }
    results
}

#[test]
fn every_gate_holds_at_its_bound_and_fails_beyond_it() {
    for strictness in [Strictness::Wanted, Strictness::Roomy] {
        let results = at_the_bounds(strictness);
        // What was divided on the way is as wanted up to the last digit.
        let holds = |verdict: &Verdict| verdict.figure <= verdict.bound * (1.0 + 1e-9);
        let verdicts = judge(&results, strictness);
        assert!(verdicts.iter().all(holds), "{verdicts:#?}");
        for Verdict { gate, .. } in verdicts {
            let verdict = gate.judge(&worse(results.clone(), gate), strictness).unwrap();
            assert!(!verdict.holds, "{} cannot fail: {verdict:?}", gate.name());
        }
    }
}

#[test]
fn each_kind_of_gate_is_among_those_of_a_whole_run() {
    let gates = Gate::of(&at_the_bounds(Strictness::Wanted), Strictness::Wanted);
    let wanted = [
        Gate::Time { question: Question::Page, rows: 100_000 },
        Gate::Growth { question: Question::Write, rows: 100_000 },
        Gate::Peer { question: Question::Status, rows: 10_000, peer: "Go" },
        Gate::Import { rows: 100_000 },
        Gate::Processor { pages: Pages::Again, clients: 1 },
        Gate::Processor { pages: Pages::InTurn, clients: 64 },
        Gate::Memory { rows: 100_000 },
        Gate::Beside { work: Work::Import },
        Gate::Beside { work: Work::LicenseFile },
        Gate::DriverPage { question: Question::Search },
    ];
    for gate in wanted {
        assert!(gates.contains(&gate), "{}", gate.name());
    }
    // Two searches are never compared with a tool that cannot search, nor a time with nothing.
    assert!(!gates.contains(&Gate::Time { question: Question::Health, rows: 100_000 }));
}

#[test]
fn a_short_run_is_judged_by_ratios_alone() {
    let gates = Gate::of(&at_the_bounds(Strictness::Roomy), Strictness::Roomy);
    assert!(!gates.is_empty());
    assert!(!gates.iter().any(|gate| matches!(gate, Gate::Time { .. } | Gate::Memory { .. })));
}
