//! A license, as everybody at the dashboard sees it. The vendor's own program issues it.

use crate::Told;
use crate::inspection::inspect;
use crate::server::Server;
use crate::tab::Tab;
use crate::time::seconds_from_now;
use reqwest::Method;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const DAY_S: i64 = 86_400;

pub(crate) async fn a_license_is_seen_from_its_first_day_to_its_last(tab: Tab) -> Told {
    let vendor = Vendor::new(&tab.lab.licensed);
    let server = Server::start(&tab.lab.program, &[("RTMX_TRUSTED_KEYS", &vendor.trusted)]);
    let tab = tab.at_server(&server.address, None);

    tab.open("/").await?;
    tab.named("footer", "Community edition").await?.click().await?;
    tab.until("the page of the license", "return location.pathname === '/license';").await?;
    assert!(tab.text("main").await?.contains("rtmxctl license activate"), "it says how to bring one");

    let issued = ["--id", "LIC-STORY", "--organization", "Acme GmbH", "--edition", "enterprise"];
    let year = seconds_from_now(365 * DAY_S);
    let rest = ["--feature", "sso_enabled", "--limit", "max_nodes=10", "--expires", &year];
    paste(&tab, &std::fs::read_to_string(vendor.run("issue", &[issued.as_slice(), &rest].concat()))?).await?;
    let page = shown(&tab, "license-valid").await?;
    for part in ["valid", "Acme GmbH", "LIC-STORY, number 1", "max_nodes 10 ", "sso_enabled yes"] {
        assert!(page.contains(part), "{part:?} is not in {page}");
    }

    // ends in so many seconds, days of grace, the state, what every other page says
    let rows = [
        (5 * DAY_S, "14", "expiring soon", "The license ends on "),
        (4, "14", "grace", "Everything goes on until "),
        (4, "0", "restricted", "The community limits hold; nothing is locked."),
    ];
    for (ends, days, state, banner) in rows {
        let ends = seconds_from_now(ends);
        let renewal = ["LIC-STORY", "--expires", &ends, "--grace-days", days];
        bring(&tab, vendor.run("renew", &renewal)).await;
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            tab.open("/").await?;
            // The banner of the state before may still be there.
            let said = tab.js("return document.querySelector('.of-license')?.innerText ?? '';").await?;
            if said.as_str().is_some_and(|said| said.contains(banner)) {
                break;
            }
            assert!(Instant::now() < deadline, "{state}: the pages say {said}");
        }
        let page = shown(&tab, &format!("license-{}", state.replace(' ', "-"))).await?;
        assert!(page.contains(state), "{state:?} is not in {page}");
    }

    paste(&tab, "no license").await?;
    let faults = inspect(&tab, "license-refused").await?;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(tab.text("main [role=alert]").await?.contains("It is refused:"));
    let page = tab.text("main").await?;
    assert!(page.contains("LIC-STORY, number 4"), "what is no license takes the place of none: {page}");
    // The answer is 422, and that is all.
    let others: Vec<_> =
        tab.troubles().await?.into_iter().filter(|trouble| !trouble.ends_with("422")).collect();
    assert!(others.is_empty(), "{others:?}");
    Ok(())
}

/// Brings what the vendor sent by the form.
async fn paste(tab: &Tab, license: &str) -> Told {
    tab.open("/license").await?;
    let field = tab.field("The license, as the vendor sent it").await?;
    tab.browser.execute("arguments[0].value = arguments[1];", vec![field.to_json()?, license.into()]).await?;
    tab.click("Install").await
}

/// Uploads a license.
async fn bring(tab: &Tab, license: PathBuf) {
    let license = std::fs::read(license).expect("the vendor wrote it");
    let got = tab.api.send(Method::PUT, "/api/v1/license", &[("content-type", "text/plain")], license).await;
    assert!(got.status.is_success(), "{} {}", got.status, got.text());
}

/// What the page of the license says, after it was looked at in every way.
async fn shown(tab: &Tab, name: &str) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    tab.open("/license").await?;
    let faults = inspect(tab, name).await?;
    assert!(faults.is_empty(), "{name}:\n{}", faults.join("\n"));
    Ok(tab.text("main").await?)
}

/// A vendor with a key and a register of its own.
struct Vendor {
    program: PathBuf,
    folder: tempfile::TempDir,
    /// The key, as a server under test is told to trust it.
    trusted: String,
}

impl Vendor {
    fn new(program: &Path) -> Vendor {
        let folder = tempfile::tempdir().expect("the system has a folder for temporary files");
        std::fs::write(folder.path().join("passphrase"), "a long passphrase of the stories")
            .expect("it is writable");
        let mut vendor = Vendor { program: program.to_owned(), folder, trusted: String::new() };
        let made = vendor.said(&[
            "keygen",
            "--usage",
            "license",
            "--kid",
            "stories",
            "--out",
            "key",
            "--passphrase-file",
            "passphrase",
        ]);
        vendor.trusted = made.trim().to_owned();
        vendor
    }

    /// Issues or renews, and answers where the license is.
    fn run(&self, command: &str, arguments: &[&str]) -> PathBuf {
        let out = self.folder.path().join("license");
        let _ = std::fs::remove_file(&out);
        let how = ["--key", "key", "--passphrase-file", "passphrase", "--register", "sqlite:register.db"];
        self.said(&[&[command], arguments, &how, &["--out", "license"]].concat());
        out
    }

    fn said(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.program).args(arguments).current_dir(self.folder.path()).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }
}
