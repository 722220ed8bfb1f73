//! Where installations are, whether `sudo` was used or not.

use rtmx_core::{Error, Result, tool};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The home of installations that root makes.
const MACHINE_HOME: &str = "/var/lib/rtmx";

/// The folders that can be homes.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// The one that was named.
    pub(super) named: Option<PathBuf>,
    /// Every other place to look, the one for a new installation first.
    pub(super) usual: Vec<PathBuf>,
}

impl Places {
    /// The places of this user on this machine.
    pub(super) fn here(named: Option<&Path>) -> Places {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let own = variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")));
        let own = own.map(|folder| folder.join("rtmx"));
        let machine = PathBuf::from(MACHINE_HOME);
        let root = rustix::process::geteuid().is_root();
        let mut usual = if root { vec![machine.clone()] } else { Vec::new() };
        usual.extend(own);
        if !root {
            usual.push(machine);
        }
        if let Some(home) = std::env::var("SUDO_USER").ok().filter(|_| root).and_then(|user| home_of(&user)) {
            usual.push(home.join(".local/share/rtmx"));
        }
        usual.dedup();
        let named = named.map(|home| std::path::absolute(home).unwrap_or_else(|_| home.to_owned()));
        Places { named, usual }
    }

    /// The home that holds the installation `name`; `None` if there is none.
    ///
    /// # Errors
    ///
    /// `installation_ambiguous` when several do.
    pub(super) fn find(&self, name: &str) -> Result<Option<PathBuf>> {
        let places = if let Some(named) = &self.named { std::slice::from_ref(named) } else { &self.usual };
        let holds =
            |home: &&PathBuf| home.join("installations").join(name).join("installation.json").exists();
        let mut found: Vec<PathBuf> = places.iter().filter(holds).cloned().collect();
        found.dedup_by_key(|home| home.canonicalize().ok());
        match found.as_slice() {
            [] => Ok(None),
            [home] => Ok(Some(home.clone())),
            several => {
                let homes: Vec<String> = several.iter().map(|home| home.display().to_string()).collect();
                let message = format!(
                    "cannot tell which `{name}` is meant: there is one in {}",
                    homes.join(" and in ")
                );
                Err(Error::new(tool::INSTALLATION_AMBIGUOUS, message).with("homes", homes.join(",")))
            }
        }
    }

    /// The homes of other people that hold the installation `name`, as far as root sees them.
    ///
    /// They are not looked in otherwise: root has a reason to mean a person's installation only when
    /// that person used `sudo`.
    pub(super) fn of_others(&self, name: &str) -> Vec<PathBuf> {
        if self.named.is_some() || !rustix::process::geteuid().is_root() {
            return Vec::new();
        }
        let output = Command::new("getent").arg("passwd").output().map(|output| output.stdout);
        let people = String::from_utf8_lossy(&output.unwrap_or_default()).into_owned();
        let homes = people.lines().filter_map(|line| line.split(':').nth(5));
        let homes = homes.map(|home| Path::new(home).join(".local/share/rtmx"));
        let holds = |home: &PathBuf| home.join("installations").join(name).join("installation.json").exists();
        homes.filter(|home| !self.usual.contains(home)).filter(holds).collect()
    }

    /// The home for an installation that does not exist yet.
    pub(super) fn for_new(&self) -> PathBuf {
        let first = self.named.as_ref().or(self.usual.first());
        first.cloned().unwrap_or_else(|| PathBuf::from(MACHINE_HOME))
    }
}

/// The folder of the user's own systemd units.
pub(super) fn user_units() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")))?;
    Some(config.join("systemd/user"))
}

/// Who runs the tool, for the history.
pub(super) fn actor() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

fn home_of(user: &str) -> Option<PathBuf> {
    let output = Command::new("getent").args(["passwd", user]).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    line.trim().split(':').nth(5).filter(|home| !home.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtmx_core::assert_code;

    fn home_with(name: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        let folder = home.path().join("installations").join(name);
        std::fs::create_dir_all(&folder).expect("it is writable");
        std::fs::write(folder.join("installation.json"), "{}").expect("it is writable");
        home
    }

    #[test]
    fn an_installation_is_found_in_any_usual_place_before_it_is_called_new() {
        let (one, other) = (home_with("first"), home_with("second"));
        let usual = vec![one.path().to_owned(), other.path().to_owned()];
        let places = Places { named: None, usual: usual.clone() };
        assert_eq!(places.find("second").expect("there is one"), Some(other.path().to_owned()));
        assert_eq!(places.find("third").expect("there is none"), None);
        assert_eq!(places.for_new(), one.path());
        let named = Places { named: Some(one.path().to_owned()), usual };
        assert_eq!(named.find("second").expect("there is none"), None);
    }

    #[test]
    fn two_installations_of_one_name_are_never_guessed_between() {
        let (one, other) = (home_with("rtmx"), home_with("rtmx"));
        let places = Places { named: None, usual: vec![one.path().to_owned(), other.path().to_owned()] };
        let error = places.find("rtmx").expect_err("there are two");
        assert_code(&error, tool::INSTALLATION_AMBIGUOUS);
        let same = Places { named: None, usual: vec![one.path().to_owned(), one.path().join(".")] };
        assert!(same.find("rtmx").expect("both paths are one folder").is_some());
    }
}
