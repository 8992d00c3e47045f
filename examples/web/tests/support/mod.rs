//! The service as a process, and a client of it.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde_json::Value;

/// Nothing here takes long; a loaded machine gets its time, a hanging service an error.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of its own, removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("asynx-web-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Who is about to end may still write there.
        for _ in 0..100 {
            let _ = std::fs::remove_dir_all(&self.0);
            std::thread::park_timeout(Duration::from_millis(50));
            if !self.0.exists() {
                break;
            }
        }
    }
}

pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    /// Starts it in a folder, on a port that is free unless one is asked for, and waits until it is ready.
    pub async fn start(folder: &Path, port: u16) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_web"))
            .args(["--port", &port.to_string()])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let mut said = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut said).unwrap();
        let url = said
            .trim()
            .strip_prefix("listening on ")
            .expect("it says where it listens");
        let server = Self {
            child,
            url: url.to_owned(),
        };
        eventually(async || server.get("/health/ready").await.0 == 200).await;
        server
    }

    pub fn port(&self) -> u16 {
        self.url.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.send(Method::GET, path, &[], None).await).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        read(self.send(Method::POST, path, &[], Some(body)).await).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Response {
        self.try_send(method, path, headers, body).await.expect("it answers")
    }

    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> reqwest::Result<Response> {
        let mut request = Client::new().request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        request.send().await
    }

    /// The stream of events, as a browser asks for it.
    pub async fn events(&self, last: Option<&str>) -> Events {
        let headers: Vec<_> = last.map(|last| ("last-event-id", last)).into_iter().collect();
        let response = self.send(Method::GET, "/events", &headers, None).await;
        assert_eq!(response.status(), 200);
        Events {
            response,
            buffer: String::new(),
        }
    }

    /// SIGKILL: as a crash.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM: as an orderly end.
    pub fn terminate(&self) {
        let id = self.child.id().to_string();
        let killed = Command::new("sh")
            .args(["-c", "kill -TERM \"$1\"", "kill", &id])
            .status();
        assert!(killed.unwrap().success());
    }

    pub async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        eventually(async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Server-sent events, as far as they have come.
pub struct Events {
    response: Response,
    buffer: String,
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub id: String,
    pub order: String,
    pub version: u64,
}

impl Events {
    /// The next one; `None` where the stream has ended or was broken.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some((message, rest)) = self.buffer.split_once("\n\n") {
                let told = parse(message);
                self.buffer = rest.to_owned();
                match told {
                    Some(told) => return Some(told),
                    None => continue,
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk())
                .await
                .expect("an event comes");
            self.buffer.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    pub async fn take(&mut self, count: usize) -> Vec<Told> {
        let mut told = Vec::new();
        while told.len() < count {
            told.push(self.next().await.expect("the stream goes on"));
        }
        told
    }
}

fn parse(message: &str) -> Option<Told> {
    let field = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let data: Value = serde_json::from_str(field("data:")?).unwrap();
    Some(Told {
        id: field("id:")?.to_owned(),
        order: data["order"]["id"].as_str()?.to_owned(),
        version: data["version"].as_u64()?,
    })
}

pub async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

/// Waits until something is so.
pub async fn eventually(mut so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it comes true in time");
}
