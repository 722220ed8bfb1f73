//! The results as a page of the handbook.

use super::beside::Beside;
use super::config::Config;
use super::database::{Database, Page};
use super::gates::{Gate, PROCESSOR_WANTED, Verdict};
use super::license::License;
use super::measure::{ALLOCATORS, DIRECT, SQLITE};
use super::peers::Kind;
use super::questions::{LOOK_WANTED, Pages, Question, When};
use super::results::{Look, Measured, Results, Row};
use std::fmt::Write;

/// The page. Writing to a string cannot fail, so the outcomes of `writeln!` are dropped.
pub(super) fn text(results: &Results, verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    head(&mut text, results);
    questions(&mut text, results, verdicts);
    costs(&mut text, results, verdicts);
    looks(&mut text, results, verdicts);
    memory(&mut text, results);
    database(&mut text, results, verdicts);
    license(&mut text, results, verdicts);
    config(&mut text, results, verdicts);
    growth(&mut text, verdicts);
    text.push_str(HOW);
    text
}

const HOW: &str = "\n## How it was measured\n\n\
    The matrices are made by a generator with a fixed seed; they have cycles, orphans and links that are not \
    returned, as real ones do.\n\
    Each size has a server of the release build with default settings on a new data folder, and a server of \
    each other tool on a copy of the same file, all on the loopback interface.\n\
    The product and the others are asked in turns, on connections that are kept, by a small client of the \
    release build; a time is the median of its round, and the figure is the median of the rounds.\n\
    Answers that RTMX remembers until the next write (status, backlog, cycles, health, impact) are timed after a \
    write each, so nothing is remembered; the status also without, as it is asked for most.\n\
    Pages of lists (the first page, the filter, the searches) are asked for in another text each time, so that \
    the server remembers none of them. It does remember some pages until the next write: \"again\" is the time of \
    the same text again and again, which is how the others are asked and what they are compared with.\n\
    A write is durable: it is on the disk before it is answered.\n\
    A command of another tool is timed as a whole, its start included, because that is what its user waits \
    for; where a tool both serves and prints an answer, the faster one counts.\n\
    What takes seconds is asked a few times only, and a command is ended after a minute.\n\n\
    Processor time is the scheduler's count for all threads of the server, divided by the answers; that of \
    `rusqlite` is the count of threads that each open the same database file, run the same query as one \
    prepared statement and read every column of every row into a value.\n\
    Where pages follow each other, it asks for those behind the last id of the page before, and in both the \
    clients begin evenly apart in the list.\n\
    The column with JSON adds an object for each row; it stands there for comparison, and the ratio is to \
    the column without.\n";

fn head(text: &mut String, results: &Results) {
    let machine = &results.machine;
    let others: Vec<_> = machine.others.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ = writeln!(text, "# Performance\n");
    let _ = writeln!(text, "What RTMX costs, beside its peers in the same run.");
    let _ = writeln!(
        text,
        "This page is written by `cargo xtask bench`; run it to see your machine's figures.\n"
    );
    let _ = writeln!(text, "| | |\n| --- | --- |");
    let _ = writeln!(text, "| date | {} |", machine.date);
    let _ = writeln!(
        text,
        "| machine | {} x {}, {} GiB, Linux {} |",
        machine.cores, machine.processor, machine.memory_gib, machine.kernel
    );
    let _ = writeln!(text, "| measured | {} |", machine.rtmx);
    let _ = writeln!(text, "| beside | {} |", others.join(", "));
    let _ = writeln!(text, "| built by | {} |", machine.rustc);
    for start in &results.starts {
        let wanted = start.wanted.map(|wanted| format!("; wanted: under {wanted}")).unwrap_or_default();
        let _ = writeln!(text, "| {} | {:.1} {}{wanted} |", start.name, start.value, start.unit);
    }
    for reason in &results.left_out {
        let _ = writeln!(text, "| left out | {reason} |");
    }
}

