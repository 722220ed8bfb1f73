//! The change feed: in pages, and live without a gap.

use crate::client::Api;
use axum::body::BodyDataStream;
use futures_util::StreamExt;
use rtmx::core::{assert_code, server};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long an event may take to come. Generous: it only bounds a failing test.
const PATIENCE: Duration = Duration::from_secs(30);

/// A reader of server-sent events.
struct Events {
    body: BodyDataStream,
    text: String,
}

#[derive(Debug)]
struct Event {
    id: Option<String>,
    name: String,
    data: Value,
}

impl Events {
    async fn open(api: &Api, last: Option<&str>) -> Events {
        let mut call = api.get("/changes").header("accept", "text/event-stream");
        if let Some(last) = last {
            call = call.header("last-event-id", last);
        }
        let response = call.open().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = read(block);
                self.text = rest.to_owned();
                if event.is_some() {
                    return event;
                }
            }
            let chunk =
                tokio::time::timeout(PATIENCE, self.body.next()).await.expect("an event comes in time")?;
            self.text.push_str(
                std::str::from_utf8(&chunk.expect("the stream does not break")).expect("it is text"),
            );
        }
    }

    async fn change(&mut self) -> Event {
        let event = self.next().await.expect("the stream goes on");
        assert_eq!(event.name, "change", "{event:?}");
        event
    }
}

fn read(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data = serde_json::from_str(field("data")?).expect("the data is JSON");
    Some(Event { id: field("id").map(str::to_owned), name: field("event")?.to_owned(), data })
}

#[tokio::test]
async fn pages_of_changes_are_in_order_without_a_gap() {
    for api in [Api::new().await, Api::sqlite().await] {
        assert_eq!(api.post("/import").csv("req_id\nREQ-A-1\nREQ-A-2\nREQ-A-3\n").await.status, 200);
        let tag = api.get("/requirements/REQ-A-1").send().await.etag();
        assert_eq!(api.delete("/requirements/REQ-A-1").based_on(&tag).send().await.status, 204);
        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let page = api.get(format!("/changes?limit=2{after}")).send().await.json();
            seen.extend(page["changes"].as_array().expect("a page has a list").clone());
            after = format!("&cursor={}", page["next"].as_str().expect("there is always a next"));
            if page["more"] == false {
                break;
            }
        }
        let of_rows: Vec<_> = seen.iter().filter(|it| it["kind"] == "requirement").collect();
        let short: Vec<(u64, &str, bool)> = of_rows
            .iter()
            .map(|it| {
                (
                    it["revision"].as_u64().unwrap_or(0),
                    it["id"].as_str().unwrap_or_default(),
                    it["deleted"] == true,
                )
            })
            .collect();
        assert_eq!(
            short,
            [(1, "REQ-A-1", false), (1, "REQ-A-2", false), (1, "REQ-A-3", false), (2, "REQ-A-1", true)]
        );
        let nothing = api.get(format!("/changes?limit=2{after}")).send().await.json();
        assert_eq!((&nothing["changes"], &nothing["revision"]), (&json!([]), &json!(2)));
    }
}

