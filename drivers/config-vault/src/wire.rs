//! The one file that knows the server's HTTP API: what is asked, and what each answer means.
//!
//! Sources: OpenBao documentation, "HTTP API", the pages on the key-value engine version 2, the token,
//! Kubernetes and AppRole logins and `sys/internal/ui/mounts`; HashiCorp Vault's are the same here.

use crate::VaultSettings;
use crate::document::{Document, Entry, Version};
use crate::failure::{Failure, Said};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rtmx_core::{Result as CoreResult, Secret, Timestamp};
use rtmx_https::{Attempt, Client, Limits, Way};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// An agent in between may ask for it, as a sign that no browser was tricked into asking.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of an answer: an entry of the storage has at most 1 MiB.
const LIMITS: Limits = Limits { expected: 4 << 20, other: 64 << 10 };
/// The most characters of what the server says that are shown.
const SAID_LIMIT_CHARS: usize = 300;
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The questions that a source asks.
#[derive(Debug)]
pub(crate) struct Wire {
    client: Client,
    namespace: Option<String>,
    mount: String,
}

/// A token, and for how long it is good.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) token: Secret<String>,
    pub(crate) length: Duration,
    pub(crate) renewable: bool,
}

/// How a token is given out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Door<'a> {
    pub(crate) method: &'static str,
    pub(crate) mount: &'a str,
}

/// Whether a secret has a newest version, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Newest {
    Version(Version),
    None,
    /// It cannot be told from what this token may see.
    Unknown,
}

/// What comes with every answer.
#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Granted {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: Secret<String>,
    lease_duration: u64,
    renewable: bool,
}

#[derive(Deserialize)]
struct Looked {
    ttl: u64,
    #[serde(default)]
    renewable: bool,
}

#[derive(Deserialize)]
struct Read {
    data: Option<BTreeMap<String, Entry>>,
    metadata: Version,
}

#[derive(Deserialize)]
struct Metadata {
    current_version: u64,
    versions: BTreeMap<String, Life>,
}

#[derive(Deserialize)]
struct Life {
    created_time: String,
    deletion_time: String,
    destroyed: bool,
}

#[derive(Deserialize)]
struct Mount {
    #[serde(rename = "type")]
    kind: String,
    options: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
struct Errors {
    #[serde(default)]
    errors: Vec<String>,
}

struct Answer {
    status: StatusCode,
    /// It may hold values and tokens.
    body: Secret<Vec<u8>>,
}

impl Wire {
    pub(crate) fn new(settings: &VaultSettings) -> CoreResult<Wire> {
        let way = Way { server: settings.server()?, proxy: None, ca_file: settings.ca_file.clone() };
        let client = Client { way, connect_timeout: CONNECT_TIMEOUT, answer_timeout: ANSWER_TIMEOUT };
        Ok(Wire { client, namespace: settings.namespace.clone(), mount: settings.mount.clone() })
    }

    /// The server's name, for messages.
    pub(crate) fn server(&self) -> &str {
        self.client.way.server.authority()
    }

    /// Logs in with what the method asks for.
    pub(crate) async fn log_in(
        &self,
        end: Instant,
        door: Door<'_>,
        with: &[(&str, &str)],
    ) -> Result<Login, Failure> {
        let body: BTreeMap<_, _> = with.iter().copied().collect();
        let resource = format!("/v1/auth/{}/login", encoded(door.mount));
        let answer = self.ask(end, Method::POST, &resource, None, Some(json!(body))).await?;
        granted(&answer, door.method)
    }

    /// Makes a token last longer.
    pub(crate) async fn renew(&self, end: Instant, token: &Secret<String>) -> Result<Login, Failure> {
        let answer =
            self.ask(end, Method::POST, "/v1/auth/token/renew-self", Some(token), Some(json!({}))).await?;
        granted(&answer, "token")
    }

    /// How long a token is still good; `None` if that is for ever, or may not be known.
    pub(crate) async fn look_up(
        &self,
        end: Instant,
        token: &Secret<String>,
    ) -> Result<Option<Login>, Failure> {
        let answer = self.ask(end, Method::GET, "/v1/auth/token/lookup-self", Some(token), None).await?;
        if answer.status != StatusCode::OK {
            // Reading will say whether the token is good for what it is for.
            return Ok(None);
        }
        let Data { data: Looked { ttl, renewable } } = answer.parse("a token's description")?;
        let length = Duration::from_secs(ttl);
        Ok((ttl > 0).then(|| Login { token: token.clone(), length, renewable }))
    }

    /// The newest version of a secret.
    pub(crate) async fn read(
        &self,
        end: Instant,
        token: &Secret<String>,
        path: &str,
    ) -> Result<Document, Failure> {
        let resource = format!("/v1/{}/data/{}", encoded(&self.mount), encoded(path));
        let answer = self.ask(end, Method::GET, &resource, Some(token), None).await?;
        let path = path.to_owned();
        match answer.status {
            StatusCode::OK => match answer.parse("a secret of version 2")? {
                Data { data: Read { data: Some(entries), metadata } } => {
                    Ok(Document { version: metadata, entries })
                }
                _ => Err(Failure::Deleted { path }),
            },
            StatusCode::NOT_FOUND if answer.parse::<Data<Read>>("").is_ok() => Err(Failure::Deleted { path }),
            status @ (StatusCode::NOT_FOUND | StatusCode::FORBIDDEN) => {
                // An engine of version 1 takes `data/` for a part of the name.
                self.check_mount(end, token).await?;
                let said = answer.said();
                Err(match status {
                    StatusCode::NOT_FOUND => Failure::Missing { path, said },
                    _ => Failure::Denied { path, said },
                })
            }
            _ => Err(answer.unexpected("a secret")),
        }
    }

