//! `rtmxctl config`: what holds and why, what is wrong, and what an upgrade brings.

#[path = "ctl/home.rs"]
mod home;

use home::Home;
use rtmx::core::{assert_code, config, tool};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const CANARY: &str = "canary-4711-hunter2-secret-0123456789";

fn write(home: &Home, name: &str, text: &str) -> PathBuf {
    let path = home.folder().join(name);
    std::fs::write(&path, text).expect("the folder is writable");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are text")
}

/// A setting of an answer of `config show`.
fn setting<'a>(shown: &'a Value, key: &str) -> &'a Value {
    let settings = shown["settings"].as_array().expect("a list of settings");
    settings.iter().find(|setting| setting["key"] == key).unwrap_or_else(|| panic!("{key}: {shown}"))
}

#[test]
fn each_value_is_shown_with_its_source_and_what_it_replaced() {
    let home = Home::new();
    let file = write(&home, "rtmx.toml", "[log]\nlevel = \"warn\"\n[server]\nlisten = \"127.0.0.1:1\"\n");
    let secret = write(&home, "token", &format!("{CANARY}\n"));
    let variables = [
        ("LOG_LEVEL", "debug"),
        ("RTMX_AUTH__ADMIN_TOKEN_FILE", text(&secret)),
        ("LICENSE_KEY", CANARY),
        ("DATABASE_URL", "postgres://u:other-canary@db/x"),
        ("RTMX_PORT", "tcp://10.0.0.1:80"),
    ];
    let arguments = ["config", "show", "--origin", "--config", text(&file)];
    let ran = home.run_in(&arguments, &variables);
    let shown = ran.object();
    let level = setting(&shown, "log.level");
    assert_eq!(
        (&level["value"], &level["origin"]["from"], &level["origin"]["name"]),
        (&"debug".into(), &"variable".into(), &"LOG_LEVEL".into())
    );
    assert_eq!(
        (&level["overrode"][0]["line"], &level["overrode"][0]["path"]),
        (&2.into(), &text(&file).into())
    );
    assert_eq!(setting(&shown, "server.listen")["origin"]["line"], 4);
    assert_eq!(setting(&shown, "server.drain")["origin"]["from"], "default");
    let token = setting(&shown, "auth.admin_token")["value"].as_str().expect("it is set").to_owned();
    assert!(token.starts_with("[secret ") && token.len() == "[secret 3f9a1c]".len(), "{token}");
    assert_eq!(setting(&shown, "license.key")["value"], token.as_str(), "equal secrets have equal tokens");
    assert_ne!(setting(&shown, "database.url")["value"], token.as_str());
    let again = home.run_in(&arguments, &variables);
    assert_eq!(setting(&again.object(), "license.key")["value"], token.as_str(), "and in every run");
    let key = home.folder().join("home/config-tokens.key");
    assert_eq!(std::fs::metadata(&key).expect("it is kept").permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(&key).expect("it can be removed");
    let other = home.run_in(&arguments, &variables);
    assert_ne!(setting(&other.object(), "license.key")["value"], token.as_str(), "another key, other tokens");
    for ran in [ran, again, other] {
        assert!(!ran.stdout.contains("canary") && !ran.stderr.contains("canary"), "{ran:?}");
    }

    let some = home.run_in(&["config", "show", "log", "server.drain"], &[]).object();
    let keys: Vec<&str> =
        some["settings"].as_array().into_iter().flatten().filter_map(|it| it["key"].as_str()).collect();
    assert_eq!(keys, ["server.drain", "log.level", "log.format"]);
    assert!(setting(&some, "log.level").get("overrode").is_none(), "only with `--origin`");
    let unknown = home.run(&["config", "show", "log.levle"]);
    assert_code(unknown.error_code(), config::CONFIG_UNKNOWN_KEY);
    assert!(unknown.error()["next"].as_str().is_some_and(|next| next.contains("log.level")));
    let other = home.run(&["config", "show", "--name", "other"]);
    assert_code(other.error_code(), tool::INSTALLATION_NOT_FOUND);
    let wrong = home.run_in(&["config", "show"], &[("LOG_LEVEL", "loud")]);
    assert_code(wrong.error_code(), config::CONFIG_INVALID);
}

#[test]
fn people_see_columns_and_no_key_is_made_where_nothing_is_secret() {
    let home = Home::new();
    let file = write(&home, "rtmx.toml", "[log]\nlevel = \"warn\"\n");
    let ran = home.run_plainly(&[
        "config",
        "show",
        "--origin",
        "--config",
        text(&file),
        "log.level",
        "database.url",
        "data",
    ]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{ran:?}");
    assert!(lines[0].starts_with("SETTING") && lines[0].ends_with("REPLACED"), "{ran:?}");
    assert!(lines.iter().any(|line| line.starts_with("log.level")
        && line.contains("warn")
        && line.contains("rtmx.toml:2:1")));
    assert!(ran.stdout.contains("sqlite:rtmx.db"), "a built-in default is no secret: {ran:?}");
    assert!(!home.folder().join("home/config-tokens.key").exists());
}

#[test]
fn the_configuration_of_an_installation_is_that_of_its_own_server() {
    let home = Home::new();
    let secret = write(&home, "token", &format!("{CANARY}\n"));
    home.deploy(&[
        "--set",
        "log.level=debug",
        "--set-file",
        &format!("auth.admin_token={}", secret.display()),
    ]);
    let ran =
        home.run_in(&["config", "show", "--origin"], &[("LOG_LEVEL", "error"), ("RTMX_SERVER__DRAIN", "1s")]);
    let shown = ran.object();
    assert_eq!(shown["name"], "rtmx");
    assert_eq!(setting(&shown, "log.level")["value"], "debug", "the caller's environment does not count");
    assert_eq!(setting(&shown, "server.drain")["value"], "10s");
    let of_installation =
        setting(&shown, "log.level")["origin"]["path"].as_str().unwrap_or_default().to_owned();
    assert!(of_installation.ends_with("installations/rtmx/config/rtmx.toml"), "{shown}");
    let token = setting(&shown, "auth.admin_token");
    assert!(token["value"].as_str().is_some_and(|it| it.starts_with("[secret ")), "{token}");
    assert!(!ran.stdout.contains(CANARY) && !ran.stderr.contains(CANARY));
    assert_eq!(home.result(&["config", "check"])["faults"], Value::Array(Vec::new()));
}

#[test]
fn all_faults_of_all_files_are_told_together_each_with_its_place() {
    let home = Home::new();
    let first = write(
        &home,
        "a.toml",
        "[log]\nlevel = \"loud\"\n[server]\nlisen = \"x\"\n[database]\npassword = 4711\n",
    );
    let second = write(&home, "b.toml", "[log\n");
    let variables = write(
        &home,
        "server.env",
        &format!("# of the server\nRTMX_LOG__LEVLE=info\nRTMX_AUTH__ADMIN_TOKEN='{CANARY} x'\n"),
    );
    let ran = home.run(&["config", "check", text(&first), text(&second), "--env-file", text(&variables)]);
    assert_code(ran.error_code(), config::CONFIG_INVALID);
    assert_eq!(ran.code, 1);
    let error = ran.error();
    let faults = error["report"]["faults"].as_array().cloned().unwrap_or_default();
    let found: Vec<(String, u64, String)> = faults
        .iter()
        .map(|fault| {
            let file = Path::new(fault["origin"]["path"].as_str().unwrap_or_default());
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (
                name,
                fault["origin"]["line"].as_u64().unwrap_or_default(),
                fault["key"].as_str().unwrap_or("-").into(),
            )
        })
        .collect();
    let mut found: Vec<(&str, u64, &str)> =
        found.iter().map(|(file, line, key)| (file.as_str(), *line, key.as_str())).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("a.toml", 2, "log.level"),
            ("a.toml", 4, "server.lisen"),
            ("a.toml", 6, "database.password"),
            ("b.toml", 1, "-"),
            ("server.env", 2, "-"),
            ("server.env", 3, "auth.admin_token"),
        ],
        "{error}"
    );
    let nearest: Vec<&str> = faults.iter().filter_map(|fault| fault["nearest"].as_str()).collect();
    assert_eq!(nearest, ["server.listen", "RTMX_LOG__LEVEL"]);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("is a whole number") && !said.contains("4711") && !said.contains(CANARY), "{said}");
    let people = home.run_plainly(&["config", "check", text(&first)]);
    assert!(people.stderr.contains("a.toml:2:1: `log.level` is `loud`"), "{people:?}");
    let missing = home.run(&["config", "check", "/no/such.toml", "--env-file", "/no/such.env"]);
    assert_code(missing.error_code(), config::CONFIG_UNREADABLE);
    assert_eq!(missing.error()["report"]["faults"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_file_for_another_machine_is_checked_without_its_paths() {
    let home = Home::new();
    let file = write(
        &home,
        "rtmx.toml",
        "[database]\nhost = \"db\"\nsslrootcert = \"/there/ca.pem\"\nsslcert = \"/there/c.pem\"\n[data]\ndir = \"/there/data\"\n",
    );
    let variables =
        write(&home, ".env.production", "RTMX_DATABASE__PASSWORD_FILE=/there/password\nPATH=/bin\n");
    let here = home.run(&["config", "check", text(&file), text(&variables)]);
    assert_code(here.error_code(), config::CONFIG_UNREADABLE);
    let faults = here.error()["report"]["faults"].clone();
    assert_eq!(
        faults.as_array().map(Vec::len),
        Some(3),
        "the folder of the data is made by the server: {faults}"
    );
    let there = home.result(&["config", "check", text(&file), text(&variables), "--machine-free"]);
    assert_eq!(there["faults"], Value::Array(Vec::new()));
    write(&home, "rtmx.toml", "[data]\ndir = \"relative\"\n");
    let wrong = home.run(&["config", "check", text(&file), "--machine-free"]);
    assert_code(wrong.error_code(), config::CONFIG_INVALID);
}

#[test]
fn the_reference_is_printed_in_four_forms_that_the_tool_itself_reads() {
    let home = Home::new();
    let print = |format: &str| home.run_plainly(&["config", "reference", "--format", format]).stdout;
    let handbook = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/handbook").join(name);
        std::fs::read_to_string(path).expect("it is committed")
    };
    assert_eq!(print("toml"), handbook("rtmx.toml"));
    assert_eq!(print("env"), handbook("rtmx.env"));
    assert_eq!(print("json-schema"), handbook("rtmx.schema.json"));
    assert!(handbook("configuration.md").ends_with(&print("markdown")));
    assert_eq!(home.run_plainly(&["config", "template"]).stdout, print("toml"));
    let template = write(&home, "rtmx.toml", &print("toml"));
    let variables = write(&home, "rtmx.env", &print("env"));
    let checked = home.result(&["config", "check", text(&template), "--env-file", text(&variables)]);
    assert_eq!(checked["settings"], 0, "nothing is set until a `#` is removed");
    for file in [&template, &variables] {
        let merged = home.result(&["config", "merge", text(file)]);
        assert_eq!(merged["changed"], false, "a template mentions everything: {merged}");
    }
    let help = home.run_plainly(&["help", "environment"]).stdout;
    assert!(help.contains("rtmxctl config reference") && help.contains("RTMX_SERVER__LISTEN"), "{help}");
}

#[test]
fn an_upgrade_is_compared_and_needs_attention_unless_it_only_adds() {
    let home = Home::new();
    let schema = home.run_plainly(&["config", "reference", "--format", "json-schema"]).stdout;
    let same = write(&home, "same.json", &schema);
    let nothing = home.run(&["config", "diff", text(&same)]);
    assert_eq!((nothing.code, &nothing.object()["attention"]), (0, &false.into()));

    let mut old: Value = serde_json::from_str(&schema).expect("it is JSON");
    let sections = old["properties"].as_object_mut().expect("sections");
    sections.shift_remove("telemetry");
    let fewer = write(&home, "fewer.json", &old.to_string());
    let added = home.run(&["config", "diff", text(&fewer)]);
    assert_eq!(added.code, 0, "what is new does nothing by itself");
    assert_eq!(added.object()["changes"][0]["change"], "added");
    assert_eq!(added.object()["changes"][0]["key"], "telemetry.enabled");

    let log = &mut old["properties"]["log"]["properties"];
    log["level"]["x-setting"]["default"] = "warn".into();
    let format = log["format"].clone();
    log["colour"] = format;
    let other = write(&home, "other.json", &old.to_string());
    let changed = home.run(&["config", "diff", text(&other), text(&same)]);
    assert_eq!(changed.code, 3);
    let told: Vec<String> = changed.object()["changes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|change| format!("{} {}", change["key"], change["change"]))
        .collect();
    assert_eq!(
        told,
        ["\"log.level\" \"default\"", "\"log.colour\" \"removed\"", "\"telemetry.enabled\" \"added\""]
    );
    let people = home.run_plainly(&["config", "diff", text(&other)]).stdout;
    assert!(people.contains("! `log.level` has another default: `info` instead of `warn`"), "{people}");

    let file = write(&home, "mine.toml", "[log]\nlevel = \"info\"\ncolour = \"red\"\n");
    let mine = home.run(&["config", "diff", text(&file)]);
    assert_eq!((mine.code, &mine.object()["changes"][0]["key"]), (3, &"log.colour".into()));
    let bogus = write(&home, "bogus.json", "{}");
    assert_code(home.run(&["config", "diff", text(&bogus)]).error_code(), tool::FILE_UNREADABLE);
    assert_code(home.run(&["config", "diff", text(&same), text(&file)]).error_code(), tool::USAGE);
}

#[test]
fn two_files_are_compared_by_value_and_secrets_by_token() {
    let home = Home::new();
    let first =
        write(&home, "a.toml", &format!("[log]\nlevel = \"info\"\n[auth]\nadmin_token = \"{CANARY}\"\n"));
    let second = write(
        &home,
        "b.env",
        &format!("LOG_LEVEL=debug\nRTMX_ADMIN_TOKEN={CANARY}\nDATABASE_URL=postgres://u:canary@db\n"),
    );
    let ran = home.run(&["config", "diff", text(&first), text(&second)]);
    assert_eq!(ran.code, 3);
    let changes = ran.object()["changes"].clone();
    let keys: Vec<&str> =
        changes.as_array().into_iter().flatten().filter_map(|it| it["key"].as_str()).collect();
    assert_eq!(keys, ["database.url", "log.level"], "the tokens are equal");
    assert_eq!((&changes[1]["from"], &changes[1]["to"]), (&"info".into(), &"debug".into()));
    assert!(changes[0]["to"].as_str().is_some_and(|it| it.starts_with("[secret ")), "{changes}");
    assert!(!ran.stdout.contains("canary"), "{ran:?}");
    assert_eq!(home.run(&["config", "diff", text(&first), text(&first)]).code, 0);
}

#[test]
fn a_merge_appends_what_is_new_once_and_keeps_every_byte() {
    let home = Home::new();
    let mine =
        "# mine\n[server] # here\nlisten   = \"127.0.0.1:1\"\n\n[log]\n#level = \"debug\"\nformat='text'";
    let file = write(&home, "rtmx.toml", mine);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("it is ours");
    let dry = home.result(&["config", "merge", text(&file), "--dry-run"]);
    assert_eq!(dry["changed"], false);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), mine);
    let before = home.json(&["config", "show", "--config", text(&file)]);
    let merged = home.result(&["config", "merge", text(&file)]);
    let added: Vec<&str> =
        merged["added"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert!(added.contains(&"server.drain") && added.contains(&"metrics.port"), "{added:?}");
    assert!(!added.iter().any(|key| ["server.listen", "log.level", "log.format"].contains(key)), "{added:?}");
    let after = std::fs::read_to_string(&file).expect("it is there");
    assert!(after.starts_with(mine) && after.len() > mine.len());
    assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o640);
    let same = |value: &Value| -> Vec<(Value, Value)> {
        value["settings"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|it| (it["key"].clone(), it["value"].clone()))
            .collect()
    };
    assert_eq!(same(&home.json(&["config", "show", "--config", text(&file)])), same(&before));
    assert_eq!(home.result(&["config", "merge", text(&file)])["changed"], false);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), after);

    let schema = home.run_plainly(&["config", "reference", "--format", "json-schema"]).stdout;
    let mut old: Value = serde_json::from_str(&schema).expect("it is JSON");
    old["properties"]["server"]["properties"].as_object_mut().expect("settings").shift_remove("drain");
    let old = write(&home, "old.json", &old.to_string());
    let short = write(&home, "short.toml", "");
    let since = home.result(&["config", "merge", text(&short), "--since", text(&old)]);
    assert_eq!(since["added"], serde_json::json!(["server.drain"]));

    let broken = write(&home, "broken.toml", "[server\n");
    assert_code(home.run(&["config", "merge", text(&broken)]).error_code(), config::CONFIG_SYNTAX);
    assert_eq!(std::fs::read_to_string(&broken).expect("it is there"), "[server\n");
    assert_code(home.run(&["config", "merge", "/no/such.toml"]).error_code(), tool::FILE_UNREADABLE);
}
