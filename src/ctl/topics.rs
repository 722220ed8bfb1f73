//! Help on topics, for the terminal and as manual pages.

use std::fmt::Write;

/// The exit codes, as every command uses them.
pub(super) const EXIT_CODES: &[(u8, &str)] = &[
    (0, "done, or nothing to do"),
    (1, "failed; the message says what state things are in"),
    (2, "the command line is wrong"),
    (3, "changes are pending (`plan`), or need attention (`config diff`)"),
    (4, "what runs was changed by hand"),
    (5, "a check before the first change failed"),
    (6, "rolled back; the release before is verified and serves"),
    (7, "a signature, digest or backup did not verify"),
    (8, "license"),
    (9, "another run holds the lock"),
    (130, "interrupted"),
];

/// The environment variables of the tool.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("RTMX_HOME", "the folder that holds the installations, as `--home`"),
    ("RTMX_NAME", "the installation, as `--name`"),
    ("NO_COLOR", "when set, no colours; `CLICOLOR_FORCE=1` asks for them"),
    ("ACCESSIBLE", "when set, no line is ever repainted"),
    ("XDG_DATA_HOME", "where a user's own installations are (default `~/.local/share`)"),
    ("XDG_CONFIG_HOME", "where a user's own systemd units are (default `~/.config`)"),
    ("SUDO_USER", "set by `sudo`; that user's installations are looked for, too"),
];

/// The names of the topics.
pub(super) const TOPICS: &[&str] = &["environment", "exit-codes", "json", "files", "offline"];

/// The text of a topic; `None` if there is no such topic.
pub(super) fn topic(name: &str) -> Option<String> {
    Some(match name {
        "environment" => environment(),
        "exit-codes" => exit_codes(),
        "json" => JSON.to_owned(),
        "files" => FILES.to_owned(),
        "offline" => OFFLINE.to_owned(),
        _ => return None,
    })
}

/// A topic as a manual page of section 7 (man(7)).
pub(super) fn manual_page(name: &str) -> Option<String> {
    let text = topic(name)?;
    let escape = |line: &str| {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
    };
    let mut page = format!(
        ".TH \"RTMXCTL-{}\" 7\n.SH NAME\nrtmxctl\\-{name}\n.SH DESCRIPTION\n.nf\n",
        name.to_uppercase()
    );
    text.lines().for_each(|line| page.push_str(&format!("{}\n", escape(line))));
    page.push_str(".fi\n");
    Some(page)
}

fn environment() -> String {
    let mut text = "The tool reads these variables:\n\n".to_owned();
    for (name, what) in ENVIRONMENT {
        writeln!(text, "  {name:<16} {what}").expect("writing to a string cannot fail");
    }
    text.push_str(
        "
The server of an installation is started without any of the caller's environment. Its settings are
given when it is deployed, and remembered:

  rtmxctl deploy --set log.level=debug
  rtmxctl deploy --set-file auth.admin_token=/run/secrets/token
  rtmxctl deploy --set-env database.url=DATABASE_URL

The last two are for secrets: the value is kept in a file of the installation that only its owner
can read, and shown nowhere.

A server that is started by other means reads these variables, each also with `_FILE` behind its name
for a file that holds the value. `rtmxctl config reference` tells the values that each can have, and
`rtmxctl config reference --format env` prints a file to start from.

All settings:

",
    );
    for key in rtmx_config::reference() {
        let default = key.default.map(|default| format!(" (default `{default}`)")).unwrap_or_default();
        let variables = key.variables.join(", ");
        writeln!(text, "  {}\n      {}{default}\n      {variables}", key.key, key.doc)
            .expect("writing to a string cannot fail");
    }
    text
}

fn exit_codes() -> String {
    let mut text =
        "Every command ends with one of these. Take a code that is not here for a failure.\n\n".to_owned();
    for (code, what) in EXIT_CODES {
        writeln!(text, "  {code:>3}  {what}").expect("writing to a string cannot fail");
    }
    text
}

const JSON: &str = "\
With `--json`, every command prints JSON, one object a line.

The first line of standard output names the version of the format:

  {\"type\":\"version\",\"format\":\"1.0\"}

The last line is the result; its `type` is the command's name. In between, `logs` prints an object
for each line, and `import` one for each file if there are several. Additions raise the minor number of the format; a program should refuse another
major number, and ignore members that it does not know.

When a command fails, standard error holds exactly one object, with `type` `error`, the stable
`code`, `message`, `causes`, `state`, `next`, `facts` and the `exit` code. `rtmxctl explain CODE` says more.
Nothing else is ever printed on standard error with `--json`.
";

const FILES: &str = "\
An installation is one folder, HOME/installations/NAME. HOME is `--home` or `RTMX_HOME`, else /var/lib/rtmx
for root and ~/.local/share/rtmx for others.

  releases/             the programs of the release that runs
  current               link to them
  config/rtmx.toml      the server's configuration; `rtmxctl deploy` replaces edits
  config/secrets/       secret values
  data/                 the database
  data/license-memory   what is remembered of the license beside the database
  data/first-token      the first admin token, until `rtmxctl deploy` has shown it
  data/admin.sock       how the tool talks to the running server
  logs/                 the server's output, where no service manager keeps it
  installation.json     what is installed, and that there was data
  history.jsonl         what was done

Beside the installations, and not purged with one:

  HOME/backups/NAME     what `rtmxctl backup create` makes
  HOME/config-tokens.key  the key of the tokens that `rtmxctl config show` prints for secrets
  HOME/transfers        archives of transfers that are not done; the same command goes on with them

The server also reads /etc/rtmx/rtmx.toml and /etc/rtmx/conf.d/*.toml; the installation's own file wins.
";

const OFFLINE: &str = "\
The tool and the server work without a network. `deploy` installs the programs that lie beside
`rtmxctl`, and opens no connection but to the server that it started, on this machine. Nothing is
sent anywhere: telemetry is off unless it is switched on.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_code_of_an_error_is_in_the_table() {
        for code in rtmx_core::all_codes() {
            let exit = code.entry().exit;
            assert!(EXIT_CODES.iter().any(|(known, _)| *known == exit), "`{code}` exits with {exit}");
        }
    }

    #[test]
    fn every_topic_is_text_of_the_product_and_a_manual_page() {
        for name in TOPICS {
            let page = manual_page(name).expect("every topic has a page");
            assert!(page.starts_with(".TH \"RTMXCTL-"), "{name}");
            assert!(page.lines().count() > 8, "{name}");
        }
        assert_eq!(topic("no-such-topic"), None);
    }
}
