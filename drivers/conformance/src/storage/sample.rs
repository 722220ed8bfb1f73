//! Records to work with: a body of every kind with everything that is hard to store, and a small
//! matrix with repetition, so that sorts have ties and filters find several.

use super::bench::{set, some_time};
use rtmx_core::{
    Baseline, Body, Change, Cx, Effort, Epoch, Given, Layout, Placement, Priority, Project, Requirement,
    RequirementText, Revision, Role, Session, Setting, Status, TestLink, Token,
};
use rtmx_storage::{MemoryBackend, MigrationPlan, StorageBackend};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

/// Text that breaks quoting, folding, patterns and encodings.
const HARD_TEXT: &str =
    "a 'quoted' \"text\", 100 %_\\ of it;\r\n\tÄÖÜ ẞ İ \u{1F512} e\u{301} \u{FEFF}\u{2028} NULL --";

/// A requirement in which every field is set.
pub(crate) fn full_requirement() -> Requirement {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    Requirement {
        category: HARD_TEXT.into(),
        subcategory: "sub".into(),
        requirement_text: HARD_TEXT.repeat(50),
        target_value: "< 1 ms".into(),
        test_module: "tests/a.py".into(),
        test_function: "test_a".into(),
        validation_method: "Unit Test".into(),
        status: Given { value: Status::Partial, given: Some("in progress".into()) },
        priority: Given { value: Priority::P0, given: Some("Critical".into()) },
        phase: Given { value: Some(3), given: Some("Phase 3".into()) },
        notes: String::new(),
        // The nearest number to this text is not the nearest to its neighbours' texts.
        effort_weeks: Effort::from_weeks(0.300_000_000_000_000_04).into(),
        dependencies: Given { value: ids(&["REQ-1", "REQ-2"]), given: Some("REQ-2 | REQ-1".into()) },
        blocks: Given::canonical(ids(&["REQ-ß"])),
        assignee: "ann".into(),
        sprint: "7".into(),
        started_date: "2025-01-01".into(),
        completed_date: String::new(),
        requirement_file: "docs/r.md".into(),
        external_id: "EXT-1".into(),
        extra: BTreeMap::from([("owner".into(), "bob".into()), (HARD_TEXT.into(), String::new())]),
        placement: Placement {
            rank: Some(-7),
            raw: Some("raw,\"row\"\r\n".into()),
            surplus: vec!["x".into()],
        },
    }
}

/// One body for each kind that lives in a project.
pub(crate) fn project_bodies() -> Vec<Body> {
    vec![
        Body::Requirement(full_requirement()),
        Body::Requirement(Requirement::default()),
        Body::RequirementText(RequirementText { markdown: HARD_TEXT.into() }),
        Body::TestLink(TestLink {
            req_id: "REQ-1".into(),
            test_module: "m".into(),
            test_function: "f".into(),
            validation_method: HARD_TEXT.into(),
            extra: BTreeMap::from([("status".into(), "COMPLETE".into())]),
        }),
        Body::Baseline(Baseline {
            revision: Revision(u64::from(u32::MAX) + 1),
            note: HARD_TEXT.into(),
            actor: "ann".into(),
            created_at: some_time(),
        }),
        Body::Layout(Layout {
            bom: true,
            crlf: true,
            header: "req_id,status\r\n".into(),
            columns: vec!["req_id".into(), "status".into()],
            trailer: "\r\n\r\n".into(),
        }),
    ]
}

/// One body for each kind that lives in the system space.
pub(crate) fn system_bodies() -> Vec<Body> {
    let value =
        serde_json::json!({"z": 1, "a": [null, true, -0.5, 18_446_744_073_709_551_615_u64, HARD_TEXT]});
    vec![
        Body::Project(Project { name: HARD_TEXT.into(), created_at: some_time() }),
        Body::Token(Token {
            name: "ci".into(),
            role: Role::Editor,
            project: Some("kit".into()),
            hash: "00ff".into(),
            created_at: some_time(),
            expires_at: Some(some_time()),
            revoked_at: None,
        }),
        Body::Session(Session {
            token_id: "0123456789abcdef".into(),
            epoch: Epoch(uuid::Uuid::from_u128(u128::MAX / 3)),
            hash: "ff00".into(),
            created_at: some_time(),
            expires_at: some_time(),
        }),
        Body::Setting(Setting { value }),
    ]
}