fn questions(text: &mut String, results: &Results, verdicts: &[Verdict]) {
    let _ = writeln!(text, "\n## Answers\n");
    let _ = writeln!(text, "Milliseconds, and in brackets how many times as long as RTMX the other takes.\n");
    let _ =
        writeln!(text, "| question | rows | RTMX | wanted | rusqlite, or `sqlite3 .import` | Python | Go |");
    let _ = writeln!(text, "| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for question in Question::ALL {
        for row in results.rows.iter().filter(|row| row.question == question) {
            let direct = if question == Question::Import { SQLITE } else { DIRECT };
            let [direct, python, go] =
                [direct, Kind::Python.name(), Kind::Go.name()].map(|name| beside(row, name));
            let missed = verdicts
                .iter()
                .any(|verdict| !verdict.holds && verdict.gate == Gate::Time { question, rows: row.rows });
            let wanted = question.wanted_ms().filter(|_| row.rows == 100_000);
            let wanted = wanted.map(|wanted| format!("{wanted}{}", if missed { ", missed" } else { "" }));
            let after = if question.when() == When::AfterWrite { ", after a write" } else { "" };
            let _ = writeln!(
                text,
                "| {}{after} | {} | {} | {} | {direct} | {python} | {go} |",
                question.name(),
                row.rows,
                row.again.as_ref().map_or_else(
                    || shown(row.ours.ms),
                    |again| format!("{}, again {}", shown(row.ours.ms), shown(again.ms))
                ),
                wanted.unwrap_or_default(),
            );
        }
    }
}

fn beside(row: &Row, name: &str) -> String {
    let found = row.others.iter().find(|(known, _)| known == name).map(|(_, other)| other);
    let said = |other: &Measured| {
        let ended = if other.way.ends_with("ended") { "over " } else { "" };
        format!("{ended}{} ({})", shown(other.ms), shown(other.ms / row.beside_others()))
    };
    found.map(said).unwrap_or_default()
}

/// Three digits that say something.
fn shown(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn costs(text: &mut String, results: &Results, verdicts: &[Verdict]) {
    let _ = writeln!(text, "\n## Processor time of a page\n");
    let _ = writeln!(text, "Microseconds for a page of 50 requirements.\n");
    for pages in Pages::ALL {
        let _ = writeln!(text, "- {}: {}", pages.name(), pages.meaning());
    }
    let _ = writeln!(text, "\n{ALLOCATORS}\n");
    let _ = writeln!(
        text,
        "| pages | clients | rows | RTMX, JSON included | rusqlite | rusqlite and JSON | ratio | \
         wanted: at most | answers a second |"
    );
    let _ = writeln!(text, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for cost in &results.costs {
        let gate = Gate::Processor { pages: cost.pages, clients: cost.clients };
        let missed = verdicts.iter().any(|verdict| !verdict.holds && verdict.gate == gate);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {:.2} | {}{} | {:.0} |",
            cost.pages.name(),
            cost.clients,
            cost.rows,
            shown(cost.server_us),
            shown(cost.direct_us),
            shown(cost.direct_json_us),
            cost.ratio,
            PROCESSOR_WANTED,
            if missed { ", missed" } else { "" },
            cost.per_second
        );
    }
}

fn looks(text: &mut String, results: &Results, verdicts: &[Verdict]) {
    let (ms, kb) = LOOK_WANTED;
    let _ = writeln!(text, "\n## The dashboard\n");
    let _ = writeln!(
        text,
        "A page right after a write, until its last byte, and its size on the wire, compressed. Wanted at 100,000 \
         rows: under {ms} ms and {kb} kB.\n"
    );
    let _ = writeln!(text, "| page | rows | ms | kB |\n| --- | ---: | ---: | ---: |");
    for look in &results.looks {
        let Look { page, rows, .. } = *look;
        let missed = |gate: Gate| {
            let found = verdicts.iter().any(|verdict| !verdict.holds && verdict.gate == gate);
            if found { ", missed" } else { "" }
        };
        let (late, heavy) = (missed(Gate::Look { page, rows }), missed(Gate::Weight { page, rows }));
        let _ = writeln!(text, "| {page} | {rows} | {}{late} | {}{heavy} |", shown(look.ms), shown(look.kb));
    }
}

fn memory(text: &mut String, results: &Results) {
    let _ = writeln!(text, "\n## Memory\n");
    let _ =
        writeln!(text, "| rows | resident after everything above, MB | at most, the import included, MB |");
    let _ = writeln!(text, "| ---: | ---: | ---: |");
    for memory in &results.memory {
        let _ = writeln!(text, "| {} | {:.0} | {:.0} |", memory.rows, memory.resident_mb, memory.peak_mb);
    }
}

fn database(text: &mut String, results: &Results, verdicts: &[Verdict]) {
    let Some(Database { version, rows, beside, pages }) = &results.database else { return };
    let _ = writeln!(text, "\n## PostgreSQL\n");
    let _ = writeln!(
        text,
        "Milliseconds through the driver, with {rows} rows on a PostgreSQL {version} of its own on the same machine. \
         Beside them: `COPY` of the same rows into the same tables with the same indexes, and the same statements \
         sent by sqlx alone.\n"
    );
    let _ = writeln!(text, "| work | driver | without it | ratio | wanted: at most |");
    with_and_without(text, beside, verdicts);
    let _ = writeln!(text, "\n| page | ms |\n| --- | ---: |");
    for Page { name, ms } in pages {
        let _ = writeln!(text, "| {name} | {} |", shown(*ms));
    }
}

fn license(text: &mut String, results: &Results, verdicts: &[Verdict]) {
    let Some(License { beside, entitled_ns, .. }) = &results.license else { return };
    let _ = writeln!(text, "\n## Licenses\n");
    let _ = writeln!(
        text,
        "Milliseconds, the fastest of many turns. A question whether something is allowed takes {entitled_ns:.0} ns.\n"
    );
    let _ = writeln!(text, "| work | RTMX | the other | ratio | wanted: at most |");
    with_and_without(text, beside, verdicts);
}

fn config(text: &mut String, results: &Results, verdicts: &[Verdict]) {
    let Some(Config { beside }) = &results.config else { return };
    let _ = writeln!(text, "\n## Configuration\n");
    let _ = writeln!(
        text,
        "Milliseconds, the fastest of many turns, to load a `conf.d` of 20 files and an environment of 300 \
         variables. Beside it: the files read and parsed.\n"
    );
    let _ = writeln!(text, "| work | RTMX | the other | ratio | wanted: at most |");
    with_and_without(text, beside, verdicts);
}

/// The lines of a table that has its head already.
fn with_and_without(text: &mut String, rows: &[Beside], verdicts: &[Verdict]) {
    let _ = writeln!(text, "| --- | ---: | ---: | ---: | ---: |");
    for Beside { work, ours_ms, raw_ms } in rows {
        let missed =
            verdicts.iter().any(|verdict| !verdict.holds && verdict.gate == Gate::Beside { work: *work });
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {}{} |",
            work.name(),
            shown(*ours_ms),
            shown(*raw_ms),
            shown(ours_ms / raw_ms),
            work.wanted(),
            if missed { ", missed" } else { "" }
        );
    }
}

