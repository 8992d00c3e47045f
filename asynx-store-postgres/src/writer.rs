use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{SoleWriter, WriterLease};
use asynx_core::{Category, Runtime, StoreError};
use futures::future::{BoxFuture, Either, select};

use crate::PostgresStore;
use crate::error::store_error;
use crate::store::Shared;

/// A lease is a row with an end. Its holder renews it; each holder has a generation, which every append of the category
/// shows within its statement, so that what was begun under an old lease is refused once the next one was given.
#[async_trait]
impl SoleWriter for PostgresStore {
    async fn acquire(&self, category: &Category) -> Result<Option<Box<dyn WriterLease>>, StoreError> {
        let shared = &self.shared;
        let term = Term::begin(shared);
        let mut connection = shared.connections.background().await.map_err(store_error)?;
        let generation: Option<i64> = sqlx::query_scalar(shared.statements.lease_acquire.get())
            .bind(format!("writer:{category}"))
            .bind("")
            .bind(micros(shared.lease_time()))
            .fetch_optional(&mut *connection)
            .await
            .map_err(store_error)?;
        let Some(generation) = generation else {
            return Ok(None);
        };
        let lease = Arc::new(Held {
            shared: shared.clone(),
            category: category.clone(),
            generation,
            until: AtomicI64::new(term.until),
        });
        shared.fences.hold(category, generation);
        let renewing = renew(
            Arc::downgrade(&lease),
            shared.runtime.clone(),
            shared.lease_time(),
            term.over,
        );
        shared.runtime.spawn(Box::pin(renewing));
        Ok(Some(Box::new(Lease(lease))))
    }
}

impl Shared {
    fn lease_time(&self) -> Duration {
        self.options.lease_time.max(Duration::from_millis(100))
    }
}

/// How long a lease is held at least, seen from here: from before it was asked for, and a little less than the server's,
/// since clocks differ in speed. By the clock on the wall, which goes on while a machine sleeps, and by a sleep, which
/// goes on when the clock is set back: what is over first counts.
struct Term {
    until: i64,
    over: BoxFuture<'static, ()>,
}

impl Term {
    fn begin(shared: &Shared) -> Self {
        let time = shared.lease_time() * 9 / 10;
        let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        Self {
            until: shared.runtime.now().as_micros().saturating_add(micros),
            over: shared.runtime.sleep(time),
        }
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

    /// For good: a clock that is set back does not bring it back.
    fn lose(&self) {
        self.until.store(0, Ordering::Release);
        self.shared.fences.lose(&self.category, self.generation);
    }

    fn prolong(&self, until: i64) {
        // Not where it was lost meanwhile.
        let _ = self
            .until
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| (old > 0).then_some(until));
    }

    /// Whether it was still held.
    async fn renew(&self) -> Result<bool, sqlx::Error> {
        let mut connection = self.shared.connections.background().await?;
        let renewed = sqlx::query(self.shared.statements.lease_renew.get())
            .bind(format!("writer:{}", self.category))
            .bind(self.generation)
            .bind(micros(self.shared.lease_time()))
            .execute(&mut *connection)
            .await?;
        Ok(renewed.rows_affected() > 0)
    }

    async fn release(&self) -> Result<(), sqlx::Error> {
        let mut connection = self.shared.connections.background().await?;
        let release = sqlx::query(self.shared.statements.lease_release.get())
            .bind(format!("writer:{}", self.category))
            .bind(self.generation);
        release.execute(&mut *connection).await.map(drop)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let held = self.0.clone();
        held.lose();
        let runtime = held.shared.runtime.clone();
        runtime.spawn(Box::pin(async move {
            // Where this fails the lease ends by itself.
            let _ = held.release().await;
        }));
    }
}

/// Renews a lease until it is dropped or lost. One that could not be renewed is tried again until its term is over.
async fn renew(lease: Weak<Held>, runtime: Arc<dyn Runtime>, time: Duration, mut over: BoxFuture<'static, ()>) {
    let mut pause = time / 3;
    loop {
        let ended = matches!(select(runtime.sleep(pause), &mut over).await, Either::Right(_));
        let Some(held) = lease.upgrade() else { return };
        if ended || !held.is_held() {
            return held.lose();
        }
        let term = Term::begin(&held.shared);
        let renewed = match select(Box::pin(held.renew()), &mut over).await {
            Either::Left((renewed, _)) => renewed,
            Either::Right(_) => Ok(false),
        };
        pause = match renewed {
            Ok(true) => {
                held.prolong(term.until);
                over = term.over;
                time / 3
            }
            Ok(false) => return held.lose(),
            Err(_) => time / 20,
        };
    }
}

pub(crate) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
