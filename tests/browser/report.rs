//! What a browser says about a page beside showing it: requests, their answers, the console.
//!
//! Whatever goes wrong unseen is a trouble: a request to another host, an answer that is an error, a
//! script that threw, a violation of the content security policy. A story fails on any that it did not
//! expect.

use serde_json::Value;
use std::collections::HashMap;
use thirtyfour::BrowserLogEntry;

/// What was said since the report was last taken.
#[derive(Debug, Default)]
pub(crate) struct Report {
    base: String,
    requests: HashMap<String, Request>,
    troubles: Vec<String>,
    /// The status of the newest document.
    pub(crate) status: Option<u16>,
    /// Bytes on the wire since the newest document was asked for, headers included.
    pub(crate) wire_bytes: u64,
}

#[derive(Debug, Default)]
struct Request {
    url: String,
    kind: String,
}

impl Report {
    /// Of a browser that may speak with this server only.
    pub(crate) fn of(base: &str) -> Report {
        Report { base: base.to_owned(), ..Report::default() }
    }

    /// Takes the troubles so far.
    pub(crate) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.troubles)
    }

    /// Adds a trouble that was noticed elsewhere.
    pub(crate) fn add(&mut self, trouble: String) {
        self.troubles.push(trouble);
    }

    /// Reads an event of the `performance` log, which holds those of the DevTools protocol.
    pub(crate) fn network(&mut self, entry: &BrowserLogEntry) {
        let event: Value = serde_json::from_str(&entry.message).unwrap_or_default();
        let (method, facts) = (&event["message"]["method"], &event["message"]["params"]);
        let id = facts["requestId"].as_str().unwrap_or_default();
        match method.as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => self.asked(id, facts),
            "Network.responseReceived" => self.answered(id, facts),
            "Network.loadingFinished" => {
                self.wire_bytes += facts["encodedDataLength"].as_f64().unwrap_or(0.0) as u64;
            }
            "Network.loadingFailed" => self.failed(id, facts),
            _ => {}
        }
    }

    fn asked(&mut self, id: &str, facts: &Value) {
        let url = facts["request"]["url"].as_str().unwrap_or_default().to_owned();
        let kind = facts["type"].as_str().unwrap_or_default().to_owned();
        if kind == "Document" && facts["loaderId"] == id {
            (self.status, self.wire_bytes) = (None, 0);
        }
        let ours = url.starts_with(&format!("{}/", self.base));
        if !ours && !url.starts_with("data:") && !url.starts_with("about:") {
            self.troubles.push(format!("a request left the server: {url}"));
        }
        self.requests.insert(id.to_owned(), Request { url, kind });
    }

    fn answered(&mut self, id: &str, facts: &Value) {
        let status = facts["response"]["status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let url = facts["response"]["url"].as_str().unwrap_or_default();
        if facts["type"] == "Document" {
            self.status = status;
        } else if status.is_none_or(|status| status >= 400) {
            self.troubles.push(format!("{url} was answered with {}", status.unwrap_or(0)));
        }
        self.requests.entry(id.to_owned()).or_default();
    }

    fn failed(&mut self, id: &str, facts: &Value) {
        let unknown = Request::default();
        let Request { url, kind } = self.requests.get(id).unwrap_or(&unknown);
        let why = facts["errorText"].as_str().unwrap_or_default();
        // Leaving a page ends what it was waiting for; a download is no document.
        let left = facts["canceled"] == true || why == "net::ERR_ABORTED";
        if !left || !facts["blockedReason"].is_null() {
            self.troubles.push(format!("{kind} {url} failed: {why} {}", facts["blockedReason"]));
        }
    }

    /// Reads an entry of the console.
    pub(crate) fn console(&mut self, entry: &BrowserLogEntry) {
        // The network's part is read in full above; here it would only be a second time.
        let network = entry.message.contains("Failed to load resource");
        if !network && ["SEVERE", "WARNING"].contains(&entry.level.as_str()) {
            self.troubles.push(format!("the console says: {}", entry.message));
        }
    }
}
