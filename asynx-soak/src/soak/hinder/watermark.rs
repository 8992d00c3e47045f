use anyhow::Result;
use sqlx::{Executor as _, PgConnection, Row as _};

use crate::database::Database;

/// Looks how old the watermark of the log is: up to there readers are given events.
pub(in crate::soak) struct Watermark(Option<PgConnection>);

const OLDEST: &str = "
select extract(epoch from clock_timestamp() - xact_start)::float8,
    format('process %s of %L, %s', pid, application_name, state)
from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid() order by xact_start limit 1
";

impl Watermark {
    pub(in crate::soak) async fn of(database: &Database) -> Result<Self> {
        match database {
            Database::Postgres(postgres) => postgres.connect().await.map(Some).map(Self),
            Database::Sqlite(_) | Database::JetStream(_) => Ok(Self(None)),
        }
    }

    /// Since when, in seconds, the oldest transaction that writes has been under way, and whose it is; 0 where there is
    /// none. `None` where the store's log needs no watermark.
    pub(in crate::soak) async fn age(&mut self) -> Result<Option<(f64, String)>> {
        let Some(connection) = &mut self.0 else {
            return Ok(None);
        };
        let oldest = match connection.fetch_optional(OLDEST).await? {
            Some(row) => (row.try_get(0)?, row.try_get(1)?),
            None => (0.0, "nobody's".to_owned()),
        };
        Ok(Some(oldest))
    }
}
