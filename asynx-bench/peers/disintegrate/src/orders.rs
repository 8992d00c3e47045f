use std::error::Error;
use std::time::Duration;

use bench_workload::{Action, Arguments, Change, Line, Order, Refused, Status, System};
use disintegrate::serde::json::Json;
use disintegrate::{
    Decision, DecisionError, Event, EventSourcedStateStore, LoadState as _, NoSnapshot, StateMutate, StateQuery,
};
use disintegrate_postgres::{PgDecisionMaker, PgEventId, PgEventStore};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[stream(OrderEvent, [OrderPlaced, QuantityChanged, StatusChanged, LineAdded, LineRemoved])]
pub(crate) enum DomainEvent {
    OrderPlaced {
        #[id]
        order_id: String,
        order: Order,
    },
    QuantityChanged {
        #[id]
        order_id: String,
        line: u32,
        quantity: u32,
    },
    StatusChanged {
        #[id]
        order_id: String,
        status: Status,
    },
    LineAdded {
        #[id]
        order_id: String,
        line: Line,
    },
    LineRemoved {
        #[id]
        order_id: String,
        line: u32,
    },
}

impl DomainEvent {
    fn of(order_id: &str, change: Change) -> Self {
        let order_id = order_id.to_owned();
        match change {
            Change::Placed { order } => Self::OrderPlaced { order_id, order },
            Change::QuantityChanged { line, quantity } => Self::QuantityChanged {
                order_id,
                line,
                quantity,
            },
            Change::StatusChanged { status } => Self::StatusChanged { order_id, status },
            Change::LineAdded { line } => Self::LineAdded { order_id, line },
            Change::LineRemoved { line } => Self::LineRemoved { order_id, line },
        }
    }
}

impl OrderEvent {
    fn change(self) -> Change {
        match self {
            Self::OrderPlaced { order, .. } => Change::Placed { order },
            Self::QuantityChanged { line, quantity, .. } => Change::QuantityChanged { line, quantity },
            Self::StatusChanged { status, .. } => Change::StatusChanged { status },
            Self::LineAdded { line, .. } => Change::LineAdded { line },
            Self::LineRemoved { line, .. } => Change::LineRemoved { line },
        }
    }
}

#[derive(Debug, Default, Clone, StateQuery, Serialize, Deserialize)]
#[state_query(OrderEvent)]
struct Purchase {
    #[id]
    order_id: String,
    order: Option<Order>,
}

impl Purchase {
    fn of(id: &str) -> Self {
        Self {
            order_id: id.to_owned(),
            order: None,
        }
    }
}

impl StateMutate for Purchase {
    fn mutate(&mut self, event: Self::Event) {
        self.order.get_or_insert_default().apply(event.change());
    }
}

struct Act {
    id: String,
    actions: Vec<Action>,
}

impl Decision for Act {
    type Event = DomainEvent;
    type StateQuery = Purchase;
    type Error = Refused;

    fn state_query(&self) -> Purchase {
        Purchase::of(&self.id)
    }

    fn process(&self, state: &Purchase) -> Result<Vec<DomainEvent>, Refused> {
        if let [action] = &self.actions[..] {
            return Ok(vec![DomainEvent::of(
                &self.id,
                action.decide(&self.id, state.order.as_ref())?,
            )]);
        }
        let mut order = state.order.clone();
        let events = self.actions.iter().map(|action| {
            let change = action.decide(&self.id, order.as_ref())?;
            order.get_or_insert_default().apply(change.clone());
            Ok(DomainEvent::of(&self.id, change))
        });
        events.collect()
    }
}

pub(crate) type Store = PgEventStore<DomainEvent, Json<DomainEvent>>;

#[derive(Clone)]
pub(crate) struct Orders {
    maker: PgDecisionMaker<DomainEvent, Json<DomainEvent>, NoSnapshot>,
    pub(crate) store: Store,
}

/// As its README has it: a pool with the driver's ten connections, JSON, no snapshots.
pub(crate) async fn open() -> Orders {
    let options: PgConnectOptions = Arguments::database().parse().unwrap();
    // One of its functions has a number in hexadecimal, which PostgreSQL reads from 16 on. Before, it can be made unchecked,
    // and is then made again with the same number in decimal.
    let pool = PgPool::connect_with(options.options([("check_function_bodies", "off")]))
        .await
        .unwrap();
    let store = PgEventStore::try_new(pool.clone(), Json::default()).await.unwrap();
    let (function,): (String,) = sqlx::query_as("select pg_get_functiondef('event_store_begin_epoch'::regproc)")
        .fetch_one(&pool)
        .await
        .unwrap();
    sqlx::query(&function.replace("0xFFFFFFFF", "4294967295"))
        .execute(&pool)
        .await
        .unwrap();
    let maker = disintegrate_postgres::decision_maker(store.clone(), NoSnapshot);
    Orders { maker, store }
}

impl Orders {
    /// Conflicts are tried again, as its users have to; most are false ones. So is what is refused by the domain: beside other
    /// writers a read may not see yet what this client has written itself.
    pub(crate) async fn act(&self, id: &str, actions: &[Action]) {
        loop {
            let act = Act {
                id: id.to_owned(),
                actions: actions.to_vec(),
            };
            match self.maker.make(act).await {
                Ok(_) => return,
                Err(DecisionError::Domain(_)) => tokio::task::yield_now().await,
                Err(error) if is_conflict(&error) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// What it calls a conflict, and the server's word that it could not serialise the transactions, which it passes on.
fn is_conflict(error: &DecisionError<Refused>) -> bool {
    const SERIALIZATION_FAILURE: &str = "40001";
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref() {
            Some(disintegrate_postgres::Error::Concurrency) => return true,
            Some(disintegrate_postgres::Error::Database(sqlx::Error::Database(error))) => {
                return error.code().as_deref() == Some(SERIALIZATION_FAILURE);
            }
            _ => {}
        }
        cause = error.source();
    }
    false
}

impl System for Orders {
    async fn send(&self, id: &str, action: Action) -> Option<u64> {
        self.act(id, &[action]).await;
        None
    }

    async fn state(&self, id: &str) -> Order {
        // Until the others have stopped, see above.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let states = EventSourcedStateStore::<PgEventId, DomainEvent, _, _>::new(self.store.clone(), NoSnapshot);
        let loaded = states.load(Purchase::of(id)).await.unwrap();
        loaded.state().order.clone().unwrap()
    }
}