fn growth(text: &mut String, verdicts: &[Verdict]) {
    let _ = writeln!(text, "\n## Growth\n");
    let _ = writeln!(text, "How many times as long ten times the rows take.\n");
    let _ = writeln!(text, "| question | to rows | times | wanted: at most |\n| --- | ---: | ---: | ---: |");
    for verdict in verdicts {
        if let Gate::Growth { question, rows } = verdict.gate {
            let missed = if verdict.holds { "" } else { ", missed" };
            let _ = writeln!(
                text,
                "| {} | {rows} | {} | {}{missed} |",
                question.name(),
                shown(verdict.figure),
                verdict.bound
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::gates::{Strictness, judge};
    use crate::bench::machine::Machine;
    use crate::bench::results::Cost;

    #[test]
    fn a_page_says_where_it_was_made_and_what_was_missed() {
        let machine = Machine { kernel: "6.1".into(), date: "2026-01-31".into(), ..Machine::default() };
        let mut results = Results::new(machine);
        results.left_out = vec!["the Go tool: not given".into()];
        let ended = Measured::new(60_000.0, 1, "command, ended");
        let others = vec![("Python".to_owned(), ended)];
        let ours = Measured::new(25.0, 9, "again");
        results.put(Row { rows: 100_000, question: Question::Page, ours, again: None, others });
        results.put_cost(Cost {
            rows: 100_000,
            pages: Pages::InTurn,
            clients: 8,
            server_us: 260.0,
            direct_us: 100.0,
            direct_json_us: 130.0,
            ratio: 2.6,
            per_second: 4_000.0,
        });
        let page = text(&results, &judge(&results, Strictness::Wanted));
        for part in [
            "| date | 2026-01-31 |",
            "Linux 6.1",
            "| left out | the Go tool: not given |",
            "| first page of 50 | 100000 | 25.0 | 20, missed |  | over 60000 (2400) |  |",
            "| pages of 50 in turn | 8 | 100000 | 260 | 100 | 130 | 2.60 | 2, missed | 4000 |",
            "- first page of 50: each client asks for the same page again",
            "uses the system's allocator",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
    }
}
