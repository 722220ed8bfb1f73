//! A browser's tab as a story uses it: go, look, click, type, wait.
//!
//! Every step that loads a page checks that the one before was quiet. Waiting is always for a condition
//! of the page, with a deadline.

use crate::Told;
use crate::api::Api;
use crate::lab::Lab;
use crate::report::Report;
use crate::view::View;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, WebDriver, WebElement};

/// How long a page may take to become what a story waits for; a tenth of it is usual.
const DEADLINE: Duration = Duration::from_secs(20);
/// How long a page may load; a hundredth of it is usual.
const LOAD_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// Runs in every page before its own scripts: keeps what a page would else forget.
const WITNESS: &str = "
    window.violations = [];
    document.addEventListener('securitypolicyviolation',
        (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) {
            // A number that changed ends where it did and may begin elsewhere: that is the change itself.
            const own = (node) => node?.nodeType === Node.TEXT_NODE && node.parentElement.closest('.number, .percent');
            if (shift.sources.length > 0 && shift.sources.every((source) => own(source.node))) continue;
            const moved = shift.sources.map((source) => source.node?.outerHTML?.slice(0, 120) ?? String(source.node?.textContent));
            window.shifts.push({ value: shift.value, at: shift.startTime, moved });
        }
    }).observe({ type: 'layout-shift', buffered: true });
";

/// A tab, and the project that its story has for itself.
#[derive(Clone)]
pub(crate) struct Tab {
    pub(crate) lab: Arc<Lab>,
    pub(crate) browser: WebDriver,
    pub(crate) view: View,
    pub(crate) api: Api,
    /// The id of the story's project, made by [`Tab::project_of`].
    pub(crate) project: String,
    base: String,
    report: Arc<Mutex<Report>>,
}

