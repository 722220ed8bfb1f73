//! The license server through its router: what installations and staff are answered, and what is kept.

use crate::customer::Customer;
use crate::server::{Server, key, memory, nonce, ring};
use rtmx::core::{assert_code, license, server, vendor};
use rtmx::license::{
    ActivationPurpose, Keyset, KeysetKey, Lease, LeaseStatus, Usage, Verified, open, sign, sign_keyset,
};
use serde_json::json;
use std::sync::Arc;

const TEXT: [(&str, &str); 1] = [("content-type", "text/plain; charset=utf-8")];

pub(crate) fn lease_of(text: &str) -> Verified<Lease> {
    open(&ring(), text.as_bytes()).expect("it is signed with the lease key")
}

#[tokio::test]
async fn an_installation_gets_the_answer_to_its_question_and_takes_it_for_one() {
    let server = Server::new().await;
    let license = server.license(|_| {}).await;
    let customer = Customer::new(1);
    let question = customer.question(&license, 3, server.now(), nonce());
    let got = server.call("POST", "/v1/leases", &TEXT, question.token().as_str().to_owned()).await.ok();
    assert_eq!(got.headers["cache-control"], "no-store");
    let lease = question.accept(&server.ring, &got.body).expect("it is the answer to this question");
    assert_eq!((lease.status, lease.seq, lease.revocation_seq), (LeaseStatus::Active, 1, 0));
    assert_eq!((lease.lease_until.as_second() - server.now().as_second()), 14 * 86_400);
    let other = customer.question(&license, 3, server.now(), nonce());
    other.accept(&server.ring, &got.body).expect_err("it answers another question");
    let seats = server.staff("GET", "/v1/licenses/acme-1", "").await.ok().json();
    assert_eq!((&seats["nodes"]["used"], &seats["nodes"]["allowed"]), (&3.into(), &10.into()));
    assert_eq!(
        (&seats["seats"][0]["installation_id"], &seats["status"]),
        (&customer.id().into(), &"active".into())
    );
}

