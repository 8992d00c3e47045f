//! What the cluster says of the stream with the events.

use std::time::Duration;

use async_nats::ServerAddr;
use async_nats::jetstream::stream::ClusterInfo;
use async_nats::jetstream::{self, Context};
use tokio::time::{sleep, timeout};

use crate::Result;

/// The store's default.
const NAME: &str = "asynx";
/// How long nodes may take to come together.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Stream(Context);

impl Stream {
    pub async fn connect(urls: &str) -> Result<Self> {
        let servers: Vec<ServerAddr> = urls.split(',').map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self(jetstream::new(async_nats::connect(servers).await?)))
    }

    /// The node that leads it: all that is appended goes by it.
    pub async fn leader(&self) -> Result<String> {
        self.until("nobody leads the stream", |cluster| cluster.leader.clone())
            .await
    }

    /// Waits until every node has all that the leader has.
    pub async fn whole(&self) -> Result<()> {
        let is_whole = |cluster: &ClusterInfo| {
            let replicas = &cluster.replicas;
            let whole = cluster.leader.is_some() && replicas.iter().all(|replica| replica.current && !replica.offline);
            whole.then_some(())
        };
        self.until("a node has not caught up", is_whole).await
    }

    async fn until<T>(&self, trouble: &str, there: impl Fn(&ClusterInfo) -> Option<T>) -> Result<T> {
        let asking = async {
            loop {
                if let Ok(stream) = self.0.get_stream(NAME).await
                    && let Some(cluster) = &stream.cached_info().cluster
                    && let Some(found) = there(cluster)
                {
                    return found;
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        let asked = timeout(PATIENCE, asking).await;
        asked.map_err(|_| format!("{trouble}, after {} s", PATIENCE.as_secs()).into())
    }
}
