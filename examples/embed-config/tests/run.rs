//! The example is run as its users would run it.

use std::process::{Command, Output};

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_embed-config"));
    command.env_clear().envs(variables.iter().copied()).args(arguments);
    command.output().expect("it can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn settings_come_from_file_variable_secret_and_flag_in_this_order() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (file, secret) = (folder.path().join("reports.toml"), folder.path().join("password"));
    std::fs::write(&file, "[http]\ntimeout = \"1m\"\norigins = [\"https://a\", \"https://b\"]\n")
        .expect("writable");
    std::fs::write(&secret, "hunter2\n").expect("writable");
    let (file, secret) = (file.to_string_lossy(), secret.to_string_lossy());
    let variables = [
        ("REPORTS_HTTP__TIMEOUT", "2m"),
        ("REPORTS_MAIL__PASSWORD_FILE", &*secret),
        ("REPORTS_MAIL__HOST", "mail.example.com"),
        ("REPORTS_MAIL__HSOT", "x"),
        ("REPORTS_PORT", "tcp://10.0.0.1:80"),
    ];
    let ran = run(&["--config", &file, "http.listen=127.0.0.1:9"], &variables);
    let said = text(&ran.stdout);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    for line in [
        "http.listen = 127.0.0.1:9 (flag --set)".to_owned(),
        format!("http.origins = https://a,https://b ({file}:3:1)"),
        "http.timeout = 2m (variable REPORTS_HTTP__TIMEOUT)".into(),
        format!("mail.password = [secret] (file {secret} of variable REPORTS_MAIL__PASSWORD_FILE)"),
        "listening on 127.0.0.1:9 for calls of at most 120s".into(),
    ] {
        assert!(said.lines().any(|it| it == line), "{line}: {said}");
    }
    assert_eq!(said.matches("warning: ").count(), 1, "{said}");
    assert!(said.contains("the nearest is `REPORTS_MAIL__HOST`") && !said.contains("hunter2"), "{said}");
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_nothing_is_done() {
    let ran = run(&["http.listen=here", "http.timeout=5"], &[("REPORTS_MAIL__PASSWORD", "")]);
    let said = text(&ran.stderr);
    assert!(!ran.status.success() && ran.stdout.is_empty());
    assert!(said.contains("`http.listen` is `here`") && said.contains("`http.timeout` is `5`"), "{said}");
    let ran = run(&[], &[("REPORTS_MAIL__PASSWORD", "hunter2")]);
    assert!(text(&ran.stderr).contains("`mail.host` is not"), "{ran:?}");
}
