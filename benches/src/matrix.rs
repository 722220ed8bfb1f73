//! Matrices for the benchmarks of functions: the same for the same size, on every machine.

use std::fmt::Write;

const CATEGORIES: [&str; 8] = ["AUTH", "API", "DATA", "SYNC", "AUDIT", "PERF", "STORE", "GRAPH"];
const VERBS: [&str; 7] = ["accept", "reject", "persist", "encrypt", "display", "export", "validate"];
const NOUNS: [&str; 5] =
    ["requirement records", "session tokens", "audit entries", "telemetry frames", "user profiles"];
const STATUS: [&str; 4] = ["COMPLETE", "PARTIAL", "MISSING", "NOT_STARTED"];
const PRIORITY: [&str; 4] = ["P0", "HIGH", "MEDIUM", "LOW"];
const HEADER: &str = "req_id,category,subcategory,requirement_text,target_value,test_module,test_function,\
    validation_method,status,priority,phase,notes,effort_weeks,dependencies,blocks,assignee,sprint,\
    started_date,completed_date,requirement_file,external_id";

/// The id of a row, from 0.
pub fn id(row: usize) -> String {
    format!("REQ-{}-{row:06}", CATEGORIES[row % CATEGORIES.len()])
}

/// A file of the 21 columns with so many rows, about 330 bytes each.
///
/// Each row depends on one or two of the rows at most 40 before it, so that chains are long; each
/// thousandth pair depends on each other, so that there are cycles.
pub fn csv(rows: usize) -> String {
    let mut text = format!("{HEADER}\n");
    for row in 0..rows {
        let category = CATEGORIES[row % CATEGORIES.len()];
        let mut dependencies = Vec::new();
        if row > 40 {
            dependencies.push(id(row - 1 - row * 7 % 40));
            if row % 3 == 0 {
                dependencies.push(id(row - 1 - row * 13 % 40));
            }
        }
        if row % 1000 == 500 && row + 1 < rows {
            dependencies.push(id(row + 1));
        }
        if row % 1000 == 501 {
            dependencies.push(id(row - 1));
        }
        dependencies.sort();
        dependencies.dedup();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{id},{category},CORE,{name} subsystem shall {verb} {noun} within {ms} ms at the 95th percentile,\
             {ms} ms,tests/{folder}/test_core.py,test_case_{row},Integration Test,{status},{priority},{phase},\
             derived from the interface document,{effort},{dependencies},,{assignee},v0.{sprint},,,\
             .rtmx/requirements/{category}/{id}.md,",
            id = id(row),
            name = category.to_lowercase(),
            folder = category.to_lowercase(),
            verb = VERBS[row / 3 % VERBS.len()],
            noun = NOUNS[row / 5 % NOUNS.len()],
            ms = 50 + row % 9 * 50,
            status = STATUS[row * 7 % 4],
            priority = PRIORITY[row / 2 % 4],
            phase = 1 + row * 20 / rows.max(1),
            effort = ["0.5", "1", "2.5"][row % 3],
            dependencies = dependencies.join("|"),
            assignee = ["alice", "bob", "carol", ""][row / 7 % 4],
            sprint = row % 9,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_the_columns_of_the_header_and_names_rows_that_exist() {
        let text = csv(2_000);
        let ids: std::collections::BTreeSet<String> = (0..2_000).map(id).collect();
        for line in text.lines() {
            assert_eq!(line.split(',').count(), 21, "{line}");
        }
        for line in text.lines().skip(1) {
            let named = line.split(',').nth(13).unwrap().split('|').filter(|name| !name.is_empty());
            named.for_each(|name| assert!(ids.contains(name), "{name} in {line}"));
        }
    }
}
