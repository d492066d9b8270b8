use anyhow::{Context, anyhow, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{fs, time::Duration};
use tokio::{net::TcpStream, time::sleep};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{
    apt::find_in_path,
    process::{Process, Program},
    scratch::Scratch,
};

/// A headless Chromium with one page, driven by the DevTools protocol.
#[derive(Debug)]
pub struct Browser {
    _process: Process,
    _profile: Scratch,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
    /// What the page said on its console, and what went wrong in it.
    pub complaints: Vec<String>,
    /// The addresses that it asked for.
    pub requests: Vec<String>,
}

impl Browser {
    /// Starts one with an empty page.
    pub async fn start() -> anyhow::Result<Self> {
        let binary =
            find_in_path("chromium").context("there is no chromium.\n  The mend: cargo xtask test")?;
        let profile = Scratch::new("browser")?;
        let dir = profile.path().display();
        let program = Program::new("chromium", binary, profile.path().join("log")).args([
            "--headless".into(),
            // In a container it runs as root, which its sandbox refuses; it only ever sees our own page.
            "--no-sandbox".into(),
            "--use-angle=swiftshader".into(),
            "--enable-unsafe-swiftshader".into(),
            "--ignore-gpu-blocklist".into(),
            "--hide-scrollbars".into(),
            "--window-size=1200,900".into(),
            "--remote-debugging-port=0".into(),
            format!("--user-data-dir={dir}/profile"),
            "about:blank".into(),
        ]);
        let process = Process::start(program)?;
        let note = profile.path().join("profile/DevToolsActivePort");
        let port = || fs::read_to_string(&note).ok()?.lines().next()?.parse::<u16>().ok();
        process.wait_until_ready(Duration::from_secs(60), async || port().is_some()).await?;
        let port = port().context("chromium does not listen")?;
        let pages: Value = reqwest::get(format!("http://127.0.0.1:{port}/json")).await?.json().await?;
        let page = pages.as_array().into_iter().flatten().find(|page| page["type"] == "page");
        let url =
            page.and_then(|page| page["webSocketDebuggerUrl"].as_str()).context("chromium has no page")?;
        let (socket, _) = connect_async(url).await?;
        let (complaints, requests) = (Vec::new(), Vec::new());
        let mut browser =
            Self { _process: process, _profile: profile, socket, last_id: 0, complaints, requests };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({})).await?;
        }
        // A worker is a target of its own, and waits until it is listened to.
        let attach = json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true});
        browser.call("Target.setAutoAttach", attach).await?;
        Ok(browser)
    }

    /// Goes to a page.
    pub async fn open(&mut self, url: &str) -> anyhow::Result<()> {
        self.call("Page.navigate", json!({"url": url})).await.map(drop)
    }

    /// What an expression is in the page.
    pub async fn evaluate(&mut self, expression: &str) -> anyhow::Result<Value> {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", parameters).await?;
        if !answer["exceptionDetails"].is_null() {
            bail!("{expression}: {}", answer["exceptionDetails"]["exception"]["description"]);
        }
        Ok(answer["result"]["value"].clone())
    }

    /// Waits until an expression is true.
    pub async fn wait_for(&mut self, expression: &str, within: Duration) -> anyhow::Result<()> {
        let waiting = async {
            while self.evaluate(expression).await.ok() != Some(Value::Bool(true)) {
                sleep(Duration::from_millis(100)).await;
            }
        };
        let waited = tokio::time::timeout(within, waiting).await;
        waited.map_err(|_| anyhow!("{expression} is not true; the page said {:?}", self.complaints))
    }

    /// What it shows, as a PNG in base64.
    pub async fn screenshot(&mut self) -> anyhow::Result<String> {
        let answer = self.call("Page.captureScreenshot", json!({"format": "png"})).await?;
        answer["data"].as_str().map(str::to_owned).context("there is no picture")
    }

    async fn call(&mut self, method: &str, parameters: Value) -> anyhow::Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        let message = json!({"id": id, "method": method, "params": parameters});
        self.socket.send(Message::text(message.to_string())).await?;
        loop {
            let message = self.socket.next().await.context("chromium is gone")??;
            let Message::Text(text) = message else { continue };
            let said: Value = serde_json::from_str(&text)?;
            if said["id"] == id {
                if !said["error"].is_null() {
                    bail!("{method}: {}", said["error"]);
                }
                return Ok(said["result"].clone());
            }
            self.hear(&said);
            if said["method"] == "Target.attachedToTarget" {
                self.listen_to(&said["params"]["sessionId"]).await?;
            }
        }
    }

    async fn listen_to(&mut self, session: &Value) -> anyhow::Result<()> {
        for method in ["Network.enable", "Log.enable", "Runtime.enable", "Runtime.runIfWaitingForDebugger"] {
            self.last_id += 1;
            let message = json!({"id": self.last_id, "method": method, "sessionId": session});
            self.socket.send(Message::text(message.to_string())).await?;
        }
        Ok(())
    }

    fn hear(&mut self, said: &Value) {
        let about = &said["params"];
        match said["method"].as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => {
                self.requests.push(about["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            "Runtime.consoleAPICalled" => self.complaints.push(about["args"].to_string()),
            "Runtime.exceptionThrown" => self.complaints.push(about["exceptionDetails"].to_string()),
            "Log.entryAdded" => self.complaints.push(about["entry"].to_string()),
            _ => {}
        }
    }
}
