//! Requests to an installation from outside of it.

use crate::support::{Client, Reply};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long an installation may be away while a part of it comes back.
const PATIENCE: Duration = Duration::from_secs(60);
const REQUIREMENTS: &str = "/api/v1/projects/default/requirements";

/// What is asked at an address of this machine.
pub(crate) trait Asked {
    /// Where.
    fn address(&self) -> SocketAddr;

    /// Sends one request; it is tried again for a while when nobody answers.
    fn call(&self, token: &str, method: &Method, path: &str, kind: &str, body: &str) -> Reply {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts");
        let began = Instant::now();
        loop {
            let reply = runtime.block_on(async {
                let mut client = Client::connect(self.address()).await?;
                client.token = Some(token.to_owned());
                let headers = [("content-type", kind)];
                client.send(method.clone(), path, &headers, Bytes::from(body.to_owned())).await
            });
            match reply {
                Some(reply) => return reply,
                None => assert!(began.elapsed() < PATIENCE, "{path} is not answered"),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Makes a requirement, which must succeed.
    fn make(&self, token: &str, id: &str) {
        let body = json!({"req_id": id}).to_string();
        let made = self.call(token, &Method::POST, REQUIREMENTS, "application/json", &body);
        assert_eq!(made.status, 201, "{id}: {:?}", made.json());
    }

    /// The ids of the first page of requirements.
    fn ids(&self, token: &str) -> Vec<String> {
        let list = self.call(token, &Method::GET, REQUIREMENTS, "text/plain", "");
        assert_eq!(list.status, 200, "{:?}", list.json());
        let list = list.json();
        let rows = list["requirements"].as_array().expect("it is a list").iter();
        rows.map(|row: &Value| row["req_id"].as_str().unwrap_or_default().to_owned()).collect()
    }
}
