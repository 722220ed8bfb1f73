//! `rtmx-server secrets create`, as the container that runs before the others calls it.

use rtmx::core::{app as codes, assert_code, tool};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

struct Place {
    folder: TempDir,
    spec: PathBuf,
}

impl Place {
    fn new(spec: &str) -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::create_dir(folder.path().join("given")).expect("it can be made");
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join(spec);
        Place { folder, spec: committed }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn create(&self, profiles: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtmx-server"));
        command.args(["secrets", "create", "--spec"]).arg(&self.spec).arg("--to").arg(self.path("secrets"));
        command.arg("--given").arg(self.path("given")).arg("--variables").arg(self.path("given"));
        command.arg(format!("--profiles={profiles}"));
        if !is_root() {
            command.arg("--own");
        }
        command.output().expect("the program runs")
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Every file with its content, mode, owner and group.
    fn all(&self) -> BTreeMap<String, (Vec<u8>, u32, u32, u32)> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path("secrets"), self.path("given")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("it can be listed") {
                let path = entry.expect("it can be listed").path();
                let facts = fs::metadata(&path).expect("it is there");
                let content =
                    if facts.is_dir() { Vec::new() } else { fs::read(&path).expect("it can be read") };
                found.insert(text(&path), (content, facts.mode() & 0o7777, facts.uid(), facts.gid()));
                if facts.is_dir() {
                    folders.push(path);
                }
            }
        }
        found
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn code(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let code =
        text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(code, _)| code.to_owned());
    code.unwrap_or(text)
}

const RTMX: &str = "deploy/rtmx/compose/prod/secrets.yaml";
const HYYVE: &str = "deploy/hyyve/compose/prod/secrets.yaml";

#[test]
fn missing_secrets_are_made_once_and_only_their_component_can_read_them() {
    let place = Place::new(RTMX);
    let first = place.create("postgres");
    assert!(first.status.success(), "{first:?}");
    let password = place.read("secrets/postgres/POSTGRES_PASSWORD");
    assert_eq!(password.len(), 44, "32 bytes in base64");
    let url = place.read("secrets/rtmx-server/DATABASE_URL");
    let encoded = password.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    assert!(url == format!("postgresql://rtmx:{encoded}@postgres:5432/rtmx"), "the password is encoded");
    assert!(!place.path("secrets/rtmx-server/RTMX_LICENSE_KEY").exists(), "nobody gave one");
    let said = String::from_utf8_lossy(&first.stdout).into_owned() + &String::from_utf8_lossy(&first.stderr);
    assert!(said.contains("made postgres_password") && !said.contains(&password), "{said}");

    assert_eq!(mode(&place.path("secrets/.kept")), 0o700);
    assert_eq!(mode(&place.path("secrets/.kept/postgres_password")), 0o400);
    assert_eq!(mode(&place.path("secrets/postgres")), 0o750);
    assert_eq!(mode(&place.path("secrets/postgres/POSTGRES_PASSWORD")), 0o440);
    if is_root() {
        let owner =
            |path: &str| fs::metadata(place.path(path)).map(|it| (it.uid(), it.gid())).expect("it is there");
        let (user, database) = owner("secrets/postgres/POSTGRES_PASSWORD");
        let (_, server) = owner("secrets/rtmx-server/DATABASE_URL");
        assert!(user != 0 && user != 1000, "no container's user owns it: {user}");
        assert!(database >= 200_000 && server >= 200_000 && database != server);
        assert_eq!(owner("secrets/.kept").0, user);
    }

    let before = place.all();
    let second = place.create("postgres");
    assert!(second.status.success(), "{second:?}");
    assert_eq!(String::from_utf8_lossy(&second.stdout), "nothing was missing\n");
    assert_eq!(place.all(), before);
}

