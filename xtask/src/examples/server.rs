use anyhow::Result;

use crate::postgres::{Cluster, Programs, named_server};

/// The PostgreSQL server of the examples that need one.
pub(super) struct Server {
    cluster: Option<Cluster>,
    pub(super) url: String,
}

impl Server {
    pub(super) fn start() -> Result<Self> {
        if let Some(url) = named_server() {
            return Ok(Self { cluster: None, url });
        }
        let cluster = Cluster::start(&Programs::provide()?)?;
        let url = cluster.url().to_owned();
        Ok(Self {
            cluster: Some(cluster),
            url,
        })
    }

    pub(super) fn stop(self) -> Result<()> {
        self.cluster.map_or(Ok(()), Cluster::stop)
    }
}
