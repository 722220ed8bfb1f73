//! Sessions of browsers: what a cookie is good for, from where, and until when.

use crate::client::{Api, Got, memory};
use http::{Method, header};
use http_body_util::BodyExt;
use rtmx::core::{Cx, Kind, Space, Timestamp, assert_code, server};
use rtmx::http::{App, Clock};
use rtmx::storage::Query;
use rtmx::storage::query::RecordQuery;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub(crate) const HOST: &str = "rtmx.example";
pub(crate) const ORIGIN: &str = "http://rtmx.example";

/// A clock that a test sets, in seconds.
#[derive(Debug)]
struct Hands(AtomicI64);

impl Hands {
    fn at(second: i64) -> Arc<Hands> {
        Arc::new(Hands(AtomicI64::new(second)))
    }

    fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).expect("the second is in range")
    }
}

async fn clocked(hands: &Arc<Hands>) -> Api {
    let app = App::new(memory().await, "memory", Arc::default());
    Api::of(app.with_clock(Arc::<Hands>::clone(hands)), None).await
}

/// A token with its id.
async fn token(api: &Api, wanted: Value) -> (String, String) {
    let made = api.post("/api/v1/tokens").json(wanted).await.json();
    let part = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    (part("token"), part("id"))
}

pub(crate) async fn editor(api: &Api) -> (String, String) {
    token(api, json!({"name": "editor", "role": "editor"})).await
}

