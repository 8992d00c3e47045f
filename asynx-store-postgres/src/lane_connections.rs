use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::{Connection as _, PgConnection};

use crate::connector::Connector;

/// A connection that was not used for so long, in microseconds, is tested before its next use.
pub(crate) const IDLE_MICROS: i64 = 1_000_000;

/// One for each append in flight, of which there are as many as lanes. No pool: that would ask the server whether a
/// connection is sound after each use, which is a second round trip for every append.
pub(crate) struct LaneConnections {
    connector: Connector,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    closed: bool,
}

struct Idle {
    connection: PgConnection,
    since_micros: i64,
}

impl LaneConnections {
    pub(crate) fn new(connector: Connector) -> Self {
        Self {
            connector,
            state: Mutex::default(),
        }
    }

    /// Gives a connection that no other append uses. Whatever happens while it is out: unless it is given back, it is
    /// closed.
    pub(crate) async fn take(&self) -> Result<PgConnection, sqlx::Error> {
        loop {
            let idle = {
                let mut state = self.state();
                if state.closed {
                    return Err(sqlx::Error::PoolClosed);
                }
                state.idle.pop()
            };
            let Some(mut idle) = idle else {
                return self.connector.connect_patiently().await;
            };
            let idle_for = self.now() - idle.since_micros;
            if (0..IDLE_MICROS).contains(&idle_for) || self.connector.is_alive(&mut idle.connection).await {
                return Ok(idle.connection);
            }
        }
    }

    /// Takes a connection back whose last statement has ended.
    pub(crate) fn give_back(&self, connection: PgConnection) {
        let since_micros = self.now();
        let mut state = self.state();
        if !state.closed {
            state.idle.push(Idle {
                connection,
                since_micros,
            });
        }
    }

    /// Drops what is idle: one connection was lost, so the others may be.
    pub(crate) fn distrust(&self) {
        let idle = std::mem::take(&mut self.state().idle);
        drop(idle);
    }

    pub(crate) async fn close(&self) {
        let idle = {
            let mut state = self.state();
            state.closed = true;
            std::mem::take(&mut state.idle)
        };
        for idle in idle {
            // It is closed all the same.
            let _ = idle.connection.close().await;
        }
    }

    fn now(&self) -> i64 {
        self.connector.runtime.now().as_micros()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
