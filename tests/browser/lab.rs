//! What the stories share: the programs, a driver, the accessibility checker, a place for pictures.

use crate::Told;
use crate::driver::Driver;
use crate::server::Server;
use crate::tab::Tab;
use crate::view::View;
use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;

/// A story that takes longer hangs. The slowest takes a tenth of it.
const STORY_LIMIT: Duration = Duration::from_secs(300);

/// The shared part of a run. Dropping it ends every process that it started.
pub(crate) struct Lab {
    /// The server's program.
    pub(crate) program: PathBuf,
    /// The vendor's program.
    pub(crate) licensed: PathBuf,
    /// The text of axe-core.
    pub(crate) axe: String,
    driver: Driver,
    runtime: Runtime,
    pictures: PathBuf,
}

/// This workspace's folder, as the runner says: a target folder that checkouts share keeps the program of
/// another one.
pub(crate) fn crate_dir() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into()).into()
}

impl Lab {
    /// Starts what is needed. Panics with what is missing.
    pub(crate) fn open() -> Lab {
        let root = crate_dir().join("../..");
        let program = place("RTMX_SERVER", root.join("target/debug/rtmx-server"));
        let licensed = place("RTMX_LICENSED", root.join("target/debug/rtmx-licensed"));
        let axe = place("RTMX_AXE", root.join("target/axe-core/axe.min.js"));
        let axe = std::fs::read_to_string(&axe)
            .unwrap_or_else(|error| panic!("could not read axe-core at {}: {error}", axe.display()));
        let pictures = place("RTMX_BROWSER_PICTURES", root.join("target/browser"));
        std::fs::create_dir_all(&pictures).expect("the build folder can be written");
        let driver = Driver::start();
        remember_where_panics_were();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        Lab { program, licensed, axe, driver, runtime: runtime.expect("the system has threads"), pictures }
    }

    /// Runs a story in a browser of its own on a server of its own, and keeps a picture of where it failed.
    /// The server has no tokens: whoever comes from this machine may do everything.
    ///
    /// # Errors
    ///
    /// What the story met, in words.
    pub(crate) fn tell(
        self: &Arc<Lab>,
        view: View,
        claim: &str,
        story: fn(Tab) -> Pin<Box<dyn Future<Output = Told> + Send>>,
    ) -> Result<(), String> {
        let server = Server::start(&self.program, &[]);
        self.runtime.block_on(async {
            let browser = self.driver.browser().await;
            let browser = browser.map_err(|error| format!("the browser did not start: {error}"))?;
            let outcome = match Tab::new(self.clone(), browser.clone(), view, &server.address).await {
                Ok(tab) => self.watch(&tab, claim, story).await,
                Err(error) => Err(error.to_string()),
            };
            // A browser that cannot be told to end is ended with its driver.
            let _ = browser.quit().await;
            outcome
        })
    }

    async fn watch(
        &self,
        tab: &Tab,
        claim: &str,
        story: fn(Tab) -> Pin<Box<dyn Future<Output = Told> + Send>>,
    ) -> Result<(), String> {
        // A task of its own, so that a failed assertion ends the story and not what cleans up after it.
        let telling = tokio::spawn(tokio::time::timeout(STORY_LIMIT, story(tab.clone())));
        let mut outcome = match telling.await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => Err(short(&error.to_string())),
            Ok(Err(_)) => Err(format!("did not end within {} s", STORY_LIMIT.as_secs())),
            Err(ended) => Err(said(ended)),
        };
        if outcome.is_ok() {
            outcome = tab.quiet().await.map_err(|error| short(&error.to_string()));
        }
        match outcome {
            Ok(()) => Ok(()),
            Err(message) => {
                let name = format!("failed-{}-{claim}.png", tab.view.name);
                let address = tab.address().await;
                let shown = match tab.picture(&name).await {
                    Ok(path) => path.display().to_string(),
                    Err(error) => format!("no picture: {error}"),
                };
                Err(format!("{message}\nat {address}\nseen: {shown}"))
            }
        }
    }

    /// Where a picture of this name is kept.
    pub(crate) fn picture(&self, name: &str) -> PathBuf {
        self.pictures.join(name)
    }
}

fn place(variable: &str, otherwise: PathBuf) -> PathBuf {
    std::env::var_os(variable).map_or(otherwise, PathBuf::from)
}

/// Without the addresses inside the driver that it adds to its errors.
fn short(error: &str) -> String {
    let end = error.find("Stacktrace:").unwrap_or(error.len());
    error[..end].lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Where each panic was, by its words. What a story prints would stand among the results.
static PANICS: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

fn remember_where_panics_were() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let mut known = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(words(panic.payload()), place);
    }));
}

/// The words of a panic, and where it was.
fn said(ended: tokio::task::JoinError) -> String {
    let Ok(panic) = ended.try_into_panic() else { return "was cancelled".to_owned() };
    let words = words(&*panic);
    let known = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    format!("{}: {words}", known.get(&words).map_or("somewhere", String::as_str))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
