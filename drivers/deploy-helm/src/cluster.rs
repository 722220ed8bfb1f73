//! The one file that speaks to the API server: what is asked, and what each answer means.
//!
//! Sources: Kubernetes API reference, "Secret v1 core" and "Status v1 meta"; "Accessing the API from a Pod".

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use rtmx_core::{Error, Result, Secret, Timestamp, deploy};
use rtmx_https::{Attempt, Client, Limits, Server, Trouble, Way, in_words};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Where Kubernetes mounts a pod's service account.
pub const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an API server may be away: the rules of a network take a moment until they know a new pod.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(1);
/// The most bytes of an answer: an object has at most 1 MiB, and base64 a third more.
const LIMITS: Limits = Limits { expected: 2 << 20, other: 64 << 10 };

/// The API server as a pod sees it.
#[derive(Debug)]
pub struct Cluster {
    client: Client,
    account: PathBuf,
    /// The pod's own namespace.
    pub(crate) namespace: String,
    patience: Duration,
}

/// An answer that is no trouble of the way there.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// It may hold values.
    pub(crate) body: Secret<Vec<u8>>,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
}

impl Cluster {
    /// The API server of this pod. `account` is mostly [`SERVICE_ACCOUNT`]; `host` and `port` are those of
    /// `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT_HTTPS`.
    ///
    /// # Errors
    ///
    /// `cluster_unknown` when this is no pod, or one without a token.
    pub fn of_pod(account: &Path, host: Option<&str>, port: Option<&str>) -> Result<Cluster> {
        let unknown = |why: String| {
            Error::new(deploy::CLUSTER_UNKNOWN, "cannot find the cluster's API server").with_source(why)
        };
        let host = host.filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| unknown("KUBERNETES_SERVICE_HOST is not set".into()))?;
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let url = format!("https://{host}:{}", port.filter(|port| !port.is_empty()).unwrap_or("443"));
        let server = Server::parse(&url).map_err(|why| unknown(format!("{url} {why}")))?;
        let namespace = read(account, "namespace").map_err(unknown)?;
        read(account, "token").map_err(unknown)?;
        let way = Way { server, proxy: None, ca_file: Some(account.join("ca.crt")) };
        let client = Client { way, connect_timeout: CONNECT_TIMEOUT, answer_timeout: ANSWER_TIMEOUT };
        let namespace = namespace.trim().to_owned();
        Ok(Cluster { client, account: account.to_owned(), namespace, patience: PATIENCE })
    }

    /// How long an API server may be away; one minute, if nothing is said.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Cluster {
        self.patience = patience;
        self
    }

    /// Asks until the API server answers or patience ends.
    pub(crate) async fn ask(&self, method: &Method, path: &str, body: Option<&[u8]>) -> Result<Answer> {
        let end = Instant::now() + self.patience;
        loop {
            let failed = match self.once(method, path, body).await? {
                Ok(answer) if !is_passing(answer.status) => return Ok(answer),
                Ok(answer) => format!("it answered {}: {}", answer.status, answer.said()),
                Err(trouble) => in_words("it did not answer", &trouble),
            };
            if Instant::now() >= end {
                let message = format!("could not ask the API server at {}", self.authority());
                return Err(Error::new(deploy::CLUSTER_UNREACHABLE, message).with_source(failed));
            }
            sleep(PAUSE).await;
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<std::result::Result<Answer, Trouble>> {
        // It is read each time, because the kubelet renews it.
        let token = read(&self.account, "token").map_err(|why| {
            Error::new(deploy::CLUSTER_UNKNOWN, "cannot read the service account's token").with_source(why)
        })?;
        let bearer = HeaderValue::from_str(&format!("Bearer {}", token.trim()));
        let mut bearer = bearer
            .map_err(|_| Error::new(deploy::CLUSTER_UNKNOWN, "the service account's token cannot be one"))?;
        bearer.set_sensitive(true);
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(AUTHORIZATION, bearer)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "rtmx-server")
            .body(Full::new(Bytes::copy_from_slice(body.unwrap_or_default())));
        let request = request.map_err(|error| {
            Error::new(deploy::CLUSTER_REFUSED, format!("cannot ask for `{path}`"))
                .with_source(error.to_string())
        })?;
        let attempt = Attempt { now: Timestamp::now(), deadline: None };
        let answer = self.client.ask(&attempt, request, LIMITS).await;
        Ok(answer.map(|answer| Answer { status: answer.status, body: Secret::new(answer.body) }))
    }

    pub(crate) fn authority(&self) -> &str {
        self.client.way.server.authority()
    }
}

impl Answer {
    /// What the API server says of a refusal; it names objects, and no values.
    pub(crate) fn said(&self) -> String {
        let status: Option<Status> = serde_json::from_slice(self.body.expose()).ok();
        let said = status.map(|status| status.message).filter(|message| !message.is_empty());
        said.map_or_else(|| "it said no more".into(), |message| message.chars().take(300).collect())
    }
}

/// Whether the same question may be answered in a moment.
fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

#[allow(clippy::disallowed_methods, reason = "small files that Kubernetes mounts")]
fn read(folder: &Path, name: &str) -> std::result::Result<String, String> {
    let path = folder.join(name);
    std::fs::read_to_string(&path).map_err(|error| format!("could not read {}: {error}", path.display()))
}
