//! The list of all orders, made from the log and kept in memory. Each process has its own; all of them see the events of
//! all. A list too large for that is a table: see the example `read_model`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use asynx::projection::{Entry, SubscribeOptions, Typed, subscribe};
use asynx::runtime::Runtime;
use asynx::store::LogFilter;
use asynx::{Category, Position, Store, StoreError};
use futures::StreamExt;
use serde::Serialize;

use crate::domain::Order;
use crate::view::View;

/// How long it waits before it reads on after an error.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Board {
    state: RwLock<State>,
    /// Whether it has been as far as the log.
    caught_up: AtomicBool,
}

#[derive(Default)]
struct State {
    orders: BTreeMap<String, View>,
    position: Option<Position>,
}

/// The orders, and the position up to which this is true.
#[derive(Serialize)]
pub struct Listed {
    position: Option<String>,
    orders: Vec<View>,
}

impl Board {
    /// Reads the log from its beginning and never ends.
    pub async fn follow(self: Arc<Self>, store: Arc<dyn Store>, runtime: Arc<dyn Runtime>) {
        loop {
            let options = SubscribeOptions::default().after(self.position());
            let mut entries = subscribe(Arc::clone(&store), Arc::clone(&runtime), Typed::<Order>::new(), options);
            while let Some(entry) = entries.next().await {
                match entry {
                    Ok((position, entry)) => self.put(position, &entry),
                    Err(error) => eprintln!("the list of orders reads the log again in {PAUSE:?}: {error}"),
                }
            }
            runtime.sleep(PAUSE).await;
        }
    }

    pub fn listed(&self) -> Listed {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        Listed {
            position: state.position.map(|position| position.to_string()),
            orders: state.orders.values().cloned().collect(),
        }
    }

    /// Whether it has been as far as the log, now or before: from then on it is a moment behind at most.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn is_ready(&self, store: &dyn Store) -> Result<bool, StoreError> {
        let log = store
            .log()
            .ok_or_else(|| StoreError::permanent("the store has no log"))?;
        let filter = LogFilter {
            categories: Category::parse("order").into_iter().collect(),
            ..LogFilter::default()
        };
        let left = log.count(self.position(), &filter, 1).await?;
        Ok(self.caught_up.fetch_or(left == 0, Ordering::Relaxed) || left == 0)
    }

    fn position(&self) -> Option<Position> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).position
    }

    fn put(&self, position: Position, entry: &Entry<Order>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let id = entry.aggregate_id().to_string();
        match entry.event() {
            Some(event) => state.orders.insert(id, View::of(event)),
            None => state.orders.remove(&id),
        };
        state.position = Some(position);
    }
}