#[tokio::test]
async fn a_revoked_or_suspended_license_is_said_to_be_so_in_a_signed_lease() {
    let server = Server::new().await;
    let license = server.license(|_| {}).await;
    let customer = Customer::new(1);
    server.ask(&customer, &license, 1).await.ok();
    let amended = server
        .staff("PATCH", "/v1/licenses/acme-1", r#"{"standing": "suspended", "reason": "unpaid"}"#)
        .await
        .ok();
    assert_eq!(amended.json()["status"], "suspended");
    assert_eq!(lease_of(server.ask(&customer, &license, 1).await.ok().text()).status, LeaseStatus::Suspended);
    server
        .staff("PATCH", "/v1/licenses/acme-1", r#"{"standing": "active", "limits": {"max_nodes": 12}}"#)
        .await
        .ok();
    let lease = lease_of(server.ask(&customer, &license, 1).await.ok().text());
    assert_eq!((lease.status, lease.limits["max_nodes"]), (LeaseStatus::Active, 12));
    assert_eq!(server.call("GET", "/v1/revocations", &[], "").await.status, 404);
    server.staff("PUT", "/v1/revocations", server.list(4, &["acme-1"])).await.ok();
    let lease = lease_of(server.ask(&customer, &license, 1).await.ok().text());
    assert_eq!(
        (lease.status, lease.revocation_seq, lease.lease_until),
        (LeaseStatus::Revoked, 4, lease.server_time)
    );
    let stranger = Customer::new(2);
    assert_eq!(lease_of(server.ask(&stranger, &license, 1).await.ok().text()).status, LeaseStatus::Revoked);
    let list = server.call("GET", "/v1/revocations", &[], "").await.ok();
    assert_eq!(list.text(), server.list(4, &["acme-1"]));
    let tag = list.headers["etag"].to_str().expect("it is text").to_owned();
    assert_eq!(server.call("GET", "/v1/revocations", &[("if-none-match", &tag)], "").await.status, 304);
    let older = server.staff("PUT", "/v1/revocations", server.list(3, &[])).await;
    assert_code(older.code(), license::REVOCATIONS_ROLLED_BACK);
    let acts: Vec<_> = server
        .audit()
        .await
        .iter()
        .map(|entry| entry["act"].as_str().unwrap_or_default().to_owned())
        .collect();
    for act in ["recorded", "activated", "amended", "revoked"] {
        assert!(acts.iter().any(|found| found == act), "{act} is not in {acts:?}");
    }
}

#[tokio::test]
async fn what_is_no_question_of_a_known_license_is_refused_and_audited() {
    let server = Server::new().await;
    let known = server.license(|_| {}).await;
    let customer = Customer::new(1);
    let now = server.now();
    let lease = |license: &str| customer.request(ActivationPurpose::Lease, license, now);
    let mut forged = lease("acme-1").into_bytes();
    forged[80] ^= 1;
    let other = server.signed(|license| license.product = "Other".to_owned());
    // what is sent, the status, the code
    let cases = [
        (Vec::new(), 422, license::LICENSE_EMPTY),
        (b"v4.public.".to_vec(), 422, license::LICENSE_EMPTY),
        (b"eyJhbGciOiJub25lIn0.e30.".to_vec(), 422, license::LICENSE_MALFORMED),
        (forged, 422, license::LICENSE_BAD_SIGNATURE),
        (lease("acme-2").into_bytes(), 404, vendor::LICENSE_UNKNOWN),
        (
            customer.request(ActivationPurpose::Activate, "acme-1", now).into_bytes(),
            400,
            server::BODY_INVALID,
        ),
        (customer.request(ActivationPurpose::Release, "acme-1", now).into_bytes(), 400, server::BODY_INVALID),
        (vec![b'a'; 17 * 1024], 413, server::BODY_TOO_LARGE),
    ];
    for (body, status, code) in cases {
        let got = server.call("POST", "/v1/leases", &TEXT, body).await;
        assert_code(got.code(), code);
        assert_eq!(got.status, status, "{code}");
    }
    let got =
        server.call("POST", "/v1/leases", &[("content-type", "application/json")], lease("acme-1")).await;
    assert_code(got.code(), server::CONTENT_TYPE_INVALID);
    assert_code(
        server.staff("POST", "/v1/licenses", other.as_str().to_owned()).await.code(),
        license::LICENSE_WRONG_PRODUCT,
    );
    let audit = server.audit().await;
    let refused: Vec<_> =
        audit.iter().filter(|entry| entry["act"] == "refused").map(|entry| entry["detail"].clone()).collect();
    for code in [
        license::LICENSE_EMPTY,
        license::LICENSE_MALFORMED,
        license::LICENSE_BAD_SIGNATURE,
        vendor::LICENSE_UNKNOWN,
    ] {
        assert_eq!(refused.iter().filter(|detail| *detail == code.id()).count(), 1, "{code}: {refused:?}");
    }
    assert!(audit.iter().all(|entry| !entry.to_string().contains("v4.public")), "no token is in the audit");
    // What is beside the paths.
    assert_code(
        server.call("DELETE", "/v1/licenses/acme-1/installations/x", &[], "").await.code(),
        server::UNAUTHENTICATED,
    );
    assert!(known.license_id == "acme-1");
}

#[tokio::test]
async fn only_a_further_installation_is_refused_when_the_places_are_taken() {
    let server = Server::new().await;
    let license = server.license(|_| {}).await;
    let (first, second, third) = (Customer::new(1), Customer::new(2), Customer::new(3));
    server.ask(&first, &license, 6).await.ok();
    server.ask(&second, &license, 4).await.ok();
    let refused = server.ask(&third, &license, 4).await;
    assert_code(refused.code(), license::LICENSE_LIMIT_REACHED);
    assert_eq!((refused.status.as_u16(), &refused.json()["facts"]["allowed"]), (402, &"10".into()));
    server.ask(&first, &license, 30).await.ok();
    assert_eq!(server.audited("over_limit").await[0]["installation"], first.id());
    // The staff makes room.
    let path = format!("/v1/licenses/acme-1/installations/{}", first.id());
    assert_eq!(server.staff("DELETE", &path, "").await.status, 204);
    assert_code(server.staff("DELETE", &path, "").await.code(), vendor::INSTALLATION_UNKNOWN);
    server.ask(&third, &license, 4).await.ok();
}

#[tokio::test]
async fn activations_are_recorded_once_and_forgotten_when_the_installation_says_so() {
    let server = Server::new().await;
    server.license(|_| {}).await;
    let customer = Customer::new(1);
    let activate = || customer.request(ActivationPurpose::Activate, "acme-1", server.now());
    let send = |body: String| async { server.call("POST", "/v1/activations", &TEXT, body).await };
    let first = activate();
    let got = send(first.clone()).await.ok().json();
    assert_eq!(
        (&got["state"], &got["license_id"], &got["seq"]),
        (&"activated".into(), &"acme-1".into(), &1.into())
    );
    assert_eq!(lease_of(got["lease"].as_str().expect("it has a lease")).status, LeaseStatus::Active);
    send(first).await.ok();
    let activated =
        |audit: &[serde_json::Value]| audit.iter().filter(|entry| entry["act"] == "activated").count();
    assert_eq!(activated(&server.audit().await), 1, "twice is the same as once");
    // An old release does not count, however it came back.
    let release = customer.request(ActivationPurpose::Release, "acme-1", server.now());
    assert_code(send(release).await.code(), vendor::REQUEST_OUTDATED);
    server.pass(60);
    let release = customer.request(ActivationPurpose::Release, "acme-1", server.now());
    assert_eq!(
        send(release.clone()).await.ok().json(),
        json!({
            "state": "released", "license_id": "acme-1", "seq": 1, "installation_id": customer.id(),
        })
    );
    assert_code(send(release).await.code(), vendor::INSTALLATION_UNKNOWN);
    let seats = server.staff("GET", "/v1/licenses/acme-1", "").await.ok().json();
    assert_eq!((&seats["seats"], &seats["lapsed"]), (&json!([]), &0.into()));
}

#[tokio::test]
async fn two_clones_are_served_and_reported() {
    let server = Server::new().await;
    let license = server.license(|_| {}).await;
    let original = Customer::new(1);
    let clone = original.cloned_to("a-copied-machine");
    for _ in 0..2 {
        server.ask(&original, &license, 1).await.ok();
        server.pass(40_000);
        server.ask(&clone, &license, 1).await.ok();
        server.pass(40_000);
    }
    let reports = server.audited("clone_suspected").await;
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0]["installation"], original.id());
    let seats = server.staff("GET", "/v1/licenses/acme-1", "").await.ok().json();
    assert!(seats["seats"][0]["clone_reported_at"].is_string(), "the staff sees it: {seats}");
}

