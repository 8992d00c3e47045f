use std::sync::Arc;

use bench_workload::{Action, Change, Order, Refused, System};
use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, AggregateContext as _, CqrsFramework, DomainEvent, EventStore};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Purchase(pub(crate) Order);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Changed(pub(crate) Change);

pub(crate) struct Act {
    pub(crate) id: String,
    pub(crate) actions: Vec<Action>,
}

impl DomainEvent for Changed {
    fn event_type(&self) -> String {
        self.0.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

impl Aggregate for Purchase {
    const TYPE: &'static str = "order";
    type Command = Act;
    type Event = Changed;
    type Error = Refused;
    type Services = ();

    async fn handle(&mut self, command: Act, (): &(), sink: &EventSink<Self>) -> Result<(), Refused> {
        for action in command.actions {
            // An order that was never placed is the default.
            let current = (!self.0.id.is_empty()).then_some(&self.0);
            let change = action.decide(&command.id, current)?;
            sink.write(Changed(change), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Changed) {
        self.0.apply(event.0);
    }
}

pub(crate) struct Orders<S: EventStore<Purchase>> {
    cqrs: Arc<CqrsFramework<Purchase, S>>,
    store: Arc<S>,
}

impl<S: EventStore<Purchase>> Clone for Orders<S> {
    fn clone(&self) -> Self {
        Self {
            cqrs: self.cqrs.clone(),
            store: self.store.clone(),
        }
    }
}

impl<S: EventStore<Purchase>> Orders<S> {
    pub(crate) fn new(cqrs: CqrsFramework<Purchase, S>, store: S) -> Self {
        Self {
            cqrs: Arc::new(cqrs),
            store: Arc::new(store),
        }
    }

    pub(crate) async fn act(&self, id: &str, actions: Vec<Action>) {
        let id = id.to_owned();
        let act = Act {
            id: id.clone(),
            actions,
        };
        self.cqrs
            .execute(&id, act)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

impl<S> System for Orders<S>
where
    S: EventStore<Purchase> + 'static,
    S::AC: Send,
{
    async fn send(&self, id: &str, action: Action) -> Option<u64> {
        self.act(id, vec![action]).await;
        None
    }

    async fn state(&self, id: &str) -> Order {
        let mut context = self
            .store
            .load_aggregate(id)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        context.aggregate().0.clone()
    }
}
