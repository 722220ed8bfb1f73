//! What is asked often is answered from an index: the server itself writes down the plan of every
//! statement that the driver sends, over 100,000 requirements, with the rows that it looked at.
//!
//! What is looked for is rare, so that an index which only gives the order, or only names the space,
//! is soon seen to be the wrong one. That each index is missed is shown by taking it away.

#[path = "../support/mod.rs"]
mod support;

mod plan;
mod questions;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use plan::Marks;
use questions::{Ask, MISSED_BY, PAGE, Question, questions};
use rtmx_containers::{Postgres, versions};
use rtmx_core::{
    Body, Change, ChangeSet, ChangeSetId, Cx, Kind, Priority, Requirement, Revision, Space, Status, Timestamp,
};
use rtmx_storage::query::RecordQuery;
use rtmx_storage::{FeedPosition, Query, StorageBackend};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use support::{Server, open_ready, runtime};

/// How many requirements the driver writes, and how many times they are there in the end.
pub(crate) const WRITTEN: usize = 1_000;
pub(crate) const TIMES: usize = 100;
/// Each time in so many change sets, all of which there are in the end.
const EACH: u64 = 100;
pub(crate) const REVISIONS: u64 = EACH * TIMES as u64;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for version in versions().expect("RTMX_TEST_POSTGRES names versions") {
        let mut add = |name: &str, test: fn(u16) -> Result<(), String>| {
            let trial = Trial::ignorable_test(name, move || {
                if let Err(reason) = Postgres::available() {
                    return Ok(Completion::ignored_with(reason));
                }
                test(version).map_err(Failed::from)?;
                Ok(Completion::Completed)
            });
            trials.push(trial.with_kind(format!("postgres-{version}")));
        };
        add("answers_from_indexes", |version| runtime().block_on(little_is_looked_at(version)));
        add("has_a_large_import_in_its_search_index", |version| {
            runtime().block_on(nothing_is_put_aside(version))
        });
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

pub(crate) fn space() -> Space {
    Space::Project("kit".into())
}

pub(crate) fn id(number: usize) -> String {
    format!("REQ-{}-{number:04}", ["UI", "API", "SEC"][number % 3])
}

fn requirement(number: usize) -> Requirement {
    // One in 250 is missing, and another of medium priority.
    let status =
        if number % 250 == 3 { Status::Missing } else { [Status::Complete, Status::Partial][number % 2] };
    let priority = if number % 250 == 5 {
        Priority::Medium
    } else {
        [Priority::P0, Priority::High, Priority::Low][number % 3]
    };
    Requirement {
        category: format!("Area {}", number % 200),
        requirement_text: format!("shall encrypt what it keeps {number}"),
        status: status.into(),
        priority: priority.into(),
        phase: Some(u32::try_from(number % 200).unwrap_or_default()).into(),
        dependencies: [id(number / 2)].into_iter().collect::<BTreeSet<_>>().into(),
        ..Requirement::default()
    }
}

fn change_set(number: u128, changes: Vec<Change>) -> ChangeSet {
    let mut set =
        ChangeSet::new(ChangeSetId(uuid::Uuid::from_u128(number)), space(), "ann", Timestamp::UNIX_EPOCH);
    set.changes = changes;
    set
}

/// Writes some through the driver, and multiplies them in the tables.
async fn fill(server: &Server, storage: &dyn StorageBackend) {
    let create = |number| Change::create(id(number), Body::Requirement(requirement(number)));
    let set = change_set(1, (0..WRITTEN).map(create).collect());
    storage.apply(&Cx::new(), &set).await.expect("they are written");
    let mut admin = server.in_database().await;
    let columns = "SELECT string_agg(CASE attname WHEN 'id' THEN 'id || ''-'' || n' \
         WHEN 'search' THEN 'search || array_to_tsvector(ARRAY[lower(id || ''-'' || n)])' ELSE attname END, ', ' ORDER BY attnum) \
         FROM pg_attribute WHERE attrelid = 'plans.requirement'::regclass AND attnum > 0 AND NOT attisdropped";
    let columns: String = sqlx::query_scalar(columns).fetch_one(&mut admin).await.expect("the columns");
    let last = TIMES - 1;
    for text in [
        format!(
            "INSERT INTO plans.requirement SELECT {columns} FROM plans.requirement, generate_series(1, {last}) AS n"
        ),
        format!(
            "INSERT INTO plans.history SELECT space, {EACH} * n + ordinal / 10 + 1, ordinal % 10, kind, id || '-' || n, body \
             FROM plans.history, generate_series(1, {last}) AS n"
        ),
        format!(
            "INSERT INTO plans.change_set SELECT md5(n::text)::uuid, '', space, n, 'ann', at, '' \
             FROM plans.change_set, generate_series({EACH} + 1, {REVISIONS}) AS n"
        ),
        format!("UPDATE plans.space SET revision = {REVISIONS}"),
        "VACUUM ANALYZE".to_owned(),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut admin).await.expect("the superuser may");
    }
    support::close(admin).await;
}

