use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{SoleWriter, WriterLease};
use asynx_core::{Category, Runtime, StoreError};

use crate::PostgresStore;
use crate::error::store_error;
use crate::store::Shared;

/// A lease is a row with an end. Its holder renews it; each holder has a generation, which every append of the category
/// shows within its statement, so that what was sent under an old lease is refused once the next one was given.
#[async_trait]
impl SoleWriter for PostgresStore {
    async fn acquire(&self, category: &Category) -> Result<Option<Box<dyn WriterLease>>, StoreError> {
        let shared = &self.shared;
        let asked_at = shared.runtime.now().as_micros();
        let mut connection = shared.connections.background().await.map_err(store_error)?;
        let generation: Option<i64> = sqlx::query_scalar(shared.statements.lease_acquire.get())
            .bind(format!("writer:{category}"))
            .bind("")
            .bind(micros(shared.options.lease_time))
            .fetch_optional(&mut *connection)
            .await
            .map_err(store_error)?;
        drop(connection);
        let Some(generation) = generation else {
            return Ok(None);
        };
        let lease = Arc::new(Held {
            shared: shared.clone(),
            category: category.clone(),
            generation,
            until: AtomicI64::new(asked_at + shared.lease_micros()),
        });
        shared.leases().insert(category.clone(), generation);
        shared.runtime.spawn(Box::pin(renew(
            Arc::downgrade(&lease),
            shared.runtime.clone(),
            shared.options.lease_time / 3,
        )));
        Ok(Some(Box::new(Lease(lease))))
    }
}

impl Shared {
    pub(crate) fn leases(&self) -> MutexGuard<'_, HashMap<Category, i64>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A little less than the server's, since clocks differ in speed.
    fn lease_micros(&self) -> i64 {
        let micros = self.options.lease_time.as_micros() * 9 / 10;
        i64::try_from(micros).unwrap_or(i64::MAX)
    }
}

struct Lease(Arc<Held>);

struct Held {
    shared: Arc<Shared>,
    category: Category,
    generation: i64,
    /// In microseconds since 1970; 0 once it was lost.
    until: AtomicI64,
}

impl WriterLease for Lease {
    fn is_held(&self) -> bool {
        self.0.is_held()
    }
}

impl Held {
    fn is_held(&self) -> bool {
        let held = self.shared.runtime.now().as_micros() < self.until.load(Ordering::Acquire);
        if !held {
            self.lose();
        }
        held
    }

    /// Whether it was still held.
    async fn renew(&self) -> Result<bool, sqlx::Error> {
        let mut connection = self.shared.connections.background().await?;
        let renewed = sqlx::query(self.shared.statements.lease_renew.get())
            .bind(format!("writer:{}", self.category))
            .bind(self.generation)
            .bind(micros(self.shared.options.lease_time))
            .execute(&mut *connection)
            .await?;
        Ok(renewed.rows_affected() > 0)
    }

    /// For good: a clock that is set back does not bring it back.
    fn lose(&self) {
        self.until.store(0, Ordering::Release);
        let mut leases = self.shared.leases();
        if leases.get(&self.category) == Some(&self.generation) {
            leases.remove(&self.category);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let held = self.0.clone();
        held.lose();
        let runtime = held.shared.runtime.clone();
        runtime.spawn(Box::pin(async move {
            // Where this fails the lease ends by itself.
            let Ok(mut connection) = held.shared.connections.background().await else {
                return;
            };
            let _ = sqlx::query(held.shared.statements.lease_release.get())
                .bind(format!("writer:{}", held.category))
                .bind(held.generation)
                .execute(&mut *connection)
                .await;
        }));
    }
}

async fn renew(lease: Weak<Held>, runtime: Arc<dyn Runtime>, every: Duration) {
    loop {
        runtime.sleep(every).await;
        let Some(held) = lease.upgrade().filter(|held| held.is_held()) else {
            return;
        };
        let asked_at = runtime.now().as_micros();
        match held.renew().await {
            Ok(true) => {
                let until = asked_at + held.shared.lease_micros();
                // Not where it was lost meanwhile.
                let _ = held
                    .until
                    .fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| (old > 0).then_some(until));
            }
            Ok(false) => held.lose(),
            // Tried again until the end.
            Err(_) => {}
        }
    }
}

pub(crate) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
