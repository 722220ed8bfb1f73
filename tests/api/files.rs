//! Files go in and come out.

use crate::client::Api;
use rtmx::core::{assert_code, server, storage};
use serde_json::json;

#[tokio::test]
async fn a_file_that_was_only_imported_comes_out_byte_for_byte() {
    // name, file
    let cases: [(&str, &[u8]); 5] = [
        ("plain", b"req_id,status\nREQ-A-1,MISSING\nREQ-A-2,COMPLETE\n"),
        ("carriage returns and mark", b"\xef\xbb\xbfreq_id,status\r\nREQ-B-1,done\r\nREQ-A-2,COMPLETE\r\n"),
        ("no last line end", b"req_id,Extra Col\nREQ-A-1,\"a,b\""),
        ("surplus and short rows", b"req_id,notes,status\nREQ-A-1,x,MISSING,more\nREQ-A-2\n\n"),
        ("quotes that are not needed", b"\"req_id\",\"notes\"\n\"REQ-A-1\",\"line\nbreak\"\n"),
    ];
    for (name, file) in cases {
        for api in [Api::new().await, Api::sqlite().await] {
            let imported = api.post("/import").csv(file).await;
            assert_eq!(imported.status, 200, "{name}: {}", imported.text());
            assert_eq!(imported.json()["applied"], true, "{name}");
            let exported = api.get("/export.csv").send().await;
            assert_eq!(exported.body, file, "{name}: {}", exported.text());
            assert_eq!(exported.header("content-type"), "text/csv; charset=utf-8");
            let again = api.post("/import").csv(file).await.json();
            assert_eq!((&again["applied"], &again["revision"]), (&json!(false), &json!(1)), "{name}");
        }
    }
}

#[tokio::test]
async fn an_export_is_larger_than_a_portion_and_still_whole_and_in_order() {
    let api = Api::new().await;
    let mut file = String::from("req_id,notes\n");
    (0..2_500).rev().for_each(|n| file.push_str(&format!("REQ-A-{n},note {n}\n")));
    assert_eq!(api.post("/import").csv(file.clone()).await.status, 200);
    assert_eq!(api.get("/export.csv").send().await.text(), file);
}

#[tokio::test]
async fn an_edit_changes_its_row_and_no_other() {
    let api = Api::new().await;
    let file = "req_id,status,Cost\r\n\"REQ-A-1\",todo,1\r\n\"REQ-A-2\",todo,2\r\n";
    assert_eq!(api.post("/import").csv(file).await.status, 200);
    let tag = api.get("/requirements/REQ-A-2").send().await.etag();
    let edit = api.patch("/requirements/REQ-A-2").based_on(&tag).json(json!({"status": "COMPLETE"})).await;
    assert_eq!(edit.status, 200, "{}", edit.text());
    let want = "req_id,status,Cost\r\n\"REQ-A-1\",todo,1\r\nREQ-A-2,COMPLETE,2\r\n";
    assert_eq!(api.get("/export.csv").send().await.text(), want);
}

#[tokio::test]
async fn a_value_in_a_column_that_the_file_lacks_is_exported() {
    let api = Api::new().await;
    assert_eq!(api.post("/import").csv("req_id\nREQ-A-1\nREQ-A-2\n").await.status, 200);
    let tag = api.get("/requirements/REQ-A-2").send().await.etag();
    let edit = api.patch("/requirements/REQ-A-2").based_on(&tag);
    let edit = edit.json(json!({"notes": "new", "extra": {"risk": "high"}})).await;
    assert_eq!(edit.status, 200, "{}", edit.text());
    let out = api.get("/export.csv").send().await.text();
    assert_eq!(out, "req_id,notes,risk\nREQ-A-1,,\nREQ-A-2,new,high\n");
}

#[tokio::test]
async fn a_dry_run_reports_and_changes_nothing() {
    let api = Api::new().await;
    let file = "req_id,status\nREQ-A-1,BACKLOG\n";
    let report = api.post("/import?dry_run=true").csv(file).await.json();
    assert_eq!(
        (&report["created"], &report["applied"], &report["revision"]),
        (&json!(1), &json!(false), &json!(0))
    );
    assert_eq!(report["warning_counts"]["status_unknown"], 1);
    let warnings = report["warnings"].as_array().expect("a report has warnings");
    let named = warnings.iter().find(|warning| warning["code"] == "status_unknown");
    assert_eq!(named.map(|warning| &warning["req_id"]), Some(&json!("REQ-A-1")));
    assert_eq!(api.get("/status").send().await.json()["total"], 0);
}

