//! A server whose settings come from a Vault: a real OpenBao, and a real `rtmx-server` beside it.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod support;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use rtmx_containers::OpenBao;
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::TestServer;

/// Where nothing but the command line says otherwise.
fn server(data: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtmx-server"));
    command.arg("--set").arg(format!("data.dir={}", data.display()));
    command.env_clear().envs(variables.iter().copied());
    command
}

fn main() {
    let arguments = Arguments::from_args();
    let trial = |name: &'static str, prove: fn()| {
        Trial::ignorable_test(name, move || match OpenBao::available() {
            Ok(()) => {
                prove();
                Ok(Completion::Completed)
            }
            Err(rtmx_containers::Error::Unavailable(reason)) => Ok(Completion::ignored_with(reason)),
            Err(error) => Err(Failed::from(error.to_string())),
        })
    };
    let trials = vec![
        trial("a_server_takes_its_settings_from_a_vault_between_mounts_and_the_environment", order),
        trial("a_start_without_its_vault_ends_in_time_with_the_reason", ends),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

const TOKEN: &str = "canary-admin-token-that-the-vault-holds";

fn order() {
    let bao = OpenBao::start().unwrap();
    let entries = json!({"auth.admin_token": TOKEN, "server.listen": "127.0.0.1:0", "metrics.enabled": true});
    bao.put("apps/rtmx", &entries).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (data, mount) = (folder.path().join("data"), folder.path().join("secrets"));
    std::fs::create_dir_all(&data).unwrap();
    std::fs::create_dir_all(&mount).unwrap();
    // The Vault goes before mounts, and the environment before the Vault.
    std::fs::write(mount.join("server.listen"), "127.0.0.1:1").unwrap();
    std::fs::write(mount.join("vault.token"), bao.root_token()).unwrap();
    let mount = mount.display().to_string();
    let variables = [
        ("RTMX_SECRETS_DIR", mount.as_str()),
        ("RTMX_VAULT__ADDRESS", &bao.url()),
        ("RTMX_VAULT__PATHS", "apps/rtmx"),
        ("RTMX_METRICS__ENABLED", "false"),
    ];
    let mut server = TestServer::listening(server(&data, &variables));
    assert_ne!(server.address.port(), 1, "the Vault says where it listens, and not the mount");
    assert_eq!(server.metrics, None, "the environment has the last word");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = server.connect().await.expect("it listens where the Vault says");
        assert_eq!(client.get("/ready").await.status, 200);
        client.token = Some(TOKEN.to_owned());
        assert_eq!(client.get("/api/v1/tokens").await.status, 200, "the token is the Vault's");
        client.token = Some(format!("{TOKEN}x"));
        assert_eq!(client.get("/api/v1/tokens").await.status, 401);
    });
    assert!(server.terminate().success());
    let log = server.started.clone() + &server.log.iter().collect::<Vec<_>>().join("\n");
    for secret in [TOKEN, bao.root_token()] {
        assert!(!log.contains(secret), "no secret is in the log");
    }
}

fn ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut bao = OpenBao::start().unwrap();
    let (address, token) = (bao.url(), bao.root_token().to_owned());
    let variables = |path: &'static str| {
        [
            ("RTMX_VAULT__ADDRESS".to_owned(), address.clone()),
            ("RTMX_VAULT__PATHS".to_owned(), path.to_owned()),
            ("RTMX_VAULT__TOKEN".to_owned(), token.clone()),
            ("RTMX_VAULT__TIMEOUT".to_owned(), "1s".to_owned()),
        ]
    };
    let start = |path: &'static str| {
        let started = Instant::now();
        let variables = variables(path);
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let ended = server(folder.path(), &variables).output().unwrap();
        assert!(started.elapsed() < Duration::from_secs(30), "it does not hang");
        assert_eq!(ended.status.code(), Some(1));
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(!said.contains(&token), "{said}");
        assert!(!folder.path().join("rtmx.db").exists(), "nothing was started half");
        said
    };
    let said = start("nowhere");
    assert!(said.contains("error[vault_secret_missing]") && said.contains("`nowhere`"), "{said}");
    bao.kill().unwrap();
    let said = start("rtmx");
    assert!(said.contains("error[vault_unavailable]") && said.contains("could not connect"), "{said}");
    assert!(said.contains("next: "), "{said}");
}
