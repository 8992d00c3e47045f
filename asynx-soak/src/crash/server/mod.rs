//! Who makes trouble on the server of a store, or on its servers.

mod jetstream;
mod postgres;

use anyhow::{Result, bail};
use asynx_testkit::Random;

use self::jetstream::JetStreamServers;
use self::postgres::PostgresServer;
use crate::database::Database;

/// Makes trouble.
pub(super) enum Server {
    Postgres(PostgresServer),
    JetStream(JetStreamServers),
}

impl Server {
    pub(super) async fn of(database: &Database) -> Result<Self> {
        match database {
            Database::Postgres(postgres) => PostgresServer::of(postgres).await.map(Self::Postgres),
            Database::JetStream(jetstream) => Ok(Self::JetStream(JetStreamServers::of(jetstream))),
            Database::Sqlite(_) => bail!("SQLite has no server"),
        }
    }

    /// Cuts connections of the stores for a while: all of them, or some.
    pub(super) async fn storm(&mut self, random: &mut Random) -> Result<()> {
        match self {
            Self::Postgres(server) => server.storm(random).await,
            Self::JetStream(servers) => servers.storm(random).await,
        }
    }

    /// Kills the server, or some of its servers, and starts them anew.
    pub(super) async fn restart(&mut self, random: &mut Random) -> Result<()> {
        match self {
            Self::Postgres(server) => server.restart().await,
            Self::JetStream(servers) => {
                servers.kill(random).await?;
                servers.stay_dead(random).await;
                servers.start()
            }
        }
    }

    /// Kills the server, or some of its servers.
    pub(super) async fn kill(&mut self, random: &mut Random) -> Result<()> {
        match self {
            Self::Postgres(_) => bail!("PostgreSQL is restarted by `cargo xtask crash` and not left dead"),
            Self::JetStream(servers) => servers.kill(random).await,
        }
    }

    /// Starts what was killed.
    pub(super) fn start(&mut self) -> Result<()> {
        match self {
            Self::Postgres(_) => Ok(()),
            Self::JetStream(servers) => servers.start(),
        }
    }
}
