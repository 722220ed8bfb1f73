//! A service of somebody else that is configured in layers: `embed-config [--config FILE] [KEY=VALUE...]`.
#![allow(clippy::print_stdout, reason = "an example prints")]

use rtmx_config::{
    About, Configuration, Finding, KeySpec, Kind, Layer, Provenance, Reload, Strictness, Table,
};
use rtmx_config_env::read_secret_file;
use rtmx_config_file::{FileSettings, FileSource, Place};
use std::time::Duration;

/// Our settings; their variables are `REPORTS_HTTP__LISTEN` and so on, each also with `_FILE`.
const KEYS: &[KeySpec] = &[
    KeySpec::new("http.listen", Kind::Address, Some("127.0.0.1:8080"), "Where the service listens."),
    KeySpec::new("http.origins", Kind::List { most: 20 }, None, "Sites that may call the service."),
    KeySpec {
        reload: Reload::Live,
        ..KeySpec::new("http.timeout", TIMEOUT, Some("30s"), "How long a call may take.")
    },
    KeySpec {
        secret: true,
        ..KeySpec::new("mail.password", Kind::Password { max: 1024 }, None, "Of the mail server.")
    },
    KeySpec::new(
        "mail.host",
        Kind::Text { max: 253 },
        None,
        "The mail server; without one, nothing is sent.",
    ),
];
const TIMEOUT: Kind = Kind::Duration { min: Duration::from_secs(1), max: Duration::from_secs(600) };
const SETTINGS: Table = Table::new("REPORTS", KEYS).with_check(no_password_without_a_host);

fn no_password_without_a_host(found: &Configuration) -> Vec<Finding> {
    let alone = found.secret("mail.password").is_some() && found.text("mail.host").is_none();
    let origin = found.origins["mail.password"].origin.clone();
    let text = "`mail.password` is set, and `mail.host` is not";
    alone.then(|| Finding::new(About::Contradiction, origin, text)).into_iter().collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut file = Layer::new(Provenance::new("file", ""));
    if words.first().is_some_and(|word| word == "--config") {
        let path = words.get(1).ok_or("give a file behind `--config`")?.into();
        file = FileSource::new(FileSettings::new(Place::File(path))).read();
        words.drain(..2);
    }
    let environment = SETTINGS.environment_layer(std::env::vars_os(), &mut read_secret_file);
    let flags = SETTINGS.flag_layer(&words);
    let found = SETTINGS.resolve([&file, &environment, &flags], Strictness::Start).map_err(|error| {
        error.causes().join("\n") // Everything that is wrong, each with its place.
    })?;
    found.warnings.iter().for_each(|warning| println!("warning: {warning}"));
    for line in found.effective() {
        println!("{} = {} ({})", line.key, line.value.unwrap_or_default(), line.trace.origin);
    }
    println!(
        "listening on {} for calls of at most {:?}",
        found.address("http.listen"),
        found.duration("http.timeout")
    );
    Ok(())
}
