use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_channel::{Receiver, Sender};
use asynx_core::StoreError;
use futures::future::{Either, select};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::error::{Fault, explained, is_busy};
use crate::patience::Patience;
use crate::statement::{Values, run};

/// A few connections to one database, each a thread of the driver.
///
/// Not the driver's own pool: that is tied to a runtime at compile time, and reuses a connection whose transaction
/// somebody dropped half-way.
pub(crate) struct Pool {
    /// The database, for messages.
    name: Arc<str>,
    options: SqliteConnectOptions,
    patience: Patience,
    size: usize,
    kind: Kind,
    free: Receiver<Slot>,
    freed: Sender<Slot>,
    closed: AtomicBool,
}

/// What its connections are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Readers,
    /// One connection, which somebody may hold in a transaction.
    Writer,
    /// One connection for all, as long as which the database lives.
    InMemory,
}

enum Slot {
    Open(SqliteConnection),
    /// Left in the middle of a transaction.
    Unfinished(SqliteConnection),
    Missing,
}

impl Pool {
    /// Connects so many times.
    pub(crate) async fn open(
        name: Arc<str>,
        options: SqliteConnectOptions,
        patience: Patience,
        size: usize,
        kind: Kind,
    ) -> Result<Arc<Self>, StoreError> {
        let (freed, free) = async_channel::bounded(size);
        let pool = Self {
            name,
            options,
            patience,
            size,
            kind,
            free,
            freed,
            closed: AtomicBool::new(false),
        };
        for _ in 0..size {
            let connection = pool.connect().await?;
            let _ = pool.freed.try_send(Slot::Open(connection));
        }
        Ok(Arc::new(pool))
    }

    /// A connection, as soon as one is free.
    pub(crate) async fn take(self: &Arc<Self>) -> Result<Held, StoreError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(self.fault(Fault::Closed));
        }
        let slot = match self.free.try_recv() {
            Ok(slot) => slot,
            Err(_) => self.wait().await?,
        };
        // Whatever happens from here on, the slot goes back, with its connection if it has one.
        let mut held = Held {
            connection: None,
            sound: true,
            pool: Arc::clone(self),
        };
        match slot {
            Slot::Open(connection) => held.connection = Some(connection),
            Slot::Unfinished(connection) => {
                held.unsound();
                let connection = held.connection.insert(connection);
                // Fails where there is nothing to roll back.
                let _ = run(connection, "ROLLBACK", Values::default()).await;
                held.sound();
            }
            Slot::Missing => held.connection = Some(self.connect().await?),
        }
        Ok(held)
    }

    /// Waits for a slot: for a writer not for ever, since who holds it in a transaction may be waiting for us.
    async fn wait(&self) -> Result<Slot, StoreError> {
        let free = pin!(self.free.recv());
        let slot = match self.kind {
            Kind::Readers => free.await,
            Kind::Writer | Kind::InMemory => {
                match select(free, self.patience.runtime.sleep(self.patience.timeout)).await {
                    Either::Left((slot, _)) => slot,
                    Either::Right(((), _)) => return Err(self.fault(Fault::InUse)),
                }
            }
        };
        slot.map_err(|_| self.fault(Fault::Closed))
    }

    /// Waits for what is under way, and closes the connections.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for _ in 0..self.size {
            match self.free.recv().await {
                Ok(Slot::Open(connection) | Slot::Unfinished(connection)) => drop(connection.close().await),
                Ok(Slot::Missing) => {}
                Err(_) => return,
            }
        }
        self.free.close();
    }

    async fn connect(&self) -> Result<SqliteConnection, StoreError> {
        let mut waiting = self.patience.begin();
        loop {
            match self.options.connect().await {
                Ok(connection) => return Ok(connection),
                Err(error) if is_busy(&error) && waiting.go_on().await => {}
                Err(error) => return Err(explained(&self.name, error)),
            }
        }
    }

    fn fault(&self, fault: fn(String) -> Fault) -> StoreError {
        fault(self.name.to_string()).into()
    }
}

/// A connection that is in use. Dropped, it is free again: one with a transaction under way is closed, which rolls it
/// back, and replaced.
pub(crate) struct Held {
    connection: Option<SqliteConnection>,
    sound: bool,
    pool: Arc<Pool>,
}

impl Held {
    /// Until it is [`sound`](Self::sound) again, it is not given to anybody else.
    pub(crate) fn unsound(&mut self) {
        self.sound = false;
    }

    pub(crate) fn sound(&mut self) {
        self.sound = true;
    }

    pub(crate) fn explained(&self, error: sqlx::Error) -> StoreError {
        explained(&self.pool.name, error)
    }

    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let name = &self.pool.name;
        let connection = self.connection.as_mut();
        connection.ok_or_else(|| Fault::ConnectionLost(name.to_string()).into())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let slot = match self.connection.take() {
            Some(connection) if self.sound => Slot::Open(connection),
            Some(connection) if self.pool.kind == Kind::InMemory => Slot::Unfinished(connection),
            _ => Slot::Missing,
        };
        // Closed meanwhile: then it is dropped.
        let _ = self.pool.freed.try_send(slot);
    }
}
