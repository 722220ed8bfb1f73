//! Editors at the same time: nobody's work is lost and no cycle slips in.

use crate::client::{Api, memory};
use serde_json::json;
use std::sync::Arc;

async fn in_task<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    tokio::spawn(work).await.expect("the task ends by itself")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_editors_of_one_requirement_one_wins_each_round_and_the_others_are_told() {
    const EDITORS: usize = 8;
    for api in [Api::new().await, Api::sqlite().await] {
        let api = Arc::new(api);
        let mut tag = api.make(json!({"req_id": "REQ-A-1"})).await;
        for round in 0..20 {
            let edit = |editor: usize| {
                let (api, tag) = (Arc::clone(&api), tag.clone());
                let body = json!({"notes": format!("round {round} editor {editor}")});
                in_task(async move { api.patch("/requirements/REQ-A-1").based_on(&tag).json(body).await })
            };
            let answers = futures_util::future::join_all((0..EDITORS).map(edit)).await;
            let won: Vec<_> = answers.iter().filter(|got| got.status == 200).collect();
            let lost = answers.iter().filter(|got| got.status == 412).count();
            assert_eq!((won.len(), lost), (1, EDITORS - 1), "round {round}");
            tag = won[0].etag();
            let found = api.get("/requirements/REQ-A-1").send().await.json();
            assert_eq!(found["notes"], won[0].json()["notes"]);
        }
        assert_eq!(api.revision().await, 21);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn editors_of_different_requirements_never_collide() {
    let api = Arc::new(Api::new().await);
    let edit = |editor: usize| {
        let api = Arc::clone(&api);
        in_task(async move {
            let id = format!("REQ-A-{editor}");
            let mut tag = api.make(json!({"req_id": id})).await;
            for round in 0..20 {
                let body = json!({"notes": round.to_string(), "dependencies": [format!("REQ-X-{round}")]});
                let got = api.patch(format!("/requirements/{id}")).based_on(&tag).json(body).await;
                assert_eq!(got.status, 200, "{id} {round}: {}", got.text());
                tag = got.etag();
            }
        })
    };
    futures_util::future::join_all((0..6).map(edit)).await;
    assert_eq!(api.revision().await, 6 * 21);
}

/// Races two opposite links and checks that exactly one was let in.
async fn race_opposite_links(left: &Arc<Api>, right: &Arc<Api>, rounds: usize) {
    for round in 0..rounds {
        let (a, b) = (format!("REQ-A-{round}"), format!("REQ-B-{round}"));
        let tag_a = left.make(json!({"req_id": a})).await;
        let tag_b = left.make(json!({"req_id": b})).await;
        let link = |api: &Arc<Api>, from: &str, tag: &str, to: &str| {
            let (api, path, tag) = (Arc::clone(api), format!("/requirements/{from}"), tag.to_owned());
            let body = json!({"dependencies": [to]});
            in_task(async move { api.patch(path).based_on(&tag).json(body).await })
        };
        let (one, other) = tokio::join!(link(left, &a, &tag_a, &b), link(right, &b, &tag_b, &a));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "round {round}: {} {}", one.text(), other.text());
        let refused = if one.status == 409 { one } else { other };
        assert_eq!(refused.code(), "cycle_closed", "round {round}");
    }
    assert_eq!(left.get("/cycles").send().await.json()["count"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_opposite_links_cannot_both_slip_in() {
    let api = Arc::new(Api::new().await);
    race_opposite_links(&api, &api, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_opposite_links_through_two_servers_cannot_both_slip_in() {
    let backend = memory().await;
    let left = Arc::new(Api::over(Arc::clone(&backend)).await);
    let right = Arc::new(Api::over(backend).await);
    race_opposite_links(&left, &right, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn links_are_edited_while_a_file_is_imported_and_others_edit() {
    let api = Arc::new(Api::sqlite().await);
    let tag = api.make(json!({"req_id": "REQ-A-1"})).await;
    let import = |n: usize| {
        let api = Arc::clone(&api);
        let file = format!("req_id,notes\nREQ-I-{n},x\n");
        in_task(async move { api.post("/import").csv(file).await })
    };
    let (link, imports) = {
        let api = Arc::clone(&api);
        let link = in_task(async move {
            api.patch("/requirements/REQ-A-1").based_on(&tag).json(json!({"dependencies": ["REQ-I-1"]})).await
        });
        tokio::join!(link, futures_util::future::join_all((0..8).map(import)))
    };
    assert_eq!(link.status, 200, "{}", link.text());
    assert!(imports.iter().all(|got| got.status == 200));
    assert_eq!(api.get("/status").send().await.json()["total"], 9);
}
