//! A headless Chromium of the test's own, and a page in it that waits for what it expects instead of sleeping.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// How long the page may take for anything; generous, because CI machines are slow and a pass never waits that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether Chromium and its driver can be started here.
pub fn is_installed() -> bool {
    ["chromium", "chromedriver"].iter().all(|program| {
        let mut version = std::process::Command::new(program);
        version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        version.status().is_ok_and(|status| status.success())
    })
}

/// The driver and its profile folder; both end with the value, and the driver's browsers with it.
pub struct Browser {
    driver: Child,
    _profiles: tempfile::TempDir,
    address: String,
}

/// One page of a browser.
pub struct Page {
    pub client: Client,
    driver: String,
}

impl Browser {
    pub async fn start() -> Result<Browser> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start `chromedriver`")?;
        Ok(Browser { driver, _profiles: tempfile::tempdir()?, address: format!("http://127.0.0.1:{port}") })
    }

    /// Opens a window of that size with a profile of its own; below 500 pixels as the phone it then is.
    pub async fn open(&self, width: u32, height: u32) -> Result<Page> {
        let profile = tempfile::tempdir_in(self._profiles.path())?.keep();
        let mut options = json!({
            "args": ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     "--disable-background-networking", format!("--window-size={width},{height}"),
                     format!("--user-data-dir={}", profile.display())]
        });
        if width < 500 {
            options["mobileEmulation"] =
                json!({"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1.0}});
        }
        let capabilities = json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}});
        let Value::Object(capabilities) = capabilities else { unreachable!("it was just made as an object") };
        let until = Instant::now() + PATIENCE;
        loop {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            match builder.capabilities(capabilities.clone()).connect(&self.address).await {
                Ok(client) => return Ok(Page { client, driver: self.address.clone() }),
                Err(error) if Instant::now() > until => return Err(error).context("the browser does not start"),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

impl Drop for Browser {
    /// Asks the driver to end, because it then ends its browsers too; killed, it would leave them running.
    fn drop(&mut self) {
        let Some(id) = self.driver.id() else { return };
        let _ = std::process::Command::new("kill").arg(id.to_string()).status();
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until && matches!(self.driver.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Page {
    /// Waits until a script returns something true, and returns that.
    pub async fn until(&self, what: &str, script: &str) -> Result<Value> {
        self.until_within(PATIENCE, what, script).await
    }

    pub async fn until_within(&self, patience: Duration, what: &str, script: &str) -> Result<Value> {
        let until = Instant::now() + patience;
        // An element that the page draws anew on its way to us would be an error.
        let script = format!("const found = (() => {{ {script} }})(); return found instanceof Node || found");
        loop {
            let value = self.client.execute(&script, Vec::new()).await?;
            let is_so = !matches!(&value, Value::Null | Value::Bool(false)) && value != json!("") && value != json!(0);
            if is_so {
                return Ok(value);
            }
            if Instant::now() > until {
                let shown = self.client.execute("return document.body.innerText", Vec::new()).await?;
                bail!("not within {} s: {what}\n{}", patience.as_secs(), shown.as_str().unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for an element and returns its text.
    pub async fn text(&self, selector: &str) -> Result<String> {
        let script = format!("return document.querySelector({})?.textContent", json!(selector));
        Ok(self.until(selector, &script).await?.as_str().unwrap_or_default().to_owned())
    }

    pub async fn count(&self, selector: &str) -> Result<u64> {
        let script = format!("return document.querySelectorAll({}).length", json!(selector));
        Ok(self.client.execute(&script, Vec::new()).await?.as_u64().unwrap_or(0))
    }

    /// Waits for an element, brings it into view and presses it as a person would; again when the page drew it anew meanwhile.
    pub async fn press(&self, selector: &str) -> Result<()> {
        unless_stale(async || self.press_once(selector).await).await.context(selector.to_owned())
    }

    async fn press_once(&self, selector: &str) -> Result<()> {
        let element = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(selector)).await?;
        let script = format!("document.querySelector({})?.scrollIntoView({{block:'center'}})", json!(selector));
        self.client.execute(&script, Vec::new()).await?;
        Ok(element.click().await?)
    }

    /// Presses a line to write in, and writes; again when the page moved under the finger, so that another thing got the press.
    pub async fn write(&self, selector: &str, text: &str) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        let has_focus = format!("return document.activeElement.matches({})", json!(selector));
        loop {
            self.press(selector).await?;
            if self.client.execute(&has_focus, Vec::new()).await? == json!(true) {
                return self.keys(text).await;
            }
            anyhow::ensure!(Instant::now() < until, "{selector} does not take the focus");
        }
    }

    /// Types into whatever has the focus.
    pub async fn keys(&self, keys: &str) -> Result<()> {
        unless_stale(async || Ok(self.client.active_element().await?.send_keys(keys).await?)).await
    }

    /// Shows the page as to a person who likes `dark` or `light`.
    pub async fn prefers(&self, scheme: &str) -> Result<()> {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let body = json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}});
        self.ask_driver("goog/cdp/execute", &body).await.map(|_| ())
    }

    /// What the page complained of so far: script errors, refused content, failed loads.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let found = self.ask_driver("se/log", &json!({"type": "browser"})).await?;
        let entries = found["value"].as_array().cloned().unwrap_or_default();
        let severe = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        Ok(severe.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// What the standard's client does not offer.
    async fn ask_driver(&self, path: &str, body: &Value) -> Result<Value> {
        let session = self.client.session_id().await?.context("the session has an id")?;
        let address = format!("{}/session/{session}/{path}", self.driver);
        let request = reqwest::Client::new().post(address).header("content-type", "application/json");
        Ok(serde_json::from_str(&request.body(body.to_string()).send().await?.text().await?)?)
    }
}

/// Does it again while the element has just been drawn anew.
async fn unless_stale(act: impl AsyncFn() -> Result<()>) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        match act().await {
            Err(error) if format!("{error:#}").contains("stale element") && Instant::now() < until => {}
            done => return done,
        }
    }
}
