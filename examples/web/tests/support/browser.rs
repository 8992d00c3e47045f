//! A headless Chromium, by way of its driver.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::support::{Folder, eventually};

/// Nothing of a person's profile, and nothing asked of the network.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Spoken to by a pipe, it ends with its driver, whatever ended that.
    "--remote-debugging-pipe",
];

pub struct Browser {
    pub page: Client,
    driver: Child,
    _profile: Folder,
}

impl Browser {
    pub async fn open(url: &str) -> Self {
        let mut driver = Command::new(on_path(&["chromedriver"]))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the driver starts");
        let said = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = said.map_while(Result::ok).find_map(|line| {
            Some(
                line.split_once("successfully on port ")?
                    .1
                    .trim_end_matches('.')
                    .to_owned(),
            )
        });
        let port = port.expect("the driver says its port");

        let profile = Folder::new();
        let mut arguments = ARGUMENTS.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let browser = on_path(&["chromium", "chromium-browser", "google-chrome"]);
        let options = json!({"args": arguments, "binary": browser});
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let page = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("the browser starts");
        page.goto(url).await.unwrap();
        Self {
            page,
            driver,
            _profile: profile,
        }
    }

    pub async fn text(&self, css: &str) -> String {
        self.page.find(Locator::Css(css)).await.unwrap().text().await.unwrap()
    }

    pub async fn click(&self, css: &str) {
        self.page.find(Locator::Css(css)).await.unwrap().click().await.unwrap();
    }

    pub async fn type_into(&self, css: &str, keys: &str) {
        self.page
            .find(Locator::Css(css))
            .await
            .unwrap()
            .send_keys(keys)
            .await
            .unwrap();
    }

    pub async fn run(&self, script: &str) -> Value {
        self.page.execute(script, Vec::new()).await.unwrap()
    }

    pub async fn shows(&self, css: &str, text: &str) {
        eventually(async || self.text(css).await == text).await;
    }

    /// Sees the page on a screen of this width, in the dark or not, and keeps a picture of it.
    pub async fn picture(&self, name: &str, width: u32, scheme: &str) {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.tell("Emulation.setEmulatedMedia", media).await;
        let metrics =
            |height: &Value| json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tell("Emulation.setDeviceMetricsOverride", metrics(&json!(800)))
            .await;
        let height = self
            .run("return Math.ceil(document.documentElement.scrollHeight)")
            .await;
        self.tell("Emulation.setDeviceMetricsOverride", metrics(&height)).await;
        let picture = self.page.screenshot().await.unwrap();
        std::fs::write(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name), picture).unwrap();
        let fits = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
        assert_eq!(self.run(fits).await, json!(true), "{name} is wider than its screen");
    }

    pub async fn close(self) {
        self.page.clone().close().await.unwrap();
    }

    async fn tell(&self, command: &'static str, parameters: Value) {
        self.page.issue_cmd(Devtools { command, parameters }).await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[derive(Debug)]
struct Devtools {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = json!({"cmd": self.command, "params": self.parameters});
        (Method::POST, Some(body.to_string()))
    }
}

fn on_path(names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_else(OsString::new);
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let found = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "no {} on PATH: `cargo xtask examples` installs it, or says how",
            names[0]
        )
    })
}