#[tokio::test]
async fn places_outlive_the_server_and_are_freed_by_time() {
    let storage = memory().await;
    let before = Server::over(Arc::clone(&storage), 60_000, 60_000).await;
    let license = before.license(|license| _ = license.limits.insert("max_nodes".to_owned(), 4)).await;
    before.ask(&Customer::new(1), &license, 4).await.ok();
    before.server.finish().await;
    let late = before.ask(&Customer::new(1), &license, 5).await;
    assert_code(late.code(), server::NOT_READY);
    let after = Server::over(storage, 60_000, 60_000).await;
    assert_code(after.ask(&Customer::new(2), &license, 4).await.code(), license::LICENSE_LIMIT_REACHED);
    after.pass(15 * 86_400);
    after.ask(&Customer::new(2), &license, 4).await.ok();
}

#[tokio::test]
async fn a_license_is_recorded_once_for_each_number_and_the_newest_counts() {
    let server = Server::new().await;
    let first = server.signed(|_| {});
    let second = server.signed(|license| license.seq = 2);
    let send = |token: &rtmx::license::Token| server.staff("POST", "/v1/licenses", token.as_str().to_owned());
    assert_eq!(send(&second).await.ok().json()["seq"], 2);
    assert_eq!(send(&first).await.ok().json()["seq"], 2, "an older one is recorded, and does not replace it");
    assert_eq!(send(&second).await.ok().json()["seq"], 2, "the same again changes nothing");
    let another = server.signed(|license| {
        license.seq = 2;
        license.organization = "Bolt".to_owned();
    });
    assert_code(send(&another).await.code(), vendor::LICENSE_ISSUED);
    // Who still has the first is told of the second.
    let license = rtmx::license::verify(&server.ring, first.as_str().as_bytes()).expect("it is signed");
    assert_eq!(lease_of(server.ask(&Customer::new(1), &license, 1).await.ok().text()).seq, 2);
}

