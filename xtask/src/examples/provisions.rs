use std::cell::OnceCell;
use std::ffi::OsString;

use anyhow::Result;

use crate::nats;
use crate::postgres::{Cluster, Programs, named_server};

/// What some examples need besides themselves, there from when the first one asks.
#[derive(Default)]
pub(super) struct Provisions {
    postgres: OnceCell<Server>,
}

/// The PostgreSQL server: a throw-away one, or the one that a person names.
struct Server {
    cluster: Option<Cluster>,
    url: String,
}

impl Provisions {
    /// What an example is told on its command line.
    pub(super) fn arguments_of(&self, example: &str) -> Result<Vec<OsString>> {
        Ok(match example {
            "multi_process" => vec!["--url".into(), self.postgres()?.into()],
            "cluster" => vec!["--nats-server".into(), nats::find()?.into()],
            _ => Vec::new(),
        })
    }

    pub(super) fn stop(self) -> Result<()> {
        let server = self.postgres.into_inner();
        server.and_then(|server| server.cluster).map_or(Ok(()), Cluster::stop)
    }

    fn postgres(&self) -> Result<&str> {
        let server = match self.postgres.get() {
            Some(server) => server,
            None => {
                let started = Server::start()?;
                self.postgres.get_or_init(|| started)
            }
        };
        Ok(&server.url)
    }
}

impl Server {
    fn start() -> Result<Self> {
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
}