/// Row `n` of a matrix in which values repeat.
pub(crate) fn row(n: usize) -> (String, Requirement) {
    let pick = |from: &[&str]| from[n % from.len()].to_owned();
    let status = Status::ALL[n % 4];
    let requirement = Requirement {
        category: pick(&["SAFETY", "safety", "Größe", "", "PERF", "perf-io", "größe"]),
        requirement_text: format!(
            "Shall {} the {} data at rest/{}",
            pick(&["encrypt", "keep"]),
            pick(&["raw"]),
            n % 13
        ),
        notes: pick(&["", "see REQ-SEC-001", "v1.2 only", "ENCRYPTION_KEY", "naïve ẞ İstanbul 漢字"]),
        status: if n % 10 == 3 { Given { value: status, given: Some("done".into()) } } else { status.into() },
        priority: Priority::ALL[n / 3 % 4].into(),
        phase: [None, Some(1), Some(2), Some(10)][n / 2 % 4].into(),
        effort_weeks: [None, Effort::from_weeks(0.5), Effort::from_weeks(12.0)][n % 3].into(),
        dependencies: Given::canonical((0..n % 3).map(|back| row_id(n.saturating_sub(back + 1))).collect()),
        assignee: pick(&["ann", "Bob", "bob", "", "_%"]),
        extra: if n % 4 == 1 {
            BTreeMap::from([("Team".into(), pick(&["red", "Blue"]))])
        } else {
            BTreeMap::new()
        },
        ..Requirement::default()
    };
    (row_id(n), requirement)
}

/// The id of row `n`.
pub(crate) fn row_id(n: usize) -> String {
    format!("REQ-{}-{n:03}", ["SEC", "io", "Z"][n % 3])
}

/// Each sample of a body as often as it has texts, with U+0000 in another one each time.
pub(crate) fn bodies_with_nul() -> Vec<Body> {
    let mut all = Vec::new();
    for body in project_bodies().into_iter().chain(system_bodies()) {
        let json = serde_json::to_value(&body).expect("a body is plain data");
        let mut texts = 0;
        each_text(&mut json.clone(), &mut |_| texts += 1);
        for chosen in 0..texts {
            let (mut json, mut at) = (json.clone(), 0);
            each_text(&mut json, &mut |text| {
                if at == chosen {
                    text.push('\0');
                }
                at += 1;
            });
            // A text that stands for a value, such as a time or a role, does not become one with it.
            all.extend(serde_json::from_value::<Body>(json));
        }
    }
    all
}

fn each_text(json: &mut serde_json::Value, visit: &mut impl FnMut(&mut String)) {
    match json {
        serde_json::Value::String(text) => visit(text),
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, visit)),
        serde_json::Value::Object(fields) => {
            fields.values_mut().for_each(|value| each_text(value, visit));
        }
        _ => {}
    }
}

/// Changes that create rows.
pub(crate) fn create_rows(rows: std::ops::Range<usize>) -> Vec<Change> {
    let create = |n| {
        let (id, requirement) = row(n);
        Change::create(id, Body::Requirement(requirement))
    };
    rows.map(create).collect()
}

/// The rows in a backend that is the reference.
pub(crate) async fn reference(rows: usize) -> MemoryBackend {
    let reference = empty_reference().await;
    reference.apply(&Cx::new(), &set(create_rows(0..rows))).await.expect("the rows fit");
    reference
}

/// A migrated and empty reference.
pub(crate) async fn empty_reference() -> MemoryBackend {
    let reference = MemoryBackend::new(new_epoch);
    reference.migrate(&Cx::new(), &MigrationPlan::Expand).await.expect("a fresh database migrates");
    reference
}

/// An epoch that this run has not used, and whose first digits differ from those of all others.
pub(crate) fn new_epoch() -> Epoch {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Epoch(uuid::Uuid::from_u128((u128::from(number) << 96) | 0x7274_6d78))
}
