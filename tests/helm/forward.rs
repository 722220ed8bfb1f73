//! `kubectl port-forward`, and requests through it.

use crate::namespace::Namespace;
use crate::support::{Client, Reply};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const REQUIREMENTS: &str = "/api/v1/projects/default/requirements";

/// A port of this machine that leads to one in the cluster.
pub(crate) struct Forward {
    process: Child,
    address: SocketAddr,
}

impl Forward {
    pub(crate) fn to(namespace: &Namespace<'_>, target: &str, port: u16) -> Forward {
        let mut kubectl = namespace.ground.kubectl_command();
        kubectl.args(["--namespace", &namespace.name, "port-forward", target, &format!(":{port}")]);
        let began = Instant::now();
        loop {
            let mut process =
                kubectl.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("kubectl runs");
            let mut line = String::new();
            let out = process.stdout.take().expect("it was asked for");
            let mut out = BufReader::new(out);
            out.read_line(&mut line).expect("it prints text");
            // Forwarding from 127.0.0.1:41001 -> 8080
            let address = line.split_whitespace().find_map(|word| word.parse::<SocketAddr>().ok());
            if let Some(address) = address {
                // It says every connection, and ends where nobody listens.
                std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
                return Forward { process, address };
            }
            let _ = process.kill();
            let _ = process.wait();
            assert!(began.elapsed() < PATIENCE, "{target} is not forwarded: {}", namespace.trouble());
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Sends one request; it is tried again for a while when nobody answers.
    pub(crate) fn call(&self, token: &str, method: &Method, path: &str, kind: &str, body: &str) -> Reply {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts");
        let began = Instant::now();
        loop {
            let reply = runtime.block_on(async {
                let mut client = Client::connect(self.address).await?;
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
    pub(crate) fn make(&self, token: &str, id: &str) {
        let body = json!({"req_id": id}).to_string();
        let made = self.call(token, &Method::POST, REQUIREMENTS, "application/json", &body);
        assert_eq!(made.status, 201, "{id}: {:?}", made.json());
    }

    /// The ids of all requirements.
    pub(crate) fn ids(&self, token: &str) -> Vec<String> {
        let list = self.call(token, &Method::GET, REQUIREMENTS, "text/plain", "");
        assert_eq!(list.status, 200, "{:?}", list.json());
        let list = list.json();
        let rows = list["requirements"].as_array().expect("it is a list").iter();
        rows.map(|row: &Value| row["req_id"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Forward {
    /// The ids of all requirements, from the exported matrix.
    pub(crate) fn all_ids(&self, token: &str) -> Vec<String> {
        let export = "/api/v1/projects/default/export.csv";
        let csv = self.call(token, &Method::GET, export, "text/plain", "");
        assert_eq!(csv.status, 200, "{:?}", csv.body);
        let text = String::from_utf8_lossy(&csv.body).into_owned();
        text.lines().skip(1).filter_map(|line| line.split(',').next()).map(str::to_owned).collect()
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