#[test]
fn given_secrets_are_handed_out_and_follow_their_file() {
    let place = Place::new(RTMX);
    fs::write(place.path("given/license_key"), "v4.public.one\n").expect("it can be written");
    fs::write(place.path("given/database_url"), "postgresql://me@db/x").expect("it can be written");
    assert!(place.create("").status.success());
    assert_eq!(place.read("secrets/rtmx-server/RTMX_LICENSE_KEY"), "v4.public.one");
    assert_eq!(place.read("secrets/rtmx-server/DATABASE_URL"), "postgresql://me@db/x");
    assert!(!place.path("secrets/postgres").exists(), "its profile is off");
    fs::write(place.path("given/license_key"), "v4.public.two").expect("it can be written");
    fs::remove_file(place.path("given/database_url")).expect("it can be removed");
    assert!(place.create("").status.success());
    assert_eq!(place.read("secrets/rtmx-server/RTMX_LICENSE_KEY"), "v4.public.two");
    assert!(!place.path("secrets/rtmx-server/DATABASE_URL").exists(), "nothing is left of it");
}

#[test]
fn a_database_that_is_switched_off_and_on_keeps_its_password() {
    let place = Place::new(RTMX);
    assert!(place.create("postgres").status.success());
    let url = place.read("secrets/rtmx-server/DATABASE_URL");
    assert!(place.create("sqlite").status.success());
    assert!(!place.path("secrets/rtmx-server/DATABASE_URL").exists());
    assert!(place.create("postgres,tls").status.success());
    assert_eq!(place.read("secrets/rtmx-server/DATABASE_URL"), url);
}

#[test]
fn what_is_in_use_is_never_overwritten() {
    let place = Place::new(RTMX);
    assert!(place.create("postgres").status.success());
    let before = place.read("secrets/postgres/POSTGRES_PASSWORD");
    fs::write(place.path("given/postgres_password"), "another").expect("it can be written");
    let refused = place.create("postgres");
    assert_code(code(&refused), codes::SECRET_DIFFERS);
    assert_eq!(place.read("secrets/postgres/POSTGRES_PASSWORD"), before);
    assert!(!String::from_utf8_lossy(&refused.stderr).contains("another\n"));
}

#[test]
fn variables_are_written_for_who_reads_them_and_a_late_one_is_told() {
    let place = Place::new(HYYVE);
    let first = place.create("");
    assert_code(code(&first), codes::SECRETS_RELOAD);
    let api = place.read("given/api.env");
    for name in
        ["DATABASE_URL='postgresql://hyyve:", "REDIS_URL='redis://:", "SECRET_KEY='", "ENCRYPTION_KEY='"]
    {
        assert!(api.contains(name), "{name}");
    }
    assert_eq!(mode(&place.path("given/api.env")), 0o600);
    let password = place.read("secrets/redis/REDIS_PASSWORD");
    assert_eq!(
        place.read("secrets/redis/redis.conf"),
        format!("appendonly yes\ndir /data\nrequirepass {password}\n")
    );
    let second = place.create("");
    assert!(second.status.success(), "{second:?}");
    assert_eq!(place.read("given/api.env"), api);
}

#[test]
fn many_at_once_make_one_secret() {
    let place = Place::new(RTMX);
    let url = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| place.create("postgres"))).collect();
        for run in runs {
            let output = run.join().expect("it runs");
            assert!(output.status.success(), "{output:?}");
        }
        place.read("secrets/rtmx-server/DATABASE_URL")
    });
    let password = place.read("secrets/.kept/postgres_password");
    let encoded = password.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    assert!(url.contains(&encoded), "all agree");
}

#[test]
fn a_file_that_is_none_is_told_with_its_lines() {
    let place = Place::new("no-such-file.yaml");
    assert_code(code(&place.create("")), tool::FILE_UNREADABLE);
    let mut place = Place::new(RTMX);
    place.spec = place.path("spec.yaml");
    fs::write(&place.spec, "application: x\nsecrts: {}\n").expect("it can be written");
    let refused = place.create("");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains(":2:1: there is no key `secrts`; the nearest is `secrets`"), "{told}");
    assert_eq!(refused.status.code(), Some(2));
    assert!(!place.path("secrets").exists(), "nothing was made");
}