#[tokio::test]
async fn staff_paths_are_for_the_staff() {
    let server = Server::new().await;
    let wrong = [("authorization", "Bearer the staff's token, 32 characters or mor")];
    for (method, path) in [
        ("GET", "/v1/licenses/acme-1"),
        ("POST", "/v1/licenses"),
        ("PATCH", "/v1/licenses/acme-1"),
        ("DELETE", "/v1/licenses/acme-1/installations/x"),
        ("PUT", "/v1/revocations"),
        ("POST", "/v1/keysets"),
        ("GET", "/v1/audit"),
    ] {
        assert_code(server.call(method, path, &[], "").await.code(), server::UNAUTHENTICATED);
        assert_code(server.call(method, path, &wrong, "").await.code(), server::TOKEN_INVALID);
    }
    assert_code(server.staff("GET", "/v1/licenses/..%2Fx", "").await.code(), vendor::LICENSE_UNKNOWN);
    assert_code(server.staff("GET", "/v1/audit?after=license/", "").await.code(), server::PARAMETER_INVALID);
    assert_code(
        server.staff("PATCH", "/v1/licenses/acme-1", r#"{"standing": "gone"}"#).await.code(),
        server::BODY_INVALID,
    );
    assert_code(
        server.staff("PATCH", "/v1/licenses/acme-1", r#"{"limits": {"A b": 1}}"#).await.code(),
        server::BODY_INVALID,
    );
}

#[tokio::test]
async fn keysets_are_taken_over_in_their_order_and_handed_out() {
    let server = Server::new().await;
    let keyset = |version: u64| {
        let at = |days: i64| (server.now().as_second() + days * 86_400).to_string();
        let moment =
            |days| rtmx::core::Timestamp::from_second(at(days).parse().expect("digits")).expect("in range");
        let public = |name: &str, usage| KeysetKey::new(key(name).0, usage, key(name).1.public());
        let keyset = Keyset {
            product: "RTMX".to_owned(),
            version,
            issued_at: moment(0),
            expires_at: moment(900),
            threshold: 1,
            keys: vec![
                public("root-1", Usage::Root),
                public("license-2", Usage::License),
                public("lease-1", Usage::Lease),
            ],
        };
        let (kid, root) = key("root-1");
        sign_keyset(&keyset, &[(&kid, &root)]).expect("it can be signed")
    };
    assert_eq!(server.call("GET", "/v1/keysets", &[], "").await.ok().json(), json!([]));
    assert_code(server.staff("POST", "/v1/keysets", keyset(3)).await.code(), license::KEYSET_SKIPS);
    // The license that each key signs: the second key's is known from the keyset on, the first one's no more.
    let signed_by = |name: &str| {
        let claims = server.claims(|license| license.license_id = format!("lic-of-{name}"));
        let (kid, key) = key(name);
        sign(&key, &kid, &claims).expect("its claims are right").as_str().to_owned()
    };
    let (one, two) = (signed_by("license-1"), signed_by("license-2"));
    let list = server.list(1, &["lic-9"]);
    assert_code(server.staff("POST", "/v1/licenses", two.clone()).await.code(), license::LICENSE_UNKNOWN_KEY);
    server.staff("POST", "/v1/keysets", keyset(2)).await.ok();
    server.staff("POST", "/v1/licenses", two).await.ok();
    assert_code(server.staff("POST", "/v1/licenses", one).await.code(), license::LICENSE_UNKNOWN_KEY);
    assert_code(server.staff("PUT", "/v1/revocations", list).await.code(), license::LICENSE_UNKNOWN_KEY);
    server.staff("POST", "/v1/keysets", keyset(3)).await.ok();
    assert_code(server.staff("POST", "/v1/keysets", keyset(3)).await.code(), license::KEYSET_SKIPS);
    let got = server.call("GET", "/v1/keysets", &[], "").await.ok().json();
    let chain: Vec<String> = serde_json::from_value(got).expect("it is a list of texts");
    let ring = server.ring.advance(&chain, server.now()).expect("a customer's installation accepts them");
    assert_eq!(ring.version(), 3);
}

#[tokio::test]
async fn nobody_may_ask_too_often() {
    let server = Server::over(memory().await, 600, 30).await;
    let license = server.license(|license| _ = license.limits.insert("max_nodes".to_owned(), 100)).await;
    let known = Customer::new(1);
    server.ask(&known, &license, 1).await.ok();
    // Strangers use up what there is for the license, and the known installation is served.
    let mut limited = None;
    for stranger in 2..30 {
        let got = server.ask(&Customer::new(stranger), &license, 1).await;
        if got.status == 429 {
            limited = Some(got);
        }
    }
    let limited = limited.expect("30 a minute are allowed, and 28 came at once");
    assert_code(limited.code(), vendor::RATE_LIMITED);
    let wait: u64 = limited.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=2).contains(&wait), "{wait}");
    server.ask(&known, &license, 1).await.ok();
    // One address uses up what is its own, and another behind the same proxy is served.
    let from = |client: &'static str| [("x-test-peer", "10.0.0.1"), ("x-forwarded-for", client)];
    let mut refused = 0;
    for _ in 0..150 {
        refused +=
            u32::from(server.call("GET", "/v1/keysets", &from("198.51.100.7"), "").await.status == 429);
    }
    assert!((40..=50).contains(&refused), "100 of 150 are a burst: {refused}");
    server.call("GET", "/v1/keysets", &from("198.51.100.8"), "").await.ok();
    server.call("GET", "/live", &from("198.51.100.7"), "").await.ok();
}
