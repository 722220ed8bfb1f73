//! One server for the program, and what the proofs do with sources.

use rtmx_config::{ConfigSource, Layer, Resolved, Strictness, resolve};
use rtmx_config_vault::{VaultSettings, VaultSource};
use rtmx_containers::OpenBao;
use rtmx_core::Cx;
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// Ten times what a busy machine needs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// What a proof is given.
pub(crate) struct Bench {
    pub(crate) bao: Arc<OpenBao>,
}

pub(crate) type Proof<T> = fn(T) -> Pin<Box<dyn Future<Output = ()>>>;

/// Held by those who prove, so that the last of them ends it.
static SHARED: LazyLock<Shared> = LazyLock::new(Shared::default);

#[derive(Default)]
struct Shared {
    server: std::sync::Mutex<std::sync::Weak<OpenBao>>,
}

pub(crate) fn on_shared(prove: Proof<Bench>) {
    let bao = {
        let mut server = SHARED.server.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        server.upgrade().unwrap_or_else(|| {
            let started = Arc::new(OpenBao::start().unwrap());
            *server = Arc::downgrade(&started);
            started
        })
    };
    run(prove(Bench { bao }));
}

pub(crate) fn run(proof: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(proof);
}

impl Bench {
    /// Settings of the root's token, with these changed.
    pub(crate) fn settings(&self, path: &str, more: &Value) -> VaultSettings {
        settings(&self.bao, path, more)
    }

    /// A source of the root's token, with these settings changed.
    pub(crate) fn source(&self, path: &str, more: &Value) -> VaultSource {
        VaultSource::new(self.settings(path, more)).unwrap()
    }

    /// A policy that lets its holder read data at a path, and metadata if that is said.
    pub(crate) fn policy(&self, name: &str, path: &str, metadata: bool) {
        let rule = |kind: &str| format!("path \"secret/{kind}/{path}\" {{ capabilities = [\"read\"] }}\n");
        let rules = if metadata { rule("data") + &rule("metadata") } else { rule("data") };
        self.bao.must("PUT", &format!("sys/policies/acl/{name}"), &json!({"policy": rules})).unwrap();
    }

    /// A token with a policy, for a time.
    pub(crate) fn token(&self, policy: &str, ttl: &str) -> String {
        let body = json!({"policies": [policy], "ttl": ttl, "explicit_max_ttl": "1h"});
        let made = self.bao.must("POST", "auth/token/create-orphan", &body).unwrap();
        made["auth"]["client_token"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn settings(bao: &OpenBao, path: &str, more: &Value) -> VaultSettings {
    let mut json = json!({
        "address": bao.url(), "paths": [path], "token": bao.root_token(), "poll": "100ms", "timeout": "20s"
    });
    for (name, value) in more.as_object().unwrap() {
        json[name] = value.clone();
    }
    VaultSettings::from_json(json).unwrap()
}

pub(crate) async fn load(source: &VaultSource) -> Layer {
    source.load(&Cx::new()).await.expect("the source answers")
}

pub(crate) fn resolved(layer: &Layer) -> Resolved {
    resolve([layer], Strictness::Start).expect("the layer is right")
}

/// The `server.drain` that holds.
pub(crate) fn drain(layer: &Layer) -> Duration {
    resolved(layer).settings.server.drain
}

pub(crate) fn drain_of(seconds: u64) -> Value {
    json!({"server.drain": format!("{seconds}s")})
}

/// Waits for a change, which comes before the deadline.
pub(crate) async fn changed(source: &VaultSource) {
    let cx = Cx::new();
    let waited = tokio::time::timeout(DEADLINE, source.changed(&cx)).await;
    waited.expect("the change is noticed before the deadline").unwrap();
}

/// Watches for a time in which nothing changes.
pub(crate) async fn unchanged_for(source: &VaultSource, time: Duration) {
    let cx = Cx::new();
    let waited = tokio::time::timeout(time, source.changed(&cx)).await;
    assert!(waited.is_err(), "nothing has changed");
}
