//! How a source logs in, and how it stays logged in.

use crate::kubernetes::{self, ACCOUNT, NAMESPACE};
use crate::support::{Bench, changed, drain, drain_of, load, unchanged_for};
use rtmx_config::ConfigSource;
use rtmx_core::{Cx, assert_code, config};
use serde_json::{Value, json};
use std::pin::Pin;
use std::time::Duration;

type Proving = Pin<Box<dyn Future<Output = ()>>>;

fn lives(bench: &Bench, token: &str) -> bool {
    let asked = [("x-vault-token", token)];
    bench.bao.ask("GET", "auth/token/lookup-self", &asked, &Value::Null).unwrap().status == 200
}

pub(crate) fn token(bench: Bench) -> Proving {
    Box::pin(async move {
        bench.policy("lasting", "lasting", true);
        bench.bao.put("lasting", &drain_of(1)).unwrap();
        let (first, other) = (bench.token("lasting", "6s"), bench.token("lasting", "6s"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, format!("{first}\n")).unwrap();
        // The interval is longer than the lease: the wait is cut short for the renewal.
        let more = json!({"token": null, "token_file": file, "poll": "1h"});
        let source = bench.source("lasting", &more);
        load(&source).await;
        unchanged_for(&source, Duration::from_secs(9)).await;
        assert!(lives(&bench, &first), "it was given for 6 s, and renewed");
        assert!(!lives(&bench, &other), "one that nobody renews has ended");
        assert_eq!(drain(&load(&source).await), Duration::from_secs(1));
        // An agent puts another token into the file.
        let revoke = json!({"token": first});
        bench.bao.must("POST", "auth/token/revoke", &revoke).unwrap();
        std::fs::write(&file, bench.token("lasting", "10m")).unwrap();
        bench.bao.put("lasting", &drain_of(2)).unwrap();
        assert_eq!(drain(&load(&source).await), Duration::from_secs(2));
    })
}

/// The id of a role, and a secret id for it.
fn role(bench: &Bench, name: &str, policy: &str, ttl: &str, max: &str) -> (String, String) {
    let mount = format!("approle-{name}");
    bench.bao.must("POST", &format!("sys/auth/{mount}"), &json!({"type": "approle"})).unwrap();
    let role = format!("auth/{mount}/role/{name}");
    let body = json!({"token_policies": policy, "token_ttl": ttl, "token_max_ttl": max});
    bench.bao.must("POST", &role, &body).unwrap();
    let id = bench.bao.must("GET", &format!("{role}/role-id"), &Value::Null).unwrap();
    let secret = bench.bao.must("POST", &format!("{role}/secret-id"), &json!({})).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&id["data"]["role_id"]), text(&secret["data"]["secret_id"]))
}

/// How many tokens were given out with a policy.
fn tokens(bench: &Bench, policy: &str) -> usize {
    let listed = bench.bao.must("LIST", "auth/token/accessors", &Value::Null).unwrap();
    let has_policy = |accessor: &&Value| {
        let found = bench.bao.must("POST", "auth/token/lookup-accessor", &json!({"accessor": accessor}));
        // Another proof's may have just ended.
        found.is_ok_and(|found| found["data"]["policies"].as_array().unwrap().contains(&json!(policy)))
    };
    listed["data"]["keys"].as_array().unwrap().iter().filter(has_policy).count()
}

pub(crate) fn approle(bench: Bench) -> Proving {
    Box::pin(async move {
        bench.policy("approle", "approle", true);
        bench.bao.put("approle", &drain_of(1)).unwrap();
        let (role, secret_id) = role(&bench, "short", "approle", "6s", "9s");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret-id");
        std::fs::write(&file, format!("{secret_id}\n")).unwrap();
        let more = json!({
            "auth": "approle", "auth_mount": "approle-short", "role": role, "secret_id_file": file, "token": null
        });
        let source = bench.source("approle", &more);
        assert_eq!(drain(&load(&source).await), Duration::from_secs(1));
        unchanged_for(&source, Duration::from_secs(1)).await;
        assert_eq!(tokens(&bench, "approle"), 1, "a token is used for as long as it is good");
        // Longer than any one of its tokens may live.
        unchanged_for(&source, Duration::from_secs(10)).await;
        bench.bao.put("approle", &drain_of(2)).unwrap();
        changed(&source).await;
        assert_eq!(drain(&load(&source).await), Duration::from_secs(2));
        assert!(!format!("{source:?}").contains(&secret_id));
    })
}

pub(crate) fn revoked(bench: Bench) -> Proving {
    Box::pin(async move {
        bench.policy("revoked", "revoked", true);
        bench.bao.put("revoked", &drain_of(1)).unwrap();
        let (role, secret_id) = role(&bench, "revoked", "revoked", "1h", "1h");
        let more = json!({
            "auth": "approle", "auth_mount": "approle-revoked", "role": role, "secret_id": secret_id, "token": null
        });
        let source = bench.source("revoked", &more);
        load(&source).await;
        bench
            .bao
            .must("PUT", "sys/leases/revoke-prefix/auth/approle-revoked/login", &json!({"sync": true}))
            .unwrap();
        bench.bao.put("revoked", &drain_of(2)).unwrap();
        changed(&source).await;
        let layer = load(&source).await;
        assert_eq!((drain(&layer), layer.warnings.len()), (Duration::from_secs(2), 0));
    })
}

pub(crate) fn kubernetes(bench: Bench) -> Proving {
    Box::pin(async move {
        bench.policy("of-kubernetes", "of-kubernetes", true);
        bench.bao.put("of-kubernetes", &drain_of(1)).unwrap();
        let jwt = kubernetes::service_account_token();
        let (host, certificate) = kubernetes::start(jwt.clone());
        bench.bao.must("POST", "sys/auth/kubernetes", &json!({"type": "kubernetes"})).unwrap();
        let config = json!({
            "kubernetes_host": host, "kubernetes_ca_cert": certificate, "token_reviewer_jwt": jwt,
            "disable_local_ca_jwt": true
        });
        bench.bao.must("POST", "auth/kubernetes/config", &config).unwrap();
        let role = json!({
            "bound_service_account_names": [ACCOUNT], "bound_service_account_namespaces": [NAMESPACE],
            "token_policies": "of-kubernetes", "token_ttl": "10m"
        });
        bench.bao.must("POST", "auth/kubernetes/role/rtmx", &role).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, &jwt).unwrap();
        let more = json!({"auth": "kubernetes", "role": "rtmx", "jwt_file": file, "token": null});
        assert_eq!(drain(&load(&bench.source("of-kubernetes", &more)).await), Duration::from_secs(1));

        // The account of somebody else.
        let stranger = jwt.replace(jwt.rsplit('.').next().unwrap(), "c3RyYW5nZXI");
        std::fs::write(&file, &stranger).unwrap();
        let error = bench.source("of-kubernetes", &more).load(&Cx::new()).await.unwrap_err();
        assert_code(&error, config::VAULT_LOGIN_REFUSED);
        let said = format!("{error:?}");
        assert!(said.contains("login by `kubernetes`") && !said.contains(&stranger), "{said}");
    })
}
