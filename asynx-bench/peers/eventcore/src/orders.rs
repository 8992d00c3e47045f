use std::sync::Arc;

use bench_workload::{Action, Change, Order, System};
use eventcore::{
    Command, CommandError, CommandLogic, Event, NewEvents, RetryPolicy, StreamId, collect_events, execute,
};
use eventcore_types::EventStore;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Changed {
    order: StreamId,
    change: Change,
}

impl Event for Changed {
    fn stream_id(&self) -> &StreamId {
        &self.order
    }

    fn event_type_name() -> &'static str {
        "OrderChanged"
    }
}

#[derive(Command)]
struct Act {
    #[stream]
    order: StreamId,
    actions: Vec<Action>,
}

impl CommandLogic for Act {
    type Event = Changed;
    type State = Option<Order>;

    fn apply(&self, state: Self::State, event: &Changed) -> Self::State {
        Some(applied(state, event.change.clone()))
    }

    fn handle(&self, mut state: Self::State) -> Result<NewEvents<Changed>, CommandError> {
        let mut events = Vec::with_capacity(self.actions.len());
        for (number, action) in self.actions.iter().enumerate() {
            let refused = |error| CommandError::BusinessRuleViolation(Box::new(error));
            let change = action.decide(self.order.as_ref(), state.as_ref()).map_err(refused)?;
            // Only those that follow need the state.
            if number + 1 < self.actions.len() {
                state = Some(applied(state, change.clone()));
            }
            events.push(Changed {
                order: self.order.clone(),
                change,
            });
        }
        Ok(events.into())
    }
}

fn applied(state: Option<Order>, change: Change) -> Order {
    let mut order = state.unwrap_or_default();
    order.apply(change);
    order
}

pub(crate) struct Orders<S>(pub(crate) Arc<S>);

impl<S> Clone for Orders<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: EventStore + Send + Sync + 'static> Orders<S> {
    pub(crate) fn new(store: S) -> Self {
        Self(Arc::new(store))
    }

    pub(crate) async fn act(&self, id: &str, actions: Vec<Action>) {
        let order = StreamId::try_new(id).unwrap();
        let done = execute(&*self.0, Act { order, actions }, RetryPolicy::new()).await;
        done.unwrap_or_else(|error| panic!("{error}"));
    }
}

impl<S: EventStore + Send + Sync + 'static> System for Orders<S> {
    async fn send(&self, id: &str, action: Action) -> Option<u64> {
        self.act(id, vec![action]).await;
        None
    }

    async fn state(&self, id: &str) -> Order {
        let stream = self
            .0
            .read_stream::<Changed>(StreamId::try_new(id).unwrap())
            .await
            .unwrap();
        let events = collect_events(stream).await.unwrap();
        events
            .into_iter()
            .fold(None, |state, event| Some(applied(state, event.change)))
            .unwrap()
    }
}