    /// Which version of a secret is the newest, without reading it.
    pub(crate) async fn newest(
        &self,
        end: Instant,
        token: &Secret<String>,
        path: &str,
    ) -> Result<Newest, Failure> {
        let resource = format!("/v1/{}/metadata/{}", encoded(&self.mount), encoded(path));
        let answer = self.ask(end, Method::GET, &resource, Some(token), None).await?;
        match answer.status {
            StatusCode::OK => {
                let Data { data: Metadata { current_version: number, versions } } =
                    answer.parse("a secret's metadata")?;
                Ok(match versions.get(&number.to_string()) {
                    Some(life) if life.destroyed => Newest::None,
                    // Whether its time has come is for the server's clock to say.
                    Some(life) if !life.deletion_time.is_empty() => Newest::Unknown,
                    Some(life) => {
                        Newest::Version(Version { number, created_time: life.created_time.clone() })
                    }
                    None => Newest::None,
                })
            }
            StatusCode::NOT_FOUND => Ok(Newest::None),
            StatusCode::FORBIDDEN => Ok(Newest::Unknown),
            _ => Err(answer.unexpected("a secret's metadata")),
        }
    }

    /// Fails if the mount is known to be something else than is needed.
    async fn check_mount(&self, end: Instant, token: &Secret<String>) -> Result<(), Failure> {
        let resource = format!("/v1/sys/internal/ui/mounts/{}", encoded(&self.mount));
        let answer = self.ask(end, Method::GET, &resource, Some(token), None).await?;
        let Ok(Data { data: Mount { kind, options } }) = answer.parse("") else { return Ok(()) };
        let mount = self.mount.clone();
        let version = options.unwrap_or_default().remove("version");
        match kind.as_str() {
            "kv" if version.as_deref() == Some("2") => Ok(()),
            "kv" | "generic" => Err(Failure::FirstVersion { mount }),
            _ => Err(Failure::OtherEngine { mount, kind: plain(&kind) }),
        }
    }

    async fn ask(
        &self,
        end: Instant,
        method: Method,
        resource: &str,
        token: Option<&Secret<String>>,
        body: Option<serde_json::Value>,
    ) -> Result<Answer, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(resource)
            .header(REQUEST, HeaderValue::from_static("true"))
            .header(USER_AGENT, HeaderValue::from_static("rtmx-config-vault"));
        if let Some(token) = token {
            request = request.header(TOKEN, secret_header(token)?);
        }
        if let Some(namespace) = &self.namespace {
            request = request.header(NAMESPACE, namespace.as_str());
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let body = body.map_or(Bytes::new(), |body| Bytes::from(body.to_string()));
        let request = request.body(Full::new(body));
        let request = request.map_err(|error| Failure::Unasked { why: error.to_string() })?;
        let attempt = Attempt { now: Timestamp::now(), deadline: Some(end) };
        let answer = self.client.ask(&attempt, request, LIMITS).await;
        let answer = answer.map_err(|trouble| Failure::of_the_way(&trouble))?;
        let answer = Answer { status: answer.status, body: Secret::new(answer.body) };
        match answer.status {
            status if status.is_redirection() => Err(Failure::Elsewhere { status }),
            StatusCode::SERVICE_UNAVAILABLE if answer.said().0.contains("sealed") => {
                Err(Failure::Sealed(answer.said()))
            }
            // 412: a standby has not heard yet of what the token was given out with.
            status @ (StatusCode::PRECONDITION_FAILED | StatusCode::TOO_MANY_REQUESTS) => {
                Err(Failure::Busy { status, said: answer.said() })
            }
            status if status.is_server_error() => Err(Failure::Busy { status, said: answer.said() }),
            _ => Ok(answer),
        }
    }
}

fn granted(answer: &Answer, method: &'static str) -> Result<Login, Failure> {
    if answer.status != StatusCode::OK {
        return Err(Failure::Login { method, status: answer.status, said: answer.said() });
    }
    let Granted { auth: Auth { client_token: token, lease_duration, renewable } } =
        answer.parse("a login")?;
    Ok(Login { token, length: Duration::from_secs(lease_duration), renewable })
}

fn secret_header(token: &Secret<String>) -> Result<HeaderValue, Failure> {
    let value = HeaderValue::from_str(token.expose());
    let mut value =
        value.map_err(|_| Failure::Unasked { why: "the token holds what no token has".to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}

impl Answer {
    /// Parses the body. What it holds is no part of the failure.
    fn parse<T: DeserializeOwned>(&self, wanted: &'static str) -> Result<T, Failure> {
        serde_json::from_slice(self.body.expose()).map_err(|error| Failure::Strange {
            wanted,
            why: format!("it cannot be read at line {} column {}", error.line(), error.column()),
        })
    }

    /// What the server said is wrong.
    fn said(&self) -> Said {
        let Errors { errors } = serde_json::from_slice(self.body.expose()).unwrap_or_default();
        Said(plain(&errors.join("; ")))
    }

    fn unexpected(&self, wanted: &'static str) -> Failure {
        Failure::Strange { wanted, why: format!("{}, {}", self.status, self.said()) }
    }
}

fn encoded(path: &str) -> String {
    utf8_percent_encode(path, PLAIN).to_string()
}

/// On one short line.
fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(SAID_LIMIT_CHARS).map(shown).collect()
}
