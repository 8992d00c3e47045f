//! The workload as aggregate and commands of asynx.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use asynx::{Aggregate, Asynx, Command, Expected, Store};
use bench_workload::{Action, Order, Refused, System};
use futures::stream::{FuturesUnordered, StreamExt as _};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Purchase(pub(crate) Order);

impl Aggregate for Purchase {
    const CATEGORY: &'static str = "order";
}

pub(crate) struct Act {
    pub(crate) id: String,
    pub(crate) action: Action,
}

impl Command<Purchase> for Act {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.id).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        self.action.name().into()
    }

    fn validate(&self, current: Option<&Purchase>) -> Result<(), Refused> {
        self.action.validate(current.map(|Purchase(order)| order))
    }

    fn emit(&self, current: Option<&Purchase>) -> Purchase {
        Purchase(self.action.emit(&self.id, current.map(|Purchase(order)| order)))
    }
}

/// What the clients of a benchmark work with.
#[derive(Clone)]
pub(crate) struct Orders(pub(crate) Asynx<Purchase>);

impl System for Orders {
    async fn send(&self, id: &str, action: Action) -> Option<u64> {
        let id = id.to_owned();
        let expected = match action {
            Action::Place => Expected::NoStream,
            _ => Expected::Any,
        };
        let event = self.0.send(Act { id, action }).expecting(expected).await;
        Some(event.unwrap_or_else(|error| panic!("{error}")).version.get())
    }

    async fn state(&self, id: &str) -> Order {
        self.0.get(id).await.unwrap_or_else(|error| panic!("{error}")).0.clone()
    }
}

/// asynx as it comes.
pub(crate) async fn open(store: impl Store) -> Asynx<Purchase> {
    Asynx::builder()
        .store(store)
        .build()
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Without snapshots, so that a load has to read the whole stream.
pub(crate) async fn open_without_snapshots(store: impl Store) -> Asynx<Purchase> {
    let built = Asynx::builder()
        .store(store)
        .snapshot_every(None::<NonZeroUsize>)
        .build()
        .await;
    built.unwrap_or_else(|error| panic!("{error}"))
}

/// Makes one stream of so many events.
pub(crate) async fn lengthen(orders: &Asynx<Purchase>, id: &str, events: u64) {
    let orders = Orders(orders.clone());
    orders.send(id, Action::Place).await;
    let mut sent = FuturesUnordered::new();
    for number in 1..events {
        if sent.len() == 256 {
            sent.next().await;
        }
        sent.push(orders.send(id, Action::always(number)));
    }
    while sent.next().await.is_some() {}
}
