use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{HeldLease, Leases};
use asynx_core::{StoreError, Timestamp};

use crate::MemoryStore;

/// The leases by name. A row stays when its lease ends, so that no token comes again (G3).
pub(crate) type LeaseRows = BTreeMap<String, LeaseRow>;

pub(crate) struct LeaseRow {
    token: u64,
    holder: String,
    /// In microseconds since 1970; 0 once it was released.
    until: i64,
}

/// The callers' clock is the only one: a memory store has none.
#[async_trait]
impl Leases for MemoryStore {
    async fn acquire(
        &self,
        name: &str,
        holder: &str,
        time: Duration,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let mut data = self.lock();
        let row = data.lease_rows.entry(name.to_owned()).or_insert_with(|| LeaseRow {
            token: 0,
            holder: String::new(),
            until: 0,
        });
        if row.is_held(now) {
            return Ok(None);
        }
        row.token += 1;
        holder.clone_into(&mut row.holder);
        row.until = end(now, time);
        Ok(Some(row.token))
    }

    async fn renew(&self, name: &str, token: u64, time: Duration, now: Timestamp) -> Result<bool, StoreError> {
        let mut data = self.lock();
        let row = data.lease_rows.get_mut(name);
        let row = row.filter(|row| row.token == token && row.is_held(now));
        Ok(row.map(|row| row.until = end(now, time)).is_some())
    }

    async fn release(&self, name: &str, token: u64) -> Result<bool, StoreError> {
        let mut data = self.lock();
        let row = data.lease_rows.get_mut(name);
        let row = row.filter(|row| row.token == token && row.until > 0);
        Ok(row.map(|row| row.until = 0).is_some())
    }

    async fn held(&self, prefix: &str, now: Timestamp) -> Result<Vec<HeldLease>, StoreError> {
        let data = self.lock();
        let from_prefix = data.lease_rows.range(prefix.to_owned()..);
        let rows = from_prefix.take_while(|(name, _)| name.starts_with(prefix));
        let held = rows.filter(|(_, row)| row.is_held(now)).map(|(name, row)| HeldLease {
            name: name.clone(),
            holder: row.holder.clone(),
        });
        Ok(held.collect())
    }
}

impl LeaseRow {
    const fn is_held(&self, now: Timestamp) -> bool {
        self.until > now.as_micros()
    }
}

fn end(now: Timestamp, time: Duration) -> i64 {
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    now.as_micros().saturating_add(micros)
}
