use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use async_nats::ServerAddr;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::clock::Stopwatch;

/// Asks servers about a stream, past the wires.
#[derive(Clone)]
pub(in crate::database) struct Side {
    pub(in crate::database) ports: Vec<u16>,
    pub(in crate::database) stream: &'static str,
}

const TICK: Duration = Duration::from_millis(100);
/// How long servers may take to come together.
const PATIENCE: Duration = Duration::from_secs(60);

impl Side {
    /// Who leads the stream now, if anybody does.
    pub(in crate::database) async fn leader(&self) -> Option<usize> {
        let info = self.info().await?;
        info["cluster"]["leader"].as_str()?.strip_prefix('n')?.parse().ok()
    }

    /// Waits until every replica is there and has all that the leader has.
    pub(in crate::database) async fn whole(&self) -> Result<()> {
        let watch = Stopwatch::start();
        while watch.elapsed() < PATIENCE {
            if self.info().await.is_some_and(|info| self.is_whole(&info)) {
                return Ok(());
            }
            sleep(TICK).await;
        }
        bail!("the servers did not come together within {} s", PATIENCE.as_secs())
    }

    fn is_whole(&self, info: &Value) -> bool {
        if self.ports.len() == 1 {
            return info["error"].is_null();
        }
        let cluster = &info["cluster"];
        let is_current = |replica: &Value| replica["current"] == true && replica["offline"] != true;
        let replicas = cluster["replicas"].as_array().map_or(&[][..], |replicas| replicas);
        cluster["leader"].is_string() && replicas.len() + 1 == self.ports.len() && replicas.iter().all(is_current)
    }

    /// What the servers say of the stream; nothing where nobody answers.
    async fn info(&self) -> Option<Value> {
        let urls = self.ports.iter().map(|port| format!("nats://127.0.0.1:{port}").parse());
        let servers: Vec<ServerAddr> = urls.collect::<Result<_, _>>().ok()?;
        let question = format!("$JS.API.STREAM.INFO.{}", self.stream);
        let asked = async move {
            let client = async_nats::connect(servers).await.context("no connection")?;
            let answer = client.request(question, "".into()).await?;
            anyhow::Ok(serde_json::from_slice::<Value>(&answer.payload)?)
        };
        timeout(Duration::from_secs(2), asked).await.ok()?.ok()
    }
}
