//! The results for a terminal.

use super::beside::Beside;
use super::config::Config;
use super::database::{Database, Page};
use super::gates::Verdict;
use super::license::License;
use super::measure::{ALLOCATORS, DIRECT, SQLITE};
use super::peers::Kind;
use super::questions::{Pages, Question};
use super::results::{Look, Results, Row};
use std::fmt::Write;

/// Everything: the figures, then what is wanted of them.
pub(super) fn whole(results: &Results, verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for start in &results.starts {
        let wanted = start.wanted.map(|wanted| format!("wanted: under {wanted}")).unwrap_or_default();
        let _ = writeln!(text, "{:<36} {:>9.2} {:<3} {wanted}", start.name, start.value, start.unit);
    }
    let _ = writeln!(
        text,
        "\n{:<28} {:>7} {:>11} {:>9} {:>18} {:>18} {:>18}",
        "question", "rows", "RTMX, ms", "again, ms", "rusqlite, ratio", "Python, ratio", "Go, ratio"
    );
    for question in Question::ALL {
        for row in results.rows.iter().filter(|row| row.question == question) {
            let direct = if question == Question::Import { SQLITE } else { DIRECT };
            let others = [direct, Kind::Python.name(), Kind::Go.name()].map(|name| beside(row, name));
            let _ = writeln!(
                text,
                "{:<28} {:>7} {:>11.3} {:>9} {:>18} {:>18} {:>18}",
                question.name(),
                row.rows,
                row.ours.ms,
                row.again.as_ref().map(|again| format!("{:.3}", again.ms)).unwrap_or_default(),
                others[0],
                others[1],
                others[2]
            );
        }
    }
    let _ = writeln!(text, "(the column of rusqlite is `sqlite3 .import` for an import)\n");
    let _ = writeln!(
        text,
        "{:<28} {:>7} {:>11} {:>13} {:>16} {:>8} {:>10}",
        "processor time, us", "clients", "RTMX", "rusqlite", "rusqlite + JSON", "ratio", "answers/s"
    );
    for cost in &results.costs {
        let _ = writeln!(
            text,
            "{:<28} {:>7} {:>11.1} {:>13.1} {:>16.1} {:>8.2} {:>10.0}",
            cost.pages.name(),
            cost.clients,
            cost.server_us,
            cost.direct_us,
            cost.direct_json_us,
            cost.ratio,
            cost.per_second
        );
    }
    for pages in Pages::ALL {
        let _ = writeln!(text, "{}: {}", pages.name(), pages.meaning());
    }
    let _ = writeln!(text, "{ALLOCATORS}\n");
    for look in &results.looks {
        let Look { page, rows, ms, kb } = look;
        let _ = writeln!(text, "dashboard, {page:<14} {rows:>7} rows {ms:>9.2} ms {kb:>7.1} kB");
    }
    for memory in &results.memory {
        let _ = writeln!(
            text,
            "memory at {:>7} rows: {:.0} MB after everything, {:.0} MB at most",
            memory.rows, memory.resident_mb, memory.peak_mb
        );
    }
    if let Some(Database { version, rows, beside, pages }) = &results.database {
        let _ = writeln!(text, "PostgreSQL {version}, through the driver, {rows} rows:");
        for Beside { work, ours_ms, raw_ms } in beside {
            let _ = writeln!(text, "  {:<48} {ours_ms:>9.3} ms, without it {raw_ms:>9.3} ms", work.name());
        }
        for Page { name, ms } in pages {
            let _ = writeln!(text, "  {name:<48} {ms:>9.3} ms");
        }
    }
    if let Some(License { beside, entitled_ns, .. }) = &results.license {
        for Beside { work, ours_ms, raw_ms } in beside {
            let (ours, raw) = (ours_ms * 1e3, raw_ms * 1e3);
            let _ = writeln!(text, "{:<60} {ours:>8.2} us, alone {raw:>8.2} us", work.name());
        }
        let _ = writeln!(
            text,
            "license: a question whether something is allowed             {entitled_ns:>8.1} ns"
        );
    }
    for Beside { work, ours_ms, raw_ms } in results.config.iter().flat_map(|Config { beside }| beside) {
        let _ = writeln!(text, "{:<60} {ours_ms:>8.3} ms, alone {raw_ms:>8.3} ms", work.name());
    }
    for reason in &results.left_out {
        let _ = writeln!(text, "left out: {reason}");
    }
    text.push('\n');
    for verdict in verdicts {
        let word = if verdict.holds { "ok" } else { "FAILED" };
        let _ = writeln!(
            text,
            "{word:<7} {:>10.2} of at most {:>8.2}  {}",
            verdict.figure,
            verdict.bound,
            verdict.gate.name()
        );
    }
    text
}

fn beside(row: &Row, name: &str) -> String {
    let found = row.others.iter().find(|(known, _)| known == name);
    found.map_or_else(String::new, |(_, other)| {
        format!("{:.2}  {:.3}", other.ms, row.beside_others() / other.ms)
    })
}
