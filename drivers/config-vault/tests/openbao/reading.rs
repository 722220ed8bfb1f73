//! What is read, and what is noticed.

use crate::support::{Bench, changed, drain, drain_of, load, resolved, unchanged_for};
use rtmx_config::{About, Config, ConfigSource, Strictness, resolve};
use rtmx_config_vault::register;
use rtmx_core::{Cx, Registry, assert_code, config, storage};
use serde_json::json;
use std::pin::Pin;
use std::time::Duration;

type Proving = Pin<Box<dyn Future<Output = ()>>>;

pub(crate) fn entries(bench: Bench) -> Proving {
    Box::pin(async move {
        let entries = json!({
            "DATABASE_URL": "postgres://app:canary-pw@db/rtmx\n", "auth.admin_token": "canary-token-of-vault-and-of-letters",
            "RTMX_SERVER__CONNECTIONS": 77, "metrics.enabled": false, "database_url": "canary",
            "vault.token": "canary-token", "username": {"of": "canary"}
        });
        bench.bao.put("apps/entries", &entries).unwrap();
        let source = bench.source("apps/entries", &json!({}));
        let layer = load(&source).await;
        let found = resolve([&layer], Strictness::Check).unwrap();
        let settings = &found.settings;
        assert_eq!(
            settings.auth.admin_token.as_ref().unwrap().expose(),
            "canary-token-of-vault-and-of-letters"
        );
        assert_eq!(settings.database.url.as_ref().unwrap().expose(), "postgres://app:canary-pw@db/rtmx");
        assert_eq!((settings.server.connections, settings.metrics.enabled), (77, false));
        let place = format!("vault {} secret/apps/entries", bench.bao.url().trim_start_matches("http://"));
        let origin = found.origins["database.url"].origin.to_string();
        assert_eq!(origin, format!("entry DATABASE_URL of {place}"));
        assert_eq!(source.provenance().to_string(), place);
        let warned: Vec<_> = found.warnings.iter().map(|warning| warning.about).collect();
        assert_eq!(warned, [About::Unused, About::UnknownName, About::UnknownName], "{:?}", found.warnings);
        assert_eq!(found.warnings[1].nearest.as_deref(), Some("DATABASE_URL"));
        assert!(settings.vault.token.is_none(), "what leads to the Vault does not come from it");
        let shown = format!("{source:?} {layer:?} {found:?}");
        assert!(!shown.contains("canary") && !shown.contains(bench.bao.root_token()));

        let wrong = json!({"log.level": {"a": 1}, "server.drain": null, "server.connections": "many"});
        bench.bao.put("apps/wrong", &wrong).unwrap();
        let layer = load(&bench.source("apps/wrong", &json!({}))).await;
        let error = resolve([&layer], Strictness::Start).unwrap_err();
        assert_code(&error, config::CONFIG_INVALID);
        let faults = &error.causes()[0];
        for want in ["it is a table, and must be a text", "it is null", "`server.connections` is `many`"] {
            assert!(faults.contains(want), "{want}: {faults}");
        }
    })
}

pub(crate) fn several(bench: Bench) -> Proving {
    Box::pin(async move {
        bench.bao.put("several/common", &json!({"server.drain": "1s", "log.level": "warn"})).unwrap();
        bench.bao.put("several/ours", &drain_of(2)).unwrap();
        let paths = json!({"paths": ["several/common", "several/ours"]});
        let found = resolved(&load(&bench.source("", &paths)).await);
        assert_eq!(found.settings.server.drain, Duration::from_secs(2));
        let trace = &found.origins["server.drain"];
        assert!(trace.origin.to_string().ends_with("secret/several/ours"), "{trace:?}");
        assert!(trace.overrode[0].to_string().ends_with("secret/several/common"), "{trace:?}");
        assert!(found.origins["log.level"].origin.to_string().ends_with("secret/several/common"));
    })
}

