use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use asynx_core::Store;
use asynx_store_jetstream::{JetStreamOptions, JetStreamStore};
use tokio::time::sleep;

use super::nats::{Servers, Side, Wires};
use crate::clock::Stopwatch;

/// The stream that is tried.
const STREAM: &str = "asynx";
/// Of a cluster, which answers nothing while it has no majority: how long opening and reading may take in the end.
const PATIENCE: Duration = Duration::from_secs(75);
/// Shorter than by default, so that more outcomes are unknown.
const REQUEST: Duration = Duration::from_secs(2);

/// A stream of servers that this process started, or another one did.
#[derive(Clone)]
pub(crate) struct JetStream {
    urls: String,
    replicas: usize,
    own: Option<Arc<Own>>,
}

struct Own {
    servers: Servers,
    wires: Wires,
}

impl JetStream {
    /// New servers, which all keep the stream.
    pub(crate) fn new(unique: &str, count: usize) -> Result<Self> {
        let servers = Servers::start(count, &std::env::temp_dir().join(Path::new(unique)))?;
        let wires = Wires::to(servers.ports())?;
        let urls = wires.ports().iter().map(|port| format!("nats://127.0.0.1:{port}"));
        Ok(Self {
            urls: urls.collect::<Vec<_>>().join(","),
            replicas: count,
            own: Some(Arc::new(Own { servers, wires })),
        })
    }

    /// Those of another process, by their URLs.
    pub(crate) const fn told(urls: String, replicas: usize) -> Self {
        Self {
            urls,
            replicas,
            own: None,
        }
    }

    pub(crate) fn tell(&self) -> Vec<String> {
        let (urls, replicas) = (self.urls.clone(), self.replicas.to_string());
        vec!["--servers".to_owned(), urls, "--replicas".to_owned(), replicas]
    }

    pub(crate) const fn patience(&self) -> Duration {
        PATIENCE
    }

    /// How many servers there are.
    pub(crate) const fn count(&self) -> usize {
        self.replicas
    }

    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>> {
        self.open_stream(STREAM).await
    }

    /// Opens a store in a stream, as soon as the servers allow it.
    pub(crate) async fn open_stream(&self, stream: &str) -> Result<Arc<dyn Store>> {
        let options = JetStreamOptions::new()
            .with_stream(stream)
            .with_replicas(self.replicas)
            .with_request_timeout(REQUEST);
        let watch = Stopwatch::start();
        loop {
            match JetStreamStore::connect_with(&self.urls, options.clone()).await {
                Ok(store) => return Ok(Arc::new(store)),
                Err(error) if error.is_transient() && watch.elapsed() < PATIENCE => {}
                Err(error) => return Err(error).context("the store does not open"),
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Ends a server by SIGKILL.
    pub(crate) fn kill(&self, n: usize) -> Result<()> {
        self.own()?.servers.kill(n)
    }

    /// Starts the servers that were killed, on their data.
    pub(crate) fn start_all(&self) -> Result<()> {
        (0..self.replicas).try_for_each(|n| self.own()?.servers.start_again(n))
    }

    /// Cuts a share of the connections to all servers.
    pub(crate) fn cut(&self, percent: u64) -> Result<()> {
        self.own()?.wires.cut(percent);
        Ok(())
    }

    /// Who leads the stream now.
    pub(crate) async fn leader(&self) -> Result<Option<usize>> {
        Ok(match self.replicas {
            1 => Some(0),
            _ => self.side()?.leader().await,
        })
    }

    /// Waits until all servers are there and alike.
    pub(crate) async fn whole(&self) -> Result<()> {
        self.side()?.whole().await
    }

    fn side(&self) -> Result<Side> {
        Ok(Side {
            ports: self.own()?.servers.ports().to_vec(),
            stream: STREAM,
        })
    }

    fn own(&self) -> Result<&Own> {
        match &self.own {
            Some(own) => Ok(own),
            None => bail!("the servers are of another process"),
        }
    }
}
