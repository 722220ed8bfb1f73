//! The application spec as its authors meet it: what is accepted, and what every fault says.

#![allow(clippy::disallowed_methods, reason = "reads the specs, and writes what is made of them on demand")]

use rtmx_core::{Code, app as codes, assert_code};
use rtmx_deploy::app::{App, AppFaults, Fault, Name, app_schema, read_app};
use std::path::Path;

const SMALL: &str = include_str!("app/small.yaml");

fn faults(text: &str) -> Vec<Fault> {
    let error = read_app(text, "small.yaml").expect_err("it has faults");
    AppFaults::of(&error).expect("they are the cause").list().to_vec()
}

/// The small spec with one text replaced.
fn with(from: &str, to: &str) -> String {
    assert_eq!(SMALL.matches(from).count(), 1, "`{from}` stands once in the small spec");
    SMALL.replace(from, to)
}

fn shipped(name: &str) -> App {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../apps").join(format!("{name}.yaml"));
    let text = std::fs::read_to_string(&file).expect("the spec is there");
    read_app(&text, name).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

#[test]
fn the_shipped_applications_have_no_fault() {
    let rtmx = shipped("rtmx");
    assert_eq!(rtmx.components.len(), 3);
    let hyyve = shipped("hyyve");
    let names: Vec<&str> = hyyve.components.keys().map(Name::as_str).collect();
    let wanted =
        ["api", "db", "nginx", "redis", "sandbox", "ssrf_proxy", "weaviate", "web", "worker", "worker_beat"];
    assert_eq!(names, wanted);
    for (name, app) in [("rtmx", &rtmx), ("hyyve", &hyyve)] {
        for volume in app.volumes.keys() {
            let kept = app.state.values().any(|part| part.volumes.contains(volume));
            assert!(kept, "{name}: the volume {volume} belongs to no part of the state");
        }
    }
}

#[test]
fn each_fault_has_its_code_line_key_and_nearest_name() {
    // name, what is replaced, by what, code, key, a part of the text or the nearest name
    let cases: [(&str, &str, &str, Code, &str, &str); 22] = [
        (
            "an unknown key",
            "summary: serves",
            "sumary: serves",
            codes::APP_UNKNOWN_KEY,
            "components.web.sumary",
            "`summary`",
        ),
        ("a missing key", "version: 1.2.3\n", "", codes::APP_MISSING_KEY, "version", "`version` is missing"),
        (
            "a number for a text",
            "version: 1.2.3",
            "version: 1.2",
            codes::APP_INVALID_VALUE,
            "version",
            "put it in quotes",
        ),
        (
            "a word that is none",
            "restart: always",
            "restart: sometimes",
            codes::APP_INVALID_VALUE,
            "components.web.restart",
            "`always`",
        ),
        (
            "a bad amount",
            "memory: 8GiB",
            "memory: 8GB",
            codes::APP_INVALID_VALUE,
            "sizes.one.memory",
            "512MiB",
        ),
        (
            "a bad name",
            "  web:\n    summary",
            "  Web:\n    summary",
            codes::APP_INVALID_VALUE,
            "components.Web",
            "a name",
        ),
        (
            "a path outside",
            "path: /data",
            "path: data",
            codes::APP_INVALID_VALUE,
            "components.db.volumes.0.path",
            "begins with `/`",
        ),
        (
            "a port that is none",
            "port: 8080",
            "port: 0",
            codes::APP_INVALID_VALUE,
            "components.web.ports.http.port",
            "from 1",
        ),
        (
            "an unknown volume",
            "volume: data",
            "volume: dato",
            codes::APP_UNKNOWN_NAME,
            "components.db.volumes.0.volume",
            "`data`",
        ),
        (
            "an unknown component",
            "after: {db: healthy}",
            "after: {dc: healthy}",
            codes::APP_UNKNOWN_NAME,
            "components.web.after.dc",
            "`db`",
        ),
        (
            "an unknown size",
            "size: one",
            "size: ona",
            codes::APP_UNKNOWN_NAME,
            "environments.dev.size",
            "`one`",
        ),
        (
            "an unknown secret in a component",
            "{url: {file: URL}}",
            "{ulr: {file: URL}}",
            codes::APP_SECRET_UNKNOWN,
            "components.web.secrets.ulr",
            "`url`",
        ),
        (
            "composed from one that does not exist",
            "{password:url}",
            "{pasword:url}",
            codes::APP_SECRET_UNKNOWN,
            "secrets.url.composed",
            "`password`",
        ),
        (
            "a template that is none",
            "{password:url}",
            "{password",
            codes::APP_INVALID_VALUE,
            "secrets.url.composed",
            "stands alone",
        ),
        (
            "two origins",
            "generated: {}",
            "generated: {}\n    given: {}",
            codes::APP_INVALID_VALUE,
            "secrets.password",
            "exactly one",
        ),
        (
            "components in a circle",
            "    restart: always",
            "    restart: always\n    # x",
            codes::APP_CYCLE,
            "components.db.after",
            "`db` -> `web` -> `db`",
        ),
        (
            "secrets in a circle",
            "generated: {}",
            "composed: \"{url}\"",
            codes::APP_CYCLE,
            "secrets.password.composed",
            "`password` -> `url`",
        ),
        (
            "two components on one port",
            "port: 5432}",
            "port: 5432, publish: {port: 80, variable: DB_PORT}}",
            codes::APP_PORT_CLASH,
            "components.web.ports.http.publish",
            "port 80",
        ),
        (
            "a size without memory",
            "memory: 8GiB",
            "memory: 512MiB",
            codes::APP_SIZE_MISFIT,
            "sizes.one.memory",
            "request 1088MiB of memory",
        ),
        (
            "a size without storage",
            "storage: 20GiB",
            "storage: 1GiB",
            codes::APP_SIZE_MISFIT,
            "sizes.one.storage",
            "keep 10GiB",
        ),
        (
            "a limit below its request",
            "limit: {cpu: 1, memory: 2GiB}",
            "limit: {cpu: 0.1, memory: 2GiB}",
            codes::APP_SIZE_MISFIT,
            "components.db.resources.limit",
            "more than its limit",
        ),
        ("no YAML", "version: 1.2.3", "version: [1.2.3", codes::APP_SYNTAX, "", "not YAML"),
    ];
    for (name, from, to, code, key, part) in cases {
        let mut text = with(from, to);
        if name == "components in a circle" {
            text = text.replace("    user: db\n", "    user: db\n    after: {web: started}\n");
        }
        let error = read_app(&text, "small.yaml").expect_err(name);
        let found = faults(&text);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        let shown = found[0].to_string();
        assert_eq!((found[0].code, found[0].key.as_str()), (code, key), "{name}: {shown}");
        assert_eq!(error.code(), code, "{name}");
        assert!(shown.contains(part), "{name}: {shown}");
        assert!(shown.starts_with(&format!("small.yaml:{}:", found[0].line)), "{name}: {shown}");
        assert_eq!(error.code().entry().exit, 2, "{name}");
    }
}

#[test]
fn all_faults_are_reported_together_and_in_the_order_of_their_lines() {
    let text = with("volume: data", "volume: dato")
        .replace("generated: {}", "composed: \"{nobody}\"")
        .replace("memory: 8GiB", "memory: 512MiB");
    let found = faults(&text);
    let codes_found: Vec<Code> = found.iter().map(|fault| fault.code).collect();
    assert_eq!(codes_found, [codes::APP_UNKNOWN_NAME, codes::APP_SECRET_UNKNOWN, codes::APP_SIZE_MISFIT]);
    assert!(found.is_sorted_by_key(|fault| fault.line), "{found:?}");
    let error = read_app(&text, "small.yaml").expect_err("it has faults");
    assert_code(error, codes::APP_INVALID);
}

#[test]
fn every_kind_of_fault_is_the_errors_code_when_it_is_the_only_one() {
    assert_code(read_app("a: [", "x").expect_err("no YAML"), codes::APP_SYNTAX);
    let code = |from: &str, to: &str| read_app(&with(from, to), "x").expect_err("it has a fault");
    assert_code(code("summary: serves", "sumary: serves\n    summary: x"), codes::APP_UNKNOWN_KEY);
    assert_code(code("version: 1.2.3\n", ""), codes::APP_MISSING_KEY);
    assert_code(code("restart: always", "restart: 1"), codes::APP_INVALID_VALUE);
    assert_code(code("size: one", "size: two"), codes::APP_UNKNOWN_NAME);
    assert_code(code("{password:url}", "{other:url}"), codes::APP_SECRET_UNKNOWN);
    assert_code(code("generated: {}", "composed: \"{password}\""), codes::APP_CYCLE);
    let clash = code("port: 5432}", "port: 5432, publish: {port: 80, variable: DB_PORT}}");
    assert_code(clash, codes::APP_PORT_CLASH);
    assert_code(code("storage: 20GiB", "storage: 1GiB"), codes::APP_SIZE_MISFIT);
}

#[test]
fn the_published_schema_is_the_one_that_files_are_held_to() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/handbook/app.schema.json");
    let schema = format!("{:#}\n", app_schema());
    if std::env::var_os("RTMX_UPDATE_GOLDENS").is_some() {
        std::fs::write(&file, &schema).expect("the schema can be written");
    }
    let published = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(published == schema, "run the test with RTMX_UPDATE_GOLDENS=1, and read the difference");
}
