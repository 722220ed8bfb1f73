//! The JSON Schema of the settings beside the parser, by an independent validator.

use boon::{Compiler, SchemaIndex, Schemas};
use proptest::prelude::*;
use rtmx_config::{KEYS, KeySpec, Kind, Layer, Provenance, Strictness, Table, resolve};
use rtmx_config_file::read_document;
use serde_json::{Value as Json, json};
use std::path::Path;
use std::sync::LazyLock;
use toml_edit::{DocumentMut, Item, Value};

static SCHEMA: LazyLock<(Schemas, SchemaIndex)> = LazyLock::new(|| compiled(&Table::RTMX));

fn compiled(table: &Table) -> (Schemas, SchemaIndex) {
    let mut compiler = Compiler::new();
    compiler.add_resource("rtmx.json", table.json_schema("RTMX")).expect("it is a document");
    let mut schemas = Schemas::new();
    let index = compiler.compile("rtmx.json", &mut schemas).expect("it is a JSON Schema of draft 2020-12");
    (schemas, index)
}

fn accepts((schemas, index): &(Schemas, SchemaIndex), toml: &str) -> bool {
    let document: DocumentMut = toml.parse().expect("the cases are TOML");
    schemas.validate(&json_of(document.as_item()), *index).is_ok()
}

/// TOML as the JSON that a validator sees.
fn json_of(item: &Item) -> Json {
    match item {
        Item::Table(table) => table.iter().map(|(name, item)| (name.to_owned(), json_of(item))).collect(),
        Item::Value(value) => json_of_value(value),
        Item::ArrayOfTables(tables) => {
            tables.iter().map(|table| json_of(&Item::Table(table.clone()))).collect()
        }
        Item::None => Json::Null,
    }
}

fn json_of_value(value: &Value) -> Json {
    match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => (*number.value()).into(),
        Value::Boolean(on) => (*on.value()).into(),
        Value::Datetime(moment) => moment.value().to_string().into(),
        Value::Array(items) => items.iter().map(json_of_value).collect(),
        Value::InlineTable(table) => {
            table.iter().map(|(name, value)| (name.to_owned(), json_of_value(value))).collect()
        }
    }
}

fn parser_accepts(toml: &str) -> bool {
    let mut layer = Layer::new(Provenance::new("file", "a.toml"));
    read_document(Path::new("a.toml"), toml, &mut layer);
    resolve([&layer], Strictness::Check).is_ok()
}

#[test]
fn good_files_are_valid_and_files_of_a_wrong_shape_are_not() {
    let template: String = rtmx_config::template()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(template.matches(" = ").count() > 15, "settings stand in it: {template}");
    // What a file can say, and whether both say that it is good.
    let cases = [
        ("", true),
        (template.as_str(), true),
        ("[server]\nlisten = \"[::1]:80\"\nconnections = \"7\"\nbody_limit = 2048", true),
        ("server.listen = \"localhost:0\"\nlog = { level = \"WARNING\" }", true),
        ("[metrics]\nenabled = \"Yes\"\nport = 0", true),
        ("[database]\nurl = \"postgres://u:p%20q@db/x\"\nmigrate = false", true),
        ("[license]\nserver_url = \"https://license.example.com/v1\"", true),
        ("[server]\nlisten = 8080", false),
        ("[server]\nlisten = \"8080\"", false),
        ("[server]\nlisen = \"127.0.0.1:1\"", false),
        ("[sever]\nlisten = \"127.0.0.1:1\"", false),
        ("[server]\nrequest_timeout = 30", false),
        ("[server]\nrequest_timeout = \"30\"", false),
        ("[server]\nbody_limit = \"12 parsecs\"", false),
        ("[server]\nbody_limit = 1", false),
        ("[server]\nconnections = 0", false),
        ("[metrics]\nenabled = \"perhaps\"", false),
        ("[metrics]\nport = 9090.5", false),
        ("[log]\nlevel = \"loud\"", false),
        ("[log]\nlevel = [\"info\"]", false),
        ("[log.level]\ndeep = true", false),
        ("log = \"debug\"", false),
        ("\"log.level\" = \"debug\"", false),
        ("[data]\ndir = \"relative\"", false),
        ("[database]\nschema = \"\"", false),
        ("[database]\nurl = \"postgres://u:${PASSWORD}@db/x\"", false),
        ("[database]\nurl = \"rtmx.db\"", false),
        ("[license]\nserver_url = \"ftp://example.com\"", false),
        ("[auth]\nadmin_token = \"short\"", false),
        ("[database]\npassword = 4711", false),
    ];
    for (toml, good) in cases {
        assert_eq!(accepts(&SCHEMA, toml), good, "the schema: {toml}");
        assert_eq!(parser_accepts(toml), good, "the parser: {toml}");
    }
}

#[test]
fn a_list_and_a_former_name_are_in_a_schema_too() {
    const TABLE: Table = Table::new(
        "X",
        &[KeySpec {
            formerly: &["old.names"],
            ..KeySpec::new("a.b.names", Kind::List { most: 2 }, None, "Names.")
        }],
    );
    let schema = compiled(&TABLE);
    let cases = [
        ("[a.b]\nnames = [\"x\", \"y\"]", true),
        ("[a.b]\nnames = \"x, y\"", true),
        ("[old]\nnames = []", true),
        ("[a.b]\nnames = [\"x\", \"y\", \"z\"]", false),
        ("[a.b]\nnames = [\"x,y\"]", false),
        ("[a.b]\nnames = [1]", false),
        ("[a.b]\nnames = \"x,,y\"", false),
    ];
    for (toml, good) in cases {
        assert_eq!(accepts(&schema, toml), good, "{toml}");
        let mut layer = Layer::new(Provenance::new("file", "a.toml"));
        read_document(Path::new("a.toml"), toml, &mut layer);
        assert_eq!(TABLE.resolve([&layer], Strictness::Check).is_ok(), good, "the parser: {toml}");
    }
    assert_eq!(TABLE.json_schema("X")["properties"]["old"]["properties"]["names"]["deprecated"], json!(true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A file that the program takes is never called wrong by an editor.
    #[test]
    fn what_the_parser_takes_the_schema_takes(
        spec in prop::sample::select(KEYS),
        value in prop_oneof![
            any::<i64>().prop_map(Value::from),
            (0i64..70_000).prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            (-9.0f64..9.0).prop_map(Value::from),
            "[ -~]{0,20}".prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
            "[0-9]{1,6} ?(ms|S|m|h|d|KiB|Mi|GB|b|B)?".prop_map(Value::from),
            "[1-9][0-9]?[dh] ?[1-9]m".prop_map(Value::from),
            "(0\\.0\\.0\\.0|\\[::1\\]|localhost):[0-9]{1,5}".prop_map(Value::from),
            "(/[a-z]{1,5}){1,3}".prop_map(Value::from),
            "(https?|HTTP|sqlite|postgres)://?[a-z.@:]{1,9}".prop_map(Value::from),
            prop::sample::select(vec!["Info", "WARNING", "json", "Offline", " prefer ", "YES", "off"]).prop_map(Value::from),
        ],
    ) {
        let (section, name) = spec.path.split_once('.').expect("a section and a key");
        let toml = format!("[{section}]\n{name} = {value}\n");
        if parser_accepts(&toml) {
            prop_assert!(accepts(&SCHEMA, &toml), "{toml}");
        }
    }
}