#[tokio::test]
async fn a_stream_begins_now_tells_each_change_and_resumes_where_it_stopped() {
    for api in [Api::new().await, Api::sqlite().await] {
        api.make(json!({"req_id": "REQ-OLD-1"})).await;
        let mut events = Events::open(&api, None).await;
        let head = events.next().await.expect("a stream says where it begins");
        assert_eq!((head.name.as_str(), &head.data["revision"]), ("head", &json!(1)));

        api.make(json!({"req_id": "REQ-A-1"})).await;
        let first = events.change().await;
        assert_eq!((&first.data["id"], &first.data["revision"]), (&json!("REQ-A-1"), &json!(2)));
        assert_eq!(first.id.as_deref(), first.data["position"].as_str());
        drop(events);
        api.make(json!({"req_id": "REQ-A-2"})).await;

        let mut events = Events::open(&api, first.id.as_deref()).await;
        assert_eq!(events.next().await.map(|event| event.name).as_deref(), Some("head"));
        assert_eq!(events.change().await.data["id"], "REQ-A-2");
        api.make(json!({"req_id": "REQ-A-3"})).await;
        assert_eq!(events.change().await.data["id"], "REQ-A-3");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_that_come_and_go_under_writes_miss_nothing_and_see_nothing_twice() {
    const WRITES: u64 = 300;
    for api in [Api::new().await, Api::sqlite().await] {
        let api = Arc::new(api);
        api.make(json!({"req_id": "REQ-A-0"})).await;
        let start = api.get("/changes").send().await.json()["next"].as_str().expect("a position").to_owned();
        let writer = {
            let api = Arc::clone(&api);
            tokio::spawn(async move {
                for n in 1..=WRITES {
                    api.make(json!({"req_id": format!("REQ-A-{n}")})).await;
                }
            })
        };
        let reader = |stops_after: usize| {
            let (api, mut last) = (Arc::clone(&api), start.clone());
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while seen.len() < WRITES as usize {
                    let mut events = Events::open(&api, Some(&last)).await;
                    assert_eq!(events.next().await.map(|event| event.name).as_deref(), Some("head"));
                    for _ in 0..stops_after {
                        let event = events.change().await;
                        last = event.id.expect("a change has an id");
                        seen.push(event.data["revision"].as_u64().unwrap_or(0));
                        if seen.len() == WRITES as usize {
                            break;
                        }
                    }
                }
                seen
            })
        };
        let readers = [1, 7, 50, 1_000].map(reader);
        writer.await.expect("the writer ends by itself");
        for reader in readers {
            let seen = reader.await.expect("the reader ends by itself");
            assert_eq!(seen, (2..=WRITES + 1).collect::<Vec<u64>>());
        }
        assert!(api.app.indexes.watches.pollers() <= 1, "however many read, one polls");
    }
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_dropped_with_the_position_to_resume_from() {
    let api = Api::new().await;
    let mut events = Events::open(&api, None).await;
    events.next().await.expect("a stream says where it begins");
    // The reader has caught up and waits when the change comes; from there on it does not read any more.
    let (first, _) = tokio::join!(events.change(), api.make(json!({"req_id": "REQ-A-0"})));
    // More parts than are kept for a reader. Each is one write, because the poller gets its turn in between.
    let mut watcher = api
        .app
        .indexes
        .watches
        .subscribe(&api.app.storage, &rtmx::core::Cx::new(), "default")
        .await
        .expect("the storage answers");
    for n in 1..=100 {
        api.make(json!({"req_id": format!("REQ-A-{n}")})).await;
        tokio::time::timeout(PATIENCE, watcher.recv())
            .await
            .expect("the poller sends in time")
            .expect("it runs");
    }
    let dropped = events.next().await.expect("it is told");
    assert_eq!((dropped.name.as_str(), &dropped.data["reason"]), ("dropped", &json!("reader_too_slow")));
    let resume = dropped.data["resume_after"].as_str().expect("a position").to_owned();
    assert_eq!(Some(&resume), first.id.as_ref());
    assert!(events.next().await.is_none(), "the stream has ended");
    let mut events = Events::open(&api, Some(&resume)).await;
    events.next().await.expect("a stream says where it begins");
    for n in 1..=100 {
        assert_eq!(events.change().await.data["id"], format!("REQ-A-{n}"));
    }
}

#[tokio::test]
async fn a_stream_ends_when_the_server_shuts_down() {
    let api = Api::new().await;
    let mut events = Events::open(&api, None).await;
    events.next().await.expect("a stream says where it begins");
    api.app.start_draining();
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_stream_of_heads_tells_the_newest_revision_once_however_much_was_written() {
    let api = Api::new().await;
    let call = api.get("/changes?events=heads").header("accept", "text/event-stream");
    let mut events = Events { body: call.open().await.into_body().into_data_stream(), text: String::new() };
    let begin = events.next().await.expect("a stream says where it begins");
    assert_eq!((begin.name.as_str(), &begin.data), ("head", &json!({"revision": 0, "readers": 1})));
    let mut watcher = api
        .app
        .indexes
        .watches
        .subscribe(&api.app.storage, &rtmx::core::Cx::new(), "default")
        .await
        .expect("the storage answers");
    // More parts than a reader may be behind: a reader of heads misses nothing by it.
    for n in 1..=100 {
        api.make(json!({"req_id": format!("REQ-A-{n}")})).await;
        tokio::time::timeout(PATIENCE, watcher.recv()).await.expect("in time").expect("it runs");
    }
    let newest = events.next().await.expect("the stream goes on");
    assert_eq!((newest.name.as_str(), &newest.data["revision"]), ("head", &json!(100)));
    assert!(newest.id.as_deref().is_some_and(|id| id.ends_with("-100")), "{newest:?}");
}

#[tokio::test]
async fn streams_leave_connections_to_others() {
    let mut settings = rtmx::config::Settings::default();
    settings.server.connections = 8;
    let app = rtmx::http::App::new(crate::client::memory().await, "memory", Arc::new(settings));
    let api = Api::of(app, None).await;
    let mut open = Vec::new();
    for _ in 0..6 {
        open.push(Events::open(&api, None).await);
    }
    let refused = api.get("/changes").header("accept", "text/event-stream").send().await;
    assert_code(refused.code(), server::STREAMS_EXHAUSTED);
    assert_eq!(refused.header("retry-after"), "5");
    open.pop();
    Events::open(&api, None).await;
}
