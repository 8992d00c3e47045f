use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use asynx_core::Runtime;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};

use crate::lane_connections::IDLE_MICROS;

/// Connections for statements that are a transaction each.
///
/// sqlx's pool asks the server after each use whether a connection is sound: a round trip more for every page and every
/// load. So what was given back by [`Taken::keep`] is kept aside for the next use, as long as nobody waits for a connection. What
/// has not been used for a second goes back at the next use; until then the pool does not end it for being idle.
pub(crate) struct Pool {
    pool: PgPool,
    runtime: Arc<dyn Runtime>,
    aside: Mutex<Aside>,
    /// Who waits for the pool. Changed under the lock where it grows, so that nothing is put aside that somebody waits for.
    waiting: AtomicUsize,
}

#[derive(Default)]
struct Aside {
    /// With the time in microseconds when each was put here.
    idle: Vec<(PoolConnection<Postgres>, i64)>,
    closed: bool,
}

/// A connection in use. Dropped, it goes back to the pool, which finds out whether it is sound.
pub(crate) struct Taken<'a> {
    pool: &'a Pool,
    connection: PoolConnection<Postgres>,
}

impl Pool {
    pub(crate) fn new(pool: PgPool, runtime: Arc<dyn Runtime>) -> Self {
        Self {
            pool,
            runtime,
            aside: Mutex::default(),
            waiting: AtomicUsize::new(0),
        }
    }

    pub(crate) async fn take(&self) -> Result<Taken<'_>, sqlx::Error> {
        let (newest, rest, waiting) = {
            let mut aside = self.aside();
            let is_fresh = |since| (0..IDLE_MICROS).contains(&(self.now() - since));
            match aside.idle.pop_if(|(_, since)| is_fresh(*since)) {
                Some((connection, _)) => (Some(connection), Vec::new(), None),
                None => (None, std::mem::take(&mut aside.idle), Some(Waiting::new(&self.waiting))),
            }
        };
        drop(rest);
        let connection = match newest {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        drop(waiting);
        Ok(Taken { pool: self, connection })
    }

    /// The pool itself, with whatever is aside back in it. Nothing is put aside while the other is held.
    pub(crate) fn whole(&self) -> (&PgPool, Waiting<'_>) {
        let (idle, waiting) = {
            let mut aside = self.aside();
            (std::mem::take(&mut aside.idle), Waiting::new(&self.waiting))
        };
        drop(idle);
        (&self.pool, waiting)
    }

    pub(crate) async fn close(&self) {
        let idle = {
            let mut aside = self.aside();
            aside.closed = true;
            std::mem::take(&mut aside.idle)
        };
        drop(idle);
        self.pool.close().await;
    }

    fn now(&self) -> i64 {
        self.runtime.now().as_micros()
    }

    fn aside(&self) -> MutexGuard<'_, Aside> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let aside = self.aside.get_mut().unwrap_or_else(PoisonError::into_inner);
        // The pool would take them back in a task, and there may be nothing that runs tasks any more.
        aside
            .idle
            .drain(..)
            .for_each(|(connection, _)| drop(connection.detach()));
    }
}

impl Taken<'_> {
    /// Gives it back after a statement that has ended well.
    pub(crate) fn keep(self) {
        let Self { pool, connection } = self;
        let since = pool.now();
        let mut aside = pool.aside();
        if !aside.closed && pool.waiting.load(Ordering::Acquire) == 0 {
            aside.idle.push((connection, since));
        } else {
            drop(aside);
            drop(connection);
        }
    }
}

impl Deref for Taken<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// Somebody waits for a connection of the pool, for as long as this is held.
pub(crate) struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::AcqRel);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
