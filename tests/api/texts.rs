//! The documents of requirements.

use crate::client::Api;
use serde_json::json;

#[tokio::test]
async fn a_document_comes_back_byte_for_byte_and_is_edited_by_its_tag() {
    for api in [Api::new().await, Api::sqlite().await] {
        let tag = api.make(json!({"req_id": "REQ-A-1"})).await;
        let path = "/requirements/REQ-A-1/text";
        let document = "# REQ-A-1: Größe\r\n\r\ntrailing space \n";
        let made = api.put(path).header("if-none-match", "*").body("text/markdown", document).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let found = api.get(path).send().await;
        assert_eq!((found.text().as_str(), found.etag()), (document, made.etag()));
        assert_eq!(found.header("content-type"), "text/markdown; charset=utf-8");
        assert_eq!(api.get(path).header("if-none-match", made.etag()).send().await.status, 304);

        let unsaid = api.put(path).body("text/markdown", "x").await;
        assert_eq!(unsaid.code(), "precondition_required");
        let second = api.put(path).based_on(&made.etag()).body("text/markdown", "# REQ-A-1: B").await;
        assert_eq!(second.status, 204);
        let stale = api.put(path).based_on(&made.etag()).body("text/markdown", "# REQ-A-1: C").await;
        assert_eq!(stale.code(), "stale_revision");
        let row = api.patch("/requirements/REQ-A-1").based_on(&tag).json(json!({"notes": "n"})).await;
        assert_eq!(row.status, 200, "the row has a tag of its own");

        assert_eq!(api.delete(path).based_on(&second.etag()).send().await.status, 204);
        assert_eq!(api.get(path).send().await.code(), "record_not_found");
        let gone = api.put(path).based_on(&second.etag()).body("text/markdown", "x").await;
        assert_eq!(gone.code(), "record_not_found");
    }
}