#[tokio::test]
async fn replacing_deletes_what_the_file_lacks_and_merging_keeps_it() {
    let api = Api::new().await;
    assert_eq!(api.post("/import").csv("req_id\nREQ-A-1\nREQ-A-2\n").await.status, 200);
    let merged = api.post("/import").csv("req_id\nREQ-A-3\n").await.json();
    assert_eq!((&merged["created"], &merged["kept"], &merged["deleted"]), (&json!(1), &json!(2), &json!(0)));
    let listed = api.post("/import?mode=replace&dry_run=true").csv("req_id\nREQ-A-3\n").await.json();
    assert_eq!(listed["deleted_ids"], json!(["REQ-A-1", "REQ-A-2"]));
    let replaced = api.post("/import?mode=replace").csv("req_id\nREQ-A-3\n").await.json();
    assert_eq!(replaced["deleted"], 2);
    assert_eq!(api.get("/export.csv").send().await.text(), "req_id\nREQ-A-3\n");
}

#[tokio::test]
async fn an_import_can_name_the_state_that_it_is_based_on() {
    let api = Api::new().await;
    assert_eq!(api.post("/import").csv("req_id\nREQ-A-1\n").await.status, 200);
    let tag = api.get("/export.csv").send().await.etag();
    api.make(json!({"req_id": "REQ-A-2"})).await;
    let file = "req_id,notes\nREQ-A-1,x\n";
    let late = api.post("/import").based_on(&tag).csv(file).await;
    assert_code(late.code(), storage::STALE_REVISION);
    let late = api.post("/import?head=1").csv(file).await;
    assert_code(late.code(), storage::HEAD_MOVED);
    assert_eq!(api.revision().await, 2);
    assert_eq!(api.post("/import?head=2").csv(file).await.status, 200);
    let unchanged = api.get("/export.csv").send().await;
    let known = api.get("/export.csv").header("if-none-match", unchanged.etag()).send().await;
    assert_eq!(known.status, 304);
}

#[tokio::test]
async fn an_import_accepts_cycles_and_they_are_found_afterwards() {
    let api = Api::new().await;
    let file = "req_id,dependencies\nREQ-A-1,REQ-A-2\nREQ-A-2,REQ-A-1\nREQ-A-3,REQ-A-3\n";
    assert_eq!(api.post("/import").csv(file).await.status, 200);
    let cycles = api.get("/cycles").send().await.json();
    assert_eq!((&cycles["count"], &cycles["requirements"]), (&json!(2), &json!(3)));
}

#[tokio::test]
async fn a_list_as_csv_has_all_that_match_in_their_order_with_the_chosen_columns() {
    for api in [Api::new().await, Api::sqlite().await] {
        let mut file = "req_id,status,notes,risk\n".to_owned();
        for n in 0..2_500 {
            let status = if n % 2 == 0 { "done" } else { "MISSING" };
            file.push_str(&format!("R-{n:04},{status},\"=1+{n}, \"\"x\"\"\",r{n}\n"));
        }
        assert_eq!(api.post("/import").csv(file).await.status, 200);
        let got = api.get("/requirements.csv?columns=notes,req_id,extra.risk&sort=-req_id&status=MISSING");
        let got = got.send().await;
        assert_eq!(got.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(got.header("content-disposition"), "attachment; filename=\"default-requirements.csv\"");
        let mut want = "notes,req_id,risk\r\n".to_owned();
        for n in (0..2_500).rev() {
            want.push_str(&format!("\"=1+{n}, \"\"x\"\"\",R-{n:04},r{n}\r\n"));
        }
        assert!(got.text() == want, "{:.300}", got.text());
        // A status that was read leniently is written as the file had it, and every column of the file is there.
        let got = api.get("/requirements.csv?req_id=R-0000").send().await.text();
        assert_eq!(got, "req_id,status,notes,risk\r\nR-0000,done,\"=1+0, \"\"x\"\"\",r0\r\n");
        let nothing = api.get("/requirements.csv?columns=assignee&status=PARTIAL").send().await;
        assert_eq!(nothing.text(), "assignee\r\n");
        let empty = api.get("/requirements.csv?columns=assignee&req_id=R-0001").send().await;
        assert_eq!(empty.text(), "assignee\r\n\"\"\r\n");
    }
}

#[tokio::test]
async fn a_list_as_csv_takes_no_page_and_no_unknown_column() {
    let api = Api::new().await;
    for query in ["limit=3", "cursor=00", "count=true", "columns=nothing"] {
        let got = api.get(format!("/requirements.csv?{query}")).send().await;
        assert_code(got.code(), server::PARAMETER_INVALID);
    }
}