/// A server that counts the rows of every statement, with as many requirements as are looked for.
async fn filled(version: u16) -> (Server, Arc<dyn StorageBackend>) {
    let postgres = Postgres::options(version)
        .setting("shared_preload_libraries", "auto_explain")
        .setting("auto_explain.log_min_duration", "0")
        .setting("auto_explain.log_format", "json")
        .setting("auto_explain.log_analyze", "on")
        .setting("auto_explain.log_timing", "off")
        .start()
        .expect("a server starts");
    let server = Server::prepared(postgres).await;
    let storage = open_ready(server.settings("plans")).await;
    fill(&server, &*storage).await;
    (server, storage)
}

/// A question that was asked, and the mark ahead of its plans.
struct Asked {
    question: Question,
    name: String,
    mark: usize,
}

impl Asked {
    fn faults(&self, plans: &[Vec<Value>]) -> Vec<String> {
        plan::faults(&self.question, &self.name, &plans[self.mark])
    }
}

/// Asks a question so many times, and then for its second page, if it has one.
async fn ask(
    marks: &mut Marks,
    storage: &dyn StorageBackend,
    question: &Question,
    times: usize,
) -> Vec<Asked> {
    static WRITES: AtomicU32 = AtomicU32::new(0);
    let name = question.name;
    let asked = |name: String, mark| Asked { question: question.clone(), name, mark };
    let mut all = vec![asked(name.to_owned(), marks.set().await)];
    let mut page = None;
    for _ in 0..times {
        match &question.ask {
            Ask::Fetch(query) => {
                let answer = storage.fetch(&Cx::new(), query).await;
                page = Some(answer.unwrap_or_else(|error| panic!("{name}: {error:?}")));
            }
            Ask::Feed(revision) => {
                let after = FeedPosition { revision: Revision(*revision), ..FeedPosition::START };
                let feed = storage.changes(&Cx::new(), &space(), after, PAGE, None).await;
                assert!(!feed.expect("the feed").events.is_empty(), "{name}");
            }
            Ask::Write => {
                let number = WRITES.fetch_add(1, Ordering::Relaxed);
                let change = Change::create(format!("REQ-NEW-{number}"), Body::Requirement(requirement(2)));
                let set = change_set(100 + u128::from(number), vec![change]);
                storage.apply(&Cx::new(), &set).await.expect("a change is applied");
            }
        }
    }
    if let (Ask::Fetch(Query::Records(query)), Some(cursor)) =
        (&question.ask, page.and_then(|page| page.next))
    {
        all.push(asked(format!("{name}, second page"), marks.set().await));
        let behind = Query::Records(RecordQuery { cursor: Some(cursor), ..query.clone() });
        storage.fetch(&Cx::new(), &behind).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    all
}

/// No question looks at much more than it answers; and without an index, one of them does.
async fn little_is_looked_at(version: u16) -> Result<(), String> {
    let (server, storage) = filled(version).await;
    let mut marks = Marks::begin(&server).await;
    let mut asked = Vec::new();
    for question in questions() {
        // Often enough for a plan that is made once for all values.
        asked.extend(ask(&mut marks, &*storage, &question, 7).await);
    }
    let mut admin = server.in_database().await;
    let names = "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'plans' AND tablename = ANY ($1)";
    let names: Vec<String> =
        sqlx::query_scalar(names).bind(&plan::LARGE[..]).fetch_all(&mut admin).await.expect("the indexes");
    let missed: BTreeSet<&str> = MISSED_BY.iter().map(|(index, _)| *index).collect();
    assert_eq!(
        names.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        missed,
        "each index has a question"
    );
    let mut without = Vec::new();
    for (index, name) in MISSED_BY {
        let question = questions().into_iter().find(|question| question.name == name).expect(name);
        let before = ask(&mut marks, &*storage, &question, 1).await;
        drop_index(&mut admin, index).await;
        without.push((index, before, ask(&mut marks, &*storage, &question, 1).await));
    }
    support::close(admin).await;
    let plans = marks.plans(&server).await;
    let faults_of = |asked: &[Asked]| asked.iter().flat_map(|one| one.faults(&plans)).collect::<Vec<_>>();
    let mut faults = faults_of(&asked);
    for (index, before, after) in &without {
        faults.extend(faults_of(before).iter().map(|fault| format!("before {index} is gone: {fault}")));
        if faults_of(after).is_empty() {
            faults.push(format!("{} does not miss {index}", after[0].name));
        }
    }
    // Each of the times has the same to say.
    faults.dedup();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// Takes an index away, or the constraint that has it.
async fn drop_index(admin: &mut PgConnection, index: &str) {
    let text = format!(
        "DO $$ DECLARE owner regclass; BEGIN \
         SELECT conrelid INTO owner FROM pg_constraint WHERE conindid = 'plans.{index}'::regclass AND contype IN ('p', 'u'); \
         IF owner IS NULL THEN DROP INDEX plans.{index}; \
         ELSE EXECUTE format('ALTER TABLE %s DROP CONSTRAINT {index}', owner); END IF; END $$"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(admin).await.expect("the superuser may");
}

/// A search does not go through what a large import wrote last, and the import needs no right of an owner.
async fn nothing_is_put_aside(version: u16) -> Result<(), String> {
    const LARGE_IMPORT: usize = 6_000;
    let server = Server::start(version).await;
    let owner = open_ready(server.settings("plans")).await;
    let mut admin = server.in_database().await;
    let role = "rtmx_guest";
    let grants = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'guest'; GRANT USAGE ON SCHEMA plans TO {role}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA plans TO {role}; \
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA plans TO {role}"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(grants)).execute(&mut admin).await.expect("the superuser may");
    let mut settings = server.settings("plans");
    settings["url"] = format!("postgres://{role}:guest@127.0.0.1:{}/rtmx", server.postgres.port()).into();
    let guest = support::open(settings).await.expect("it opens");
    for (who, storage, first, is_empty) in [("owner", owner, 0, true), ("guest", guest, LARGE_IMPORT, false)]
    {
        let create =
            |number| Change::create(format!("{who}-{number}"), Body::Requirement(requirement(number)));
        let set = change_set(first as u128 + 1, (first..first + LARGE_IMPORT).map(create).collect());
        storage.apply(&Cx::new(), &set).await.map_err(|error| format!("{who}: {error:?}"))?;
        let query = RecordQuery {
            search: Some(format!("{who}-{} ", first + 17)),
            ..RecordQuery::all(space(), Kind::Requirement)
        };
        let page =
            storage.fetch(&Cx::new(), &Query::Records(query)).await.map_err(|error| format!("{error:?}"))?;
        let found: Vec<_> = page.into_records().into_iter().map(|record| record.id).collect();
        assert_eq!(found, [format!("{who}-{}", first + 17)]);
        let pages = "SELECT gin_clean_pending_list('plans.requirement_by_term')";
        let pages: i64 = sqlx::query_scalar(pages).fetch_one(&mut admin).await.expect("the superuser may");
        assert_eq!(pages == 0, is_empty, "{who}: {pages} pages were put aside");
    }
    support::close(admin).await;
    Ok(())
}
