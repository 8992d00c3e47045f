use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{HeldLease, Leases};
use asynx_core::{StoreError, Timestamp};

use crate::SqliteStore;
use crate::row;
use crate::statement::Values;

const ACQUIRE: &str = "BEGIN IMMEDIATE;
INSERT INTO asynx_named_leases (name, token, holder, until) VALUES (?1, 1, ?2, ?3)
    ON CONFLICT (name) DO UPDATE SET token = token + 1, holder = excluded.holder, until = excluded.until
        WHERE until <= ?4
    RETURNING token;
COMMIT";

const RENEW: &str = "BEGIN IMMEDIATE;
UPDATE asynx_named_leases SET until = ?3 WHERE name = ?1 AND token = ?2 AND until > ?4 RETURNING 1;
COMMIT";

const RELEASE: &str = "BEGIN IMMEDIATE;
UPDATE asynx_named_leases SET until = 0 WHERE name = ?1 AND token = ?2 AND until > 0 RETURNING 1;
COMMIT";

const HELD: &str = "SELECT name, holder FROM asynx_named_leases
WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1 AND until > ?2 ORDER BY name";

/// All processes that have the file open share a machine, and its clock.
#[async_trait]
impl Leases for SqliteStore {
    async fn acquire(
        &self,
        name: &str,
        holder: &str,
        time: Duration,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let values = Values::default()
            .text(name)
            .text(holder)
            .number(end(now, time))
            .number(now.as_micros());
        let acquired = self.database().write(ACQUIRE, values).await?;
        let token = acquired[1].first().map(|row| row::number(row, 0)).transpose()?;
        Ok(token.map(i64::unsigned_abs))
    }

    async fn renew(&self, name: &str, token: u64, time: Duration, now: Timestamp) -> Result<bool, StoreError> {
        let Ok(token) = i64::try_from(token) else {
            return Ok(false);
        };
        let values = Values::default()
            .text(name)
            .number(token)
            .number(end(now, time))
            .number(now.as_micros());
        let renewed = self.database().write(RENEW, values).await?;
        Ok(!renewed[1].is_empty())
    }

    async fn release(&self, name: &str, token: u64) -> Result<bool, StoreError> {
        let Ok(token) = i64::try_from(token) else {
            return Ok(false);
        };
        let released = self
            .database()
            .write(RELEASE, Values::default().text(name).number(token))
            .await?;
        Ok(!released[1].is_empty())
    }

    async fn held(&self, prefix: &str, now: Timestamp) -> Result<Vec<HeldLease>, StoreError> {
        let values = Values::default().text(prefix).number(now.as_micros());
        let rows = self.database().read(HELD, values).await?;
        let held = rows.iter().map(|row| {
            Ok(HeldLease {
                name: row::text(row, 0)?,
                holder: row::text(row, 1)?,
            })
        });
        held.collect()
    }
}

fn end(now: Timestamp, time: Duration) -> i64 {
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    now.as_micros().saturating_add(micros)
}
