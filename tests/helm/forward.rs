//! `kubectl port-forward`, and requests through it.

use crate::asking::Asked;
use crate::namespace::Namespace;
use http::Method;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

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

    /// The ids of all requirements, from the exported matrix.
    pub(crate) fn all_ids(&self, token: &str) -> Vec<String> {
        let export = "/api/v1/projects/default/export.csv";
        let csv = self.call(token, &Method::GET, export, "text/plain", "");
        assert_eq!(csv.status, 200, "{:?}", csv.body);
        let text = String::from_utf8_lossy(&csv.body).into_owned();
        text.lines().skip(1).filter_map(|line| line.split(',').next()).map(str::to_owned).collect()
    }
}

impl Asked for Forward {
    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
