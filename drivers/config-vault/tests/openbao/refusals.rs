//! What is refused, under which name, and what the operator is told.

use crate::support::{Bench, drain_of};
use rtmx_config::ConfigSource;
use rtmx_core::{Code, Cx, assert_code, config};
use serde_json::{Value, json};
use std::pin::Pin;
use std::time::{Duration, Instant};

type Proving = Pin<Box<dyn Future<Output = ()>>>;

/// What, path, settings, code, a part of the cause.
type Row = (&'static str, &'static str, Value, Code, &'static str);

pub(crate) fn all(bench: Bench) -> Proving {
    Box::pin(async move {
        let bao = &bench.bao;
        bao.put("refused", &drain_of(1)).unwrap();
        bao.put("refused-deleted", &drain_of(1)).unwrap();
        bao.must("DELETE", "secret/data/refused-deleted", &Value::Null).unwrap();
        let kv = json!({"type": "kv", "options": {"version": "1"}});
        bao.must("POST", "sys/mounts/first", &kv).unwrap();
        bao.must("POST", "first/refused", &drain_of(1)).unwrap();
        bao.must("POST", "sys/mounts/transit", &json!({"type": "transit"})).unwrap();
        bao.must("POST", "sys/auth/approle", &json!({"type": "approle"})).unwrap();
        bao.must("POST", "auth/approle/role/refused", &json!({})).unwrap();
        let role = bao.must("GET", "auth/approle/role/refused/role-id", &Value::Null).unwrap();
        let role = &role["data"]["role_id"];
        let first = json!({"policy": "path \"first/refused\" { capabilities = [\"read\"] }"});
        bao.must("PUT", "sys/policies/acl/first", &first).unwrap();
        bench.policy("elsewhere", "elsewhere", true);
        let approle = |mount: &str, secret_id: &str| json!({"auth": "approle", "auth_mount": mount, "role": role, "secret_id": secret_id, "token": null});
        let rows: Vec<Row> = vec![
            (
                "a token that is none",
                "refused",
                json!({"token": "s.canary-wrong"}),
                config::VAULT_DENIED,
                "does not let this token read `refused`: it said: permission denied",
            ),
            (
                "a token of another policy",
                "refused",
                json!({"token": bench.token("elsewhere", "10m")}),
                config::VAULT_DENIED,
                "does not let this token read `refused`",
            ),
            (
                "a secret that is not there",
                "refused/nowhere",
                json!({}),
                config::VAULT_SECRET_MISSING,
                "there is no secret `refused/nowhere`",
            ),
            (
                "a secret whose newest version is deleted",
                "refused-deleted",
                json!({}),
                config::VAULT_SECRET_MISSING,
                "the newest version of the secret `refused-deleted` is deleted",
            ),
            (
                "an engine of version 1",
                "refused",
                json!({"mount": "first"}),
                config::VAULT_MOUNT_UNFIT,
                "`first` is a key-value engine of version 1",
            ),
            (
                "an engine of version 1, with a policy for it alone",
                "refused",
                json!({"mount": "first", "token": bench.token("first", "10m")}),
                config::VAULT_MOUNT_UNFIT,
                "`first` is a key-value engine of version 1",
            ),
            (
                "an engine of another type",
                "refused",
                json!({"mount": "transit"}),
                config::VAULT_MOUNT_UNFIT,
                "`transit` is an engine of the type `transit`",
            ),
            (
                "a secret id that is none",
                "refused",
                approle("approle", "canary-secret-id"),
                config::VAULT_LOGIN_REFUSED,
                "refused the login by `approle` with 400 Bad Request: it said: invalid role or secret ID",
            ),
            (
                "a login that is not mounted",
                "refused",
                approle("elsewhere", "canary-secret-id"),
                config::VAULT_LOGIN_REFUSED,
                "refused the login by `approle` with 403 Forbidden",
            ),
        ];
        for (what, path, more, code, cause) in rows {
            let started = Instant::now();
            let source = bench.source(path, &more);
            let error = source.load(&Cx::new()).await.expect_err(what);
            assert_code(&error, code);
            let causes = error.causes().join(": ");
            assert!(causes.contains(cause), "{what}: {causes}");
            let said = format!("{error:?} {} {source:?}", error.next());
            assert!(!said.contains("canary") && !said.contains(bao.root_token()), "{what}: {said}");
            assert!(started.elapsed() < Duration::from_secs(15), "{what}: it is not tried again");
        }
        let refused = async |path: &str, more: &Value| {
            bench.source(path, more).load(&Cx::new()).await.expect_err("it is refused again")
        };
        assert_code(&refused("refused", &json!({"token": "s.wrong"})).await, config::VAULT_DENIED);
        assert_code(&refused("refused/nowhere", &json!({})).await, config::VAULT_SECRET_MISSING);
        assert_code(&refused("refused", &json!({"mount": "first"})).await, config::VAULT_MOUNT_UNFIT);
    })
}

pub(crate) fn files(bench: Bench) -> Proving {
    Box::pin(async move {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("empty"), "\n").unwrap();
        std::fs::write(path("two"), "canary one\ncanary two\n").unwrap();
        std::fs::write(path("large"), "x".repeat((16 << 10) + 1)).unwrap();
        // name, reason
        let cases = [
            ("absent", "No such file"),
            ("", "it is not a regular file"),
            ("empty", "it holds no token"),
            ("two", "it holds no token"),
            ("large", "it is larger than 16 KiB"),
        ];
        for (name, why) in cases {
            let source = bench.source("files", &json!({"token": null, "token_file": path(name)}));
            let error = source.load(&Cx::new()).await.expect_err(name);
            assert_code(&error, config::CONFIG_UNREADABLE);
            let cause = &error.causes()[0];
            assert!(cause.contains("`vault.token_file`") && cause.contains(why), "{name}: {cause}");
            assert!(!cause.contains("canary"), "{cause}");
        }
    })
}
