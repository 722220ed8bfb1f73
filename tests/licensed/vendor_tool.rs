//! `rtmx-licensed` as a process in a folder of its own, and what holds for every run of it.

use rtmx::license::{KeyRing, PublicKey, Usage};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const PASSPHRASE: &str = "a passphrase that shows nowhere";

/// A vendor's folder.
pub(crate) struct Vendor {
    folder: tempfile::TempDir,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Vendor {
    pub(crate) fn new() -> Vendor {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::write(folder.path().join("passphrase"), format!("{PASSPHRASE}\n")).expect("it is writable");
        Vendor { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("the folder is writable");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtmx-licensed"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command
    }

    /// Runs the tool for people.
    pub(crate) fn plainly(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().expect("the tool starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the tool prints text");
        let ran = Ran {
            code: output.status.code().expect("it was not killed"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!format!("{ran:?}").contains(PASSPHRASE), "{arguments:?} shows the passphrase");
        ran
    }

    /// Runs the tool for programs, and checks the form of what it prints.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let ran = self.plainly(&[&["--json"], arguments].concat());
        let lines = |text: &str| -> Vec<Value> {
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
                .collect()
        };
        let (out, err) = (lines(&ran.stdout), lines(&ran.stderr));
        if ran.code == 0 {
            assert!(
                out.len() == 2 && out[0]["type"] == "version" && err.is_empty(),
                "{arguments:?}: {ran:?}"
            );
        } else {
            assert!(out.is_empty() && err.len() == 1 && err[0]["type"] == "error", "{arguments:?}: {ran:?}");
            assert!(err[0]["next"].as_str().is_some_and(|next| !next.is_empty()), "{ran:?}");
            assert_eq!(err[0]["exit"], ran.code, "{ran:?}");
        }
        ran
    }

    /// The result of a run that must succeed.
    #[track_caller]
    pub(crate) fn result(&self, arguments: &[&str]) -> Value {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
        serde_json::from_str(ran.stdout.lines().last().unwrap_or_default()).expect("checked above")
    }

    /// The code of a run that must fail, and its error.
    #[track_caller]
    pub(crate) fn refused(&self, arguments: &[&str]) -> (String, Value) {
        let ran = self.run(arguments);
        assert_ne!(ran.code, 0, "{arguments:?}: {}", ran.stdout);
        let error: Value = serde_json::from_str(&ran.stderr).expect("checked above");
        (error["code"].as_str().unwrap_or_default().to_owned(), error)
    }

    /// Makes a key `<kid>.key`; its public line is added to `keys.txt`.
    #[track_caller]
    pub(crate) fn keygen(&self, usage: &str, kid: &str) -> String {
        let out = format!("{kid}.key");
        let made = self.result(&[
            "keygen",
            "--usage",
            usage,
            "--kid",
            kid,
            "--out",
            &out,
            "--passphrase-file",
            "passphrase",
        ]);
        let line = made["line"].as_str().expect("it prints the line").to_owned();
        let known = std::fs::read_to_string(self.path("keys.txt")).unwrap_or_default();
        self.write("keys.txt", format!("{known}{line}\n"));
        line
    }

    /// Issues a license into `<out>` with more flags.
    #[track_caller]
    pub(crate) fn issue(&self, key: &str, out: &str, more: &[&str]) -> Value {
        let key = format!("{key}.key");
        let fixed = [
            "issue",
            "--key",
            &key,
            "--passphrase-file",
            "passphrase",
            "--register",
            "sqlite:licenses.db",
            "--out",
            out,
            "--organization",
            "Acme GmbH",
            "--edition",
            "enterprise",
            "--expires",
            "2199-03-31",
        ];
        self.result(&[&fixed[..], more].concat())
    }
}

/// A ring of the lines that `keygen` printed, as a product would embed them.
pub(crate) fn ring_of(lines: &[&str], threshold: u64) -> KeyRing {
    let mut builder = KeyRing::builder("RTMX").threshold(threshold);
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let usage = match words[0] {
            "root" => Usage::Root,
            "license" => Usage::License,
            "lease" => Usage::Lease,
            _ => Usage::Revocation,
        };
        let key = PublicKey::parse(words[2]).expect("the public half is sound");
        builder = builder.pin(words[1], usage, key.as_bytes()).expect("each is there once");
    }
    builder.build().expect("the threshold can be reached")
}
