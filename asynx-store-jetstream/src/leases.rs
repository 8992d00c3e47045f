use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{HeldLease, Leases};
use asynx_core::{StoreError, Timestamp};
use serde::{Deserialize, Serialize};

use crate::JetStreamStore;
use crate::keys::decode;
use crate::names::{text, token};

/// It stays when the lease ends, so that no token comes again (G3).
#[derive(Serialize, Deserialize)]
struct Lease {
    token: u64,
    holder: String,
    /// In microseconds since 1970; 0 once it was released.
    until: i64,
}

/// By the callers' clocks: servers have no clock that they share.
#[async_trait]
impl Leases for JetStreamStore {
    async fn acquire(
        &self,
        name: &str,
        holder: &str,
        time: Duration,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let key = key(name);
        let acquired = self.shared.update(&key, |lease: Option<Lease>| {
            if lease.as_ref().is_some_and(|lease| lease.is_held(now)) {
                return (None, None);
            }
            let token = lease.map_or(0, |lease| lease.token) + 1;
            let (holder, until) = (holder.to_owned(), end(now, time));
            (Some(Lease { token, holder, until }), Some(token))
        });
        acquired.await
    }

    async fn renew(&self, name: &str, token: u64, time: Duration, now: Timestamp) -> Result<bool, StoreError> {
        self.prolong(name, token, end(now, time), |lease| lease.is_held(now))
            .await
    }

    async fn release(&self, name: &str, token: u64) -> Result<bool, StoreError> {
        self.prolong(name, token, 0, |lease| lease.until > 0).await
    }

    async fn held(&self, prefix: &str, now: Timestamp) -> Result<Vec<HeldLease>, StoreError> {
        let mut held = Vec::new();
        for message in self.shared.state.last(&[self.shared.key("l.*")]).await?.0 {
            let lease: Lease = decode(&message)?;
            let name = message.subject.rsplit('.').next().and_then(text).unwrap_or_default();
            if lease.is_held(now) && name.starts_with(prefix) {
                let holder = lease.holder;
                held.push(HeldLease { name, holder });
            }
        }
        held.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(held)
    }
}

impl JetStreamStore {
    /// Sets the end of a lease that is held with this token, in the eyes of `is_held`.
    async fn prolong(
        &self,
        name: &str,
        token: u64,
        until: i64,
        is_held: impl Fn(&Lease) -> bool + Send + Sync,
    ) -> Result<bool, StoreError> {
        let key = key(name);
        let prolonged = self.shared.update(&key, |lease: Option<Lease>| {
            let lease = lease.filter(|lease| lease.token == token && is_held(lease));
            let is_mine = lease.is_some();
            (lease.map(|lease| Lease { until, ..lease }), is_mine)
        });
        prolonged.await
    }
}

impl Lease {
    const fn is_held(&self, now: Timestamp) -> bool {
        self.until > now.as_micros()
    }
}

fn end(now: Timestamp, time: Duration) -> i64 {
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    now.as_micros().saturating_add(micros)
}

fn key(name: &str) -> String {
    format!("l.{}", token(name))
}
