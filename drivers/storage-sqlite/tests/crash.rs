//! A process that is killed while it writes loses nothing that it acknowledged.

mod support;

use rtmx_core::{Cx, Revision};
use rtmx_storage::FeedPosition;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use support::{create, ids, open_ready, runtime, space};

/// Set for the child process: the database that it writes to.
const WRITTEN_BY_CHILD: &str = "RTMX_TEST_WRITE_DATABASE";
/// Set for the child process: the number of its first change.
const FIRST_OF_CHILD: &str = "RTMX_TEST_WRITE_FROM";
/// Writers at a time, so that commits are shared.
const WRITERS: u128 = 8;

/// Not a test of its own: writes until it is killed, and says what was acknowledged.
#[test]
#[ignore = "runs only as the child process of another test"]
fn child_that_writes() {
    let Some(file) = std::env::var_os(WRITTEN_BY_CHILD) else { return };
    let first: u128 = std::env::var(FIRST_OF_CHILD).expect("a number").parse().expect("a number");
    runtime().block_on(async {
        let storage = open_ready(Path::new(&file)).await;
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let storage = Arc::clone(&storage);
                tokio::spawn(async move {
                    for number in (first + writer..).step_by(WRITERS as usize) {
                        storage.apply(&Cx::new(), &create(number)).await.expect("a change is applied");
                        // One write call, so that lines of different writers do not mix.
                        std::io::stdout()
                            .write_all(format!("\nREQ-{number}\n").as_bytes())
                            .expect("the parent listens");
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.expect("it writes until the end");
        }
    });
}

#[test]
fn every_acknowledged_write_survives_a_kill_and_the_feed_has_no_gap() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rtmx.db");
    let mut acknowledged = BTreeSet::new();
    // round, acknowledgements after which the child is killed
    for (round, after) in [(0_u128, 1), (1, 40), (2, 7), (3, 120), (4, 23), (5, 64)] {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "child_that_writes", "--ignored", "--nocapture"])
            .env(WRITTEN_BY_CHILD, &file)
            .env(FIRST_OF_CHILD, (round * 1_000_000).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this binary runs");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut seen = 0;
        for line in lines.map_while(Result::ok).filter(|line| line.starts_with("REQ-")) {
            acknowledged.insert(line);
            seen += 1;
            if seen == after {
                // What it still acknowledges before it dies is read by the loop and counts, too.
                child.kill().expect("it runs");
            }
        }
        child.wait().expect("it ends");
        assert!(seen >= after, "the child ended after {seen} acknowledgements of {after}");
    }
    runtime().block_on(async {
        let storage = open_ready(&file).await;
        let kept: BTreeSet<String> = ids(&*storage).await.into_iter().collect();
        let lost: Vec<_> = acknowledged.difference(&kept).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");

        let (mut after, mut next) = (FeedPosition::START, 1);
        let mut announced = BTreeSet::new();
        loop {
            let feed = storage.changes(&Cx::new(), &space(), after, 1_000, None).await.expect("the feed");
            if feed.events.is_empty() {
                assert_eq!(feed.head.revision, Revision(next - 1));
                break;
            }
            for event in feed.events {
                assert_eq!((event.revision, event.ordinal), (Revision(next), 0));
                assert!(announced.insert(event.key.id), "a record was made twice");
                next += 1;
            }
            after = feed.next;
        }
        assert_eq!(announced, kept);
    });
}