pub(crate) fn namespace(bench: Bench) -> Proving {
    Box::pin(async move {
        bench.bao.must("POST", "sys/namespaces/team", &json!({})).unwrap();
        let kv = json!({"type": "kv", "options": {"version": "2"}});
        bench.bao.must("POST", "team/sys/mounts/own-kv", &kv).unwrap();
        bench.bao.put("spaced", &drain_of(1)).unwrap();
        let written = json!({"data": drain_of(2)});
        // An engine of version 2 prepares itself after it was mounted.
        let deadline = std::time::Instant::now() + crate::support::DEADLINE;
        while bench.bao.must("POST", "team/own-kv/data/spaced", &written).is_err() {
            assert!(std::time::Instant::now() < deadline, "the engine is mounted");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let theirs = json!({"namespace": "team", "mount": "/own-kv/"});
        assert_eq!(drain(&load(&bench.source("spaced", &theirs)).await), Duration::from_secs(2));
        assert_eq!(drain(&load(&bench.source("spaced", &json!({}))).await), Duration::from_secs(1));
        let nowhere = bench.source("spaced", &json!({"namespace": "nobody"}));
        let error = nowhere.load(&Cx::new()).await.unwrap_err();
        assert!(error.causes().join(" ").contains("namespace not found"), "{error:?}");
    })
}

pub(crate) fn new_version(bench: Bench) -> Proving {
    Box::pin(async move {
        bench.policy("versions", "versions", true);
        let token = bench.token("versions", "10m");
        noticed(&bench, "versions", &token).await;
    })
}

pub(crate) fn new_version_by_data(bench: Bench) -> Proving {
    Box::pin(async move {
        bench.policy("versions-data", "versions-data", false);
        let token = bench.token("versions-data", "10m");
        let asked = [("x-vault-token", token.as_str())];
        let answered = bench.bao.ask("GET", "secret/metadata/versions-data", &asked, &json!(null)).unwrap();
        assert_eq!(answered.status, 403, "it may not see the metadata");
        noticed(&bench, "versions-data", &token).await;
    })
}

async fn noticed(bench: &Bench, path: &str, token: &str) {
    bench.bao.put(path, &drain_of(1)).unwrap();
    let source = bench.source(path, &json!({"token": token}));
    assert_eq!(drain(&load(&source).await), Duration::from_secs(1));
    unchanged_for(&source, Duration::from_millis(500)).await;
    for seconds in [2, 3] {
        bench.bao.put(path, &drain_of(seconds)).unwrap();
        changed(&source).await;
        assert_eq!(drain(&load(&source).await), Duration::from_secs(seconds));
    }
}

pub(crate) fn deleted(bench: Bench) -> Proving {
    Box::pin(async move {
        bench.bao.put("deleted", &drain_of(1)).unwrap();
        let source = bench.source("deleted", &json!({}));
        load(&source).await;
        bench.bao.must("DELETE", "secret/data/deleted", &json!(null)).unwrap();
        changed(&source).await;
        let kept = load(&source).await;
        assert_eq!(drain(&kept), Duration::from_secs(1), "a running server goes on with what it has");
        assert_eq!(kept.warnings[0].about, About::Kept);
        assert!(kept.warnings[0].text.contains("`deleted` is deleted"), "{:?}", kept.warnings);
        // With all its versions gone, numbers begin anew, and it is the first version again.
        bench.bao.must("DELETE", "secret/metadata/deleted", &json!(null)).unwrap();
        bench.bao.put("deleted", &drain_of(5)).unwrap();
        changed(&source).await;
        let layer = load(&source).await;
        assert_eq!((drain(&layer), layer.warnings.len()), (Duration::from_secs(5), 0));
    })
}

pub(crate) fn opens(bench: Bench) -> Proving {
    Box::pin(async move {
        let mut registry = Registry::<Config>::new();
        register(&mut registry).unwrap();
        assert_code(register(&mut registry).unwrap_err(), storage::RECORD_EXISTS);
        let driver = registry.get("vault").unwrap();
        bench.bao.put("opens", &drain_of(4)).unwrap();
        let settings =
            json!({"address": bench.bao.url(), "paths": ["opens"], "token": bench.bao.root_token()});
        let source = driver.open(&Cx::new(), settings).await.unwrap();
        assert!(source.capability().watch && source.capability().secrets);
        assert_eq!(drain(&source.load(&Cx::new()).await.unwrap()), Duration::from_secs(4));
        let nobody = json!({"address": "http://127.0.0.1:1", "paths": ["opens"], "token": "t"});
        driver.open(&Cx::new(), nobody).await.unwrap();
        assert_code(driver.open(&Cx::new(), json!({})).await.unwrap_err(), config::CONFIG_INVALID);
    })
}