impl Tab {
    /// Prepares a fresh browser to look at a server.
    pub(crate) async fn new(
        lab: Arc<Lab>,
        browser: WebDriver,
        view: View,
        base: &str,
    ) -> WebDriverResult<Tab> {
        let (project, base) = ("story".to_owned(), base.to_owned());
        let api = Api::of(&base, None);
        let report = Arc::new(Mutex::new(Report::of(&base)));
        let tab = Tab { lab, browser, view, api, project, base, report };
        tab.protocol("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WITNESS })).await?;
        // A new browser opens a page of its own, which is no concern of the story.
        tab.browser.goto("about:blank").await?;
        tab.troubles().await?;
        tab.browser.set_page_load_timeout(LOAD_LIMIT).await?;
        // What is measured is a first visit.
        tab.protocol("Network.setCacheDisabled", json!({ "cacheDisabled": true })).await?;
        tab.resize(view.width, view.is_phone).await?;
        tab.scheme(view.scheme).await?;
        Ok(tab)
    }

    /// The same browser, looking at another server.
    pub(crate) fn at_server(mut self, base: &str, token: Option<&str>) -> Tab {
        self.base = base.to_owned();
        self.api = Api::of(base, token);
        self.report = Arc::new(Mutex::new(Report::of(base)));
        self
    }

    /// Makes the story's project of a file.
    pub(crate) async fn project_of(&self, file: &[u8]) {
        self.api.make_project(&self.project).await;
        self.api.import(&self.project, file).await;
    }

    /// The address of a page of the story's project.
    pub(crate) fn at(&self, part: &str) -> String {
        if part.is_empty() {
            format!("/projects/{}", self.project)
        } else {
            format!("/projects/{}/{part}", self.project)
        }
    }

    /// Goes to a page, which must be there.
    pub(crate) async fn open(&self, path: &str) -> Told {
        self.open_as(path, 200).await
    }

    /// Goes to a page, which must be answered with this status.
    pub(crate) async fn open_as(&self, path: &str, status: u16) -> Told {
        self.quiet().await?;
        self.browser.goto(format!("{}{path}", self.base)).await?;
        self.read_logs().await?;
        let found = self.reported(|report| report.status);
        if found != Some(status) {
            Err(format!("{path} was answered with {found:?}, not {status}").into())
        } else {
            Ok(())
        }
    }

    /// Bytes on the wire for the page that is shown, with all that it loads.
    pub(crate) async fn wire_bytes(&self) -> WebDriverResult<u64> {
        self.read_logs().await?;
        Ok(self.reported(|report| report.wire_bytes))
    }

    /// Fails if anything went wrong unseen since the last time.
    pub(crate) async fn quiet(&self) -> Told {
        let troubles = self.troubles().await?;
        if troubles.is_empty() { Ok(()) } else { Err(troubles.join("\n").into()) }
    }

    /// Takes what went wrong unseen since the last time.
    pub(crate) async fn troubles(&self) -> WebDriverResult<Vec<String>> {
        self.read_logs().await?;
        let violations =
            self.js("const seen = window.violations ?? []; window.violations = []; return seen;").await?;
        for violation in violations.as_array().into_iter().flatten() {
            self.reported(|report| {
                report.add(format!("the content security policy was violated: {violation}"))
            });
        }
        Ok(self.reported(Report::take))
    }

    async fn read_logs(&self) -> WebDriverResult<()> {
        let network = self.browser.get_log("performance").await?;
        let console = self.browser.get_log("browser").await?;
        self.reported(|report| {
            network.iter().for_each(|entry| report.network(entry));
            console.iter().for_each(|entry| report.console(entry));
        });
        Ok(())
    }

    fn reported<T>(&self, act: impl FnOnce(&mut Report) -> T) -> T {
        act(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a script in the page and answers what it returns.
    pub(crate) async fn js(&self, script: &str) -> WebDriverResult<Value> {
        self.js_with(script, Vec::new()).await
    }

    /// The same, with arguments.
    pub(crate) async fn js_with(&self, script: &str, arguments: Vec<Value>) -> WebDriverResult<Value> {
        Ok(self.browser.execute(script, arguments).await?.json().clone())
    }

    /// Runs a script that answers by calling its last argument.
    pub(crate) async fn js_later(&self, script: &str, arguments: Vec<Value>) -> WebDriverResult<Value> {
        Ok(self.browser.execute_async(script, arguments).await?.json().clone())
    }

    /// Waits until a script returns something true, and answers it.
    pub(crate) async fn until(
        &self,
        what: &str,
        script: &str,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let found = self.js(script).await?;
            if !matches!(found, Value::Null | Value::Bool(false)) {
                return Ok(found);
            }
            if Instant::now() > deadline {
                return Err(format!("{what}: not within {} s", DEADLINE.as_secs()).into());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The text of the first element, as it is seen.
    pub(crate) async fn text(&self, css: &str) -> WebDriverResult<String> {
        self.find(css).await?.text().await
    }

    /// The first element.
    pub(crate) async fn find(&self, css: &str) -> WebDriverResult<WebElement> {
        self.browser.find(By::Css(css)).await
    }

    /// The link or button with this name inside the first element that matches.
    pub(crate) async fn named(&self, within: &str, name: &str) -> WebDriverResult<WebElement> {
        let within = self.find(within).await?;
        let quoted = if name.contains('\'') { format!("\"{name}\"") } else { format!("'{name}'") };
        let named = format!(".//*[self::a or self::button or self::summary][normalize-space()={quoted}]");
        within.find(By::XPath(named)).await
    }

    /// Clicks a link or button of the page's content and waits for the page that it leads to.
    pub(crate) async fn click(&self, name: &str) -> Told {
        self.quiet().await?;
        self.named("main", name).await?.click().await?;
        Ok(())
    }

    /// The control that a label of the page's content is for.
    pub(crate) async fn field(&self, label: &str) -> WebDriverResult<WebElement> {
        let script = "const label = Array.from(document.querySelectorAll('main label')).find((label) =>
            label.textContent.trim().replace(/\\s+/g, ' ').startsWith(arguments[0])); return label?.control ?? null;";
        let found = self.browser.execute(script, vec![json!(label)]).await?;
        found.element()
    }

    /// Where the tab is: path and query.
    pub(crate) async fn address(&self) -> String {
        let address = self.browser.current_url().await.map(|url| url.to_string()).unwrap_or_default();
        address.strip_prefix(&self.base).map(str::to_owned).unwrap_or(address)
    }

    /// Sets the width of the window; the height is the view's.
    pub(crate) async fn resize(&self, width: u32, is_phone: bool) -> WebDriverResult<()> {
        let metrics =
            json!({ "width": width, "height": self.view.height, "deviceScaleFactor": 1, "mobile": is_phone });
        self.protocol("Emulation.setDeviceMetricsOverride", metrics).await?;
        self.protocol("Emulation.setTouchEmulationEnabled", json!({ "enabled": is_phone })).await?;
        Ok(())
    }

    /// Sets light or dark.
    pub(crate) async fn scheme(&self, scheme: &str) -> WebDriverResult<()> {
        self.media("", scheme).await
    }

    /// Sets the medium, `print` or none, and light or dark.
    pub(crate) async fn media(&self, medium: &str, scheme: &str) -> WebDriverResult<()> {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.protocol("Emulation.setEmulatedMedia", json!({ "media": medium, "features": features })).await?;
        Ok(())
    }

    /// Turns the pages' own scripts off or on; the next page is the first without or with them.
    pub(crate) async fn scripts(&self, are: Scripts) -> WebDriverResult<()> {
        self.protocol("Emulation.setScriptExecutionDisabled", json!({ "value": are == Scripts::Off }))
            .await?;
        Ok(())
    }

    /// Speaks the DevTools protocol.
    pub(crate) async fn protocol(&self, method: &str, parameters: Value) -> WebDriverResult<Value> {
        self.browser.cdp().send_raw(method, parameters).await
    }

    /// Keeps a picture of what is seen.
    pub(crate) async fn picture(
        &self,
        name: &str,
    ) -> Result<PathBuf, Box<dyn std::error::Error + Send + Sync>> {
        let path = self.lab.picture(name);
        self.browser.screenshot(&path).await?;
        Ok(path)
    }
}

/// Whether the pages' own scripts run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    On,
    Off,
}