/// Sends the form of the sign-in page, as a browser of plain HTTP does.
pub(crate) async fn show(api: &Api, fields: &[(&str, &str)], headers: &[(&'static str, &str)]) -> Got {
    let body = serde_urlencoded::to_string(fields).expect("pairs of text");
    let mut call = api.outside(Method::POST, "/sign-in").over_network();
    call = call.header("content-type", "application/x-www-form-urlencoded").header("host", HOST);
    for (name, value) in headers {
        call = call.header(name, *value);
    }
    call.with(body).unjudged().await
}

/// Signs in; answers the `Cookie` that the browser sends from then on.
pub(crate) async fn sign_in(api: &Api, token: &str) -> String {
    let got = show(api, &[("token", token)], &[("origin", ORIGIN)]).await;
    assert_eq!((got.status.as_u16(), got.header("location").as_str()), (303, "/"), "{}", got.text());
    cookie_of(&got)
}

fn cookie_of(got: &Got) -> String {
    let cookie = got.header("set-cookie");
    cookie.split(';').next().expect("a cookie has a value").to_owned()
}

/// Whether a request with this cookie reads.
async fn reads(api: &Api, cookie: &str) -> Got {
    api.get("/status").over_network().header("host", HOST).header("cookie", cookie).send().await
}

pub(crate) async fn sessions(api: &Api) -> usize {
    let query = Query::Records(RecordQuery::all(Space::System, Kind::Session));
    api.app.storage.fetch(&Cx::new(), &query).await.expect("the storage answers").into_records().len()
}

#[tokio::test]
async fn a_token_is_changed_for_a_cookie_that_no_script_can_read() {
    let api = Api::new().await;
    let (token, _) = editor(&api).await;
    let got =
        show(&api, &[("token", &format!(" {token}\n")), ("next", "/projects/a?b=c")], &[("origin", ORIGIN)])
            .await;
    assert_eq!((got.status.as_u16(), got.header("location").as_str()), (303, "/projects/a?b=c"));
    let set = got.header("set-cookie");
    let (pair, attributes) = set.split_once("; ").expect("it has attributes");
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/; Max-Age=43200");
    let secret = pair.strip_prefix("rtmx_session=").expect("that is its name");
    // 10 digits that say when it ends, a dot, and 256 bits in base64.
    assert_eq!((secret.len(), secret.find('.')), (54, Some(10)));
    assert_ne!(cookie_of(&show(&api, &[("token", &token)], &[("origin", ORIGIN)]).await), pair);
    assert_eq!(got.header("cache-control"), "no-store");
    assert_eq!(reads(&api, pair).await.status, 200);
    assert_eq!(reads(&api, &format!("theme=dark; {pair}")).await.status, 200);
}

#[tokio::test]
async fn over_https_the_cookie_is_kept_to_https_and_to_this_host() {
    let api = Api::new().await;
    let (token, _) = editor(&api).await;
    let fields = [("token", token.as_str())];
    // A proxy speaks plain HTTP with the server, and may call it by another name.
    let proxied = [("origin", "https://rtmx.example"), ("sec-fetch-site", "same-origin")];
    let got = show(&api, &fields, &proxied).await;
    let cookie = got.header("set-cookie");
    assert!(cookie.starts_with("__Host-rtmx_session=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax; Path=/; "), "{cookie}");
    let pair = cookie_of(&got);
    assert_eq!(reads(&api, &pair).await.status, 200);
    // Another host of the domain can set a cookie for it, but not this one.
    let planted = format!("rtmx_session={}; {pair}", "x".repeat(54));
    assert_eq!(reads(&api, &planted).await.status, 200);
}

#[tokio::test]
async fn a_session_may_do_exactly_what_its_token_may() {
    let api = Api::new().await;
    assert_eq!(api.post("/api/v1/projects").json(json!({"id": "mine"})).await.status, 201);
    let of = |method: Method, path: &str, cookie: &str| {
        let call = api.call(method, path).over_network().header("host", HOST).header("origin", ORIGIN);
        call.header("cookie", cookie)
    };
    let (viewer, _) = token(&api, json!({"name": "v", "role": "viewer"})).await;
    let viewer = sign_in(&api, &viewer).await;
    assert_eq!(of(Method::GET, "/export.csv", &viewer).send().await.status, 200);
    let refused = of(Method::POST, "/requirements", &viewer).json(json!({"req_id": "REQ-A-1"})).await;
    assert_code(refused.code(), server::FORBIDDEN);

    let (bound, bound_id) = token(&api, json!({"name": "b", "role": "editor", "project": "mine"})).await;
    let bound = sign_in(&api, &bound).await;
    let mine = "/api/v1/projects/mine/requirements";
    assert_eq!(of(Method::POST, mine, &bound).json(json!({"req_id": "REQ-A-1"})).await.status, 201);
    let made = of(Method::GET, "/api/v1/projects/mine/requirements/REQ-A-1", &bound).send().await.json();
    assert_eq!(made["updated_by"], bound_id, "the history names the token");
    assert_code(of(Method::GET, "/status", &bound).send().await.code(), server::PROJECT_NOT_FOUND);
    let refused = of(Method::GET, "/api/v1/tokens", &bound).send().await;
    assert_code(refused.code(), server::FORBIDDEN);

    let (admin, _) = token(&api, json!({"name": "a", "role": "admin"})).await;
    let admin = sign_in(&api, &admin).await;
    assert_eq!(of(Method::GET, "/api/v1/tokens", &admin).send().await.status, 200);
    // Both at once: the token is what counts.
    let both = of(Method::GET, "/api/v1/tokens", &admin).header("authorization", "Bearer nonsense");
    assert_code(both.send().await.code(), server::TOKEN_INVALID);
}

#[tokio::test]
async fn another_sites_page_changes_nothing_with_somebody_elses_cookie() {
    let api = Api::new().await;
    let tag = api.make(json!({"req_id": "REQ-A-1"})).await;
    let (token, _) = editor(&api).await;
    let cookie = sign_in(&api, &token).await;
    let before = api.revision().await;
    let forged: [&[(&'static str, &str)]; 7] = [
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://other.rtmx.example")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
        &[("sec-fetch-site", "none")],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[],
    ];
    for headers in forged {
        let with = |method: Method, path: &str| {
            let mut call = api.call(method, path).over_network().header("host", HOST);
            for (name, value) in headers {
                call = call.header(name, *value);
            }
            call.header("cookie", cookie.as_str())
        };
        let refusals = [
            with(Method::POST, "/requirements").json(json!({"req_id": "REQ-B-1"})).await,
            with(Method::PATCH, "/requirements/REQ-A-1").based_on(&tag).json(json!({"notes": "x"})).await,
            with(Method::DELETE, "/requirements/REQ-A-1").based_on(&tag).send().await,
            with(Method::POST, "/import").csv("req_id\nREQ-C-1\n").await,
        ];
        for refused in refusals {
            assert_eq!(refused.status, 403, "{headers:?}");
            assert_code(refused.code(), server::ORIGIN_REFUSED);
        }
        // Nor does it sign anybody out, or in as somebody else.
        let out = api.outside(Method::POST, "/sign-out").over_network().header("host", HOST);
        let out = headers.iter().fold(out, |call, (name, value)| call.header(name, *value));
        assert_eq!(out.header("cookie", cookie.as_str()).unjudged().await.status, 403, "{headers:?}");
        let got = show(&api, &[("token", &token)], headers).await;
        assert_eq!((got.status.as_u16(), got.headers.get("set-cookie")), (403, None), "{headers:?}");
    }
    assert_eq!(api.revision().await, before, "nothing was written");
    assert_eq!(sessions(&api).await, 1);
    assert_eq!(reads(&api, &cookie).await.status, 200);
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", ORIGIN)] {
        let call = api.post("/requirements").over_network().header("host", HOST).header(name, value);
        let made = call.header("cookie", cookie.as_str()).json(json!({"req_id": name})).await;
        assert_eq!(made.status, 201, "{name}");
    }
}

#[tokio::test]
async fn another_sites_page_reads_nothing_but_links_to_a_page_work() {
    let api = Api::new().await;
    let (token, _) = editor(&api).await;
    let cookie = sign_in(&api, &token).await;
    // site, mode, destination, status
    let cases = [
        ("same-origin", "cors", "empty", 200),
        ("none", "navigate", "document", 200),
        ("cross-site", "navigate", "document", 200),
        ("cross-site", "navigate", "iframe", 403),
        ("cross-site", "no-cors", "script", 403),
        ("same-site", "cors", "empty", 403),
    ];
    for (site, mode, dest, status) in cases {
        let call =
            api.get("/requirements").over_network().header("host", HOST).header("cookie", cookie.as_str());
        let call = call.header("sec-fetch-site", site).header("sec-fetch-mode", mode);
        let got = call.header("sec-fetch-dest", dest).send().await;
        assert_eq!(got.status, status, "{site} {mode} {dest}");
        if status == 200 {
            assert!(got.header("cache-control").contains("no-cache"), "no cache on the way keeps it");
        }
    }
    let call = api.get("/changes").over_network().header("host", HOST).header("cookie", cookie.as_str());
    let stream =
        call.header("sec-fetch-site", "same-origin").header("accept", "text/event-stream").open().await;
    assert_eq!(stream.headers()[header::CONTENT_TYPE], "text/event-stream");
    let first = stream.into_body().frame().await.expect("it begins").expect("it is whole");
    assert!(first.data_ref().is_some_and(|data| data.starts_with(b"retry: ")));
    let call = api.get("/changes").over_network().header("host", HOST).header("cookie", cookie.as_str());
    let call = call.header("sec-fetch-site", "cross-site").header("accept", "text/event-stream");
    assert_code(call.send().await.code(), server::ORIGIN_REFUSED);
}

#[tokio::test]
async fn a_session_ends_with_its_token_on_every_server() {
    let backend = memory().await;
    let (here, there) = (Api::over(Arc::clone(&backend)).await, Api::over(backend).await);
    let (token, id) = editor(&here).await;
    let cookie = sign_in(&here, &token).await;
    assert_eq!(reads(&there, &cookie).await.status, 200, "replicas share sessions");
    let revoked = here.post(format!("/api/v1/tokens/{id}/revoke")).send().await;
    assert_eq!(revoked.status, 200);
    for api in [&here, &there] {
        let got = reads(api, &cookie).await;
        assert_code(got.code(), server::SESSION_ENDED);
        assert!(got.header("www-authenticate").starts_with("Bearer"));
    }
}

#[tokio::test]
async fn signing_out_ends_a_copied_cookie_too() {
    let backend = memory().await;
    let (here, there) = (Api::over(Arc::clone(&backend)).await, Api::over(backend).await);
    let (token, _) = editor(&here).await;
    let (cookie, other) = (sign_in(&here, &token).await, sign_in(&here, &token).await);
    let out = here.outside(Method::POST, "/sign-out").over_network().header("host", HOST);
    let got = out.header("origin", ORIGIN).header("cookie", cookie.as_str()).unjudged().await;
    assert_eq!((got.status.as_u16(), got.header("location").as_str()), (303, "/sign-in"));
    assert_eq!(got.header("set-cookie"), "rtmx_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    assert_code(reads(&there, &cookie).await.code(), server::SESSION_ENDED);
    assert_eq!(reads(&there, &other).await.status, 200, "another browser stays signed in");
    let again = here.outside(Method::POST, "/sign-out").over_network().header("host", HOST);
    let again = again.header("origin", ORIGIN).header("cookie", cookie.as_str()).unjudged().await;
    assert_eq!(again.status, 303, "twice is no error");
    // A sign-in ends the session that the browser had.
    let show = show(&here, &[("token", &token)], &[("origin", ORIGIN), ("cookie", &other)]).await;
    assert_eq!(show.status, 303);
    assert_code(reads(&here, &other).await.code(), server::SESSION_ENDED);
    assert_eq!(sessions(&here).await, 1);
}

#[tokio::test]
async fn a_session_ends_by_itself_and_is_deleted_at_a_later_sign_in() {
    let hands = Hands::at(1_700_000_000);
    let api = clocked(&hands).await;
    let (token, _) = editor(&api).await;
    let cookie = sign_in(&api, &token).await;
    hands.forward(12 * 3_600 - 1);
    assert_eq!(reads(&api, &cookie).await.status, 200);
    hands.forward(1);
    assert_code(reads(&api, &cookie).await.code(), server::SESSION_ENDED);
    assert_eq!(sessions(&api).await, 1, "reading deletes nothing");
    // Its own word on when it ends is not taken.
    let (name, secret) = cookie.split_once('=').expect("a cookie has a value");
    let longer = format!("{name}=ffffffff00{}", &secret[10..]);
    assert_code(reads(&api, &longer).await.code(), server::SESSION_ENDED);
    sign_in(&api, &token).await;
    assert_eq!(sessions(&api).await, 1, "the expired one is gone");
}

#[tokio::test]
async fn one_sign_in_deletes_at_most_a_hundred_sessions() {
    let hands = Hands::at(1_700_000_000);
    let api = clocked(&hands).await;
    let (token, _) = editor(&api).await;
    for _ in 0..120 {
        sign_in(&api, &token).await;
    }
    hands.forward(6 * 3_600);
    let live = sign_in(&api, &token).await;
    hands.forward(6 * 3_600);
    assert_eq!(sessions(&api).await, 121);
    sign_in(&api, &token).await;
    assert_eq!(sessions(&api).await, 22);
    sign_in(&api, &token).await;
    assert_eq!(sessions(&api).await, 3);
    assert_eq!(reads(&api, &live).await.status, 200, "what has not expired stays");
}

#[tokio::test]
async fn a_session_never_outlives_its_token() {
    let hands = Hands::at(1_700_000_000);
    let api = clocked(&hands).await;
    let end = Timestamp::from_second(1_700_000_600).expect("it is in range").to_string();
    let (token, _) = token(&api, json!({"name": "t", "role": "viewer", "expires_at": end})).await;
    let got = show(&api, &[("token", &token)], &[("origin", ORIGIN)]).await;
    assert!(got.header("set-cookie").contains("Max-Age=600"), "{}", got.header("set-cookie"));
    let cookie = cookie_of(&got);
    hands.forward(599);
    assert_eq!(reads(&api, &cookie).await.status, 200);
    hands.forward(1);
    assert_code(reads(&api, &cookie).await.code(), server::SESSION_ENDED);
}

#[tokio::test]
async fn a_restore_ends_every_session() {
    let here = Api::sqlite().await;
    let (token, _) = editor(&here).await;
    let cookie = sign_in(&here, &token).await;
    let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
    let archive = folder.path().join("archive");
    here.app.storage.back_up(&Cx::new(), &archive).await.expect("a backup is made");
    assert_eq!(reads(&here, &cookie).await.status, 200, "a backup ends none");
    let backend = memory().await;
    backend.restore(&Cx::new(), &archive).await.expect("the database is empty");
    let there = Api::over(backend).await;
    assert_eq!(sessions(&there).await, 1, "the archive holds everything");
    assert_code(reads(&there, &cookie).await.code(), server::SESSION_ENDED);
    let cookie = sign_in(&there, &token).await;
    assert_eq!(reads(&there, &cookie).await.status, 200, "the token is as good as before");
}

#[tokio::test]
async fn without_tokens_links_from_elsewhere_are_let_in_to_look_and_nothing_else() {
    let api = Api::new().await;
    // A cookie of another installation on this machine: cookies know no ports.
    let stale = format!("rtmx_session=ffffffffff.{}", "A".repeat(43));
    let call =
        |method: Method, path: &str| api.call(method, path).over_loopback().header("host", "localhost:8080");
    let visit = |method: Method, path: &str| {
        let call = call(method, path).header("sec-fetch-site", "cross-site");
        call.header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "document")
    };
    assert_eq!(visit(Method::GET, "/status").send().await.status, 200);
    let refused = visit(Method::POST, "/requirements").json(json!({"req_id": "REQ-A-1"})).await;
    assert_code(refused.code(), server::HOST_REFUSED);
    let embedded = call(Method::GET, "/status").header("sec-fetch-site", "cross-site").send().await;
    assert_code(embedded.code(), server::HOST_REFUSED);
    let rebound = api.get("/status").over_loopback().header("host", "rebound.example:8080");
    assert_code(rebound.header("sec-fetch-site", "same-origin").send().await.code(), server::HOST_REFUSED);
    assert_eq!(api.revision().await, 0);
    assert_eq!(call(Method::GET, "/status").header("cookie", stale.as_str()).send().await.status, 200);
    let own = call(Method::POST, "/requirements").header("sec-fetch-site", "same-origin");
    let made = own.header("cookie", stale.as_str()).json(json!({"req_id": "REQ-A-1"})).await;
    assert_eq!(made.status, 201, "{}", made.text());

    let page = api.outside(Method::GET, "/sign-in?next=/projects").over_loopback();
    let page = page.header("host", "localhost:8080").unjudged().await;
    assert_eq!(
        (page.status.as_u16(), page.header("location").as_str()),
        (303, "/projects"),
        "nothing to sign in for"
    );

    editor(&api).await;
    assert_code(call(Method::GET, "/status").send().await.code(), server::UNAUTHENTICATED);
    let ended = call(Method::GET, "/status").header("cookie", stale.as_str()).send().await;
    assert_code(ended.code(), server::SESSION_ENDED);
}
