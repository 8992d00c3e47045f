use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::bus::{Delivery, ForgetHandler, Handler, Pattern, Subscription, SubscriptionId, SubscriptionOptions};
use asynx_core::{Aggregate, Bus, BusError, Caught, Context, Event};
use futures::channel::oneshot;
use futures::future;

use crate::durable::Durable;
use crate::on_the_way::{Forget, Waiting};
use crate::shared::Shared;
use crate::{JetStreamBusError, Parked};

/// A bus across processes: events of every process reach the subscribers of every process.
///
/// `publish` has the event stored in a stream of the bus's own. Every process reads that stream, and gives its own
/// handlers what they want, its own events included, in the stream's order, which is that of the versions for each
/// aggregate.
///
/// - **A subscription** is given what is published while its process lives and the bus is open: at most
///   once, as in the in-process bus. It misses nothing where a connection or a server goes and comes back.
/// - **[A durable one](Self::subscribe_durable)** is given everything since it first subscribed, also what is published
///   while nobody of its name is there: at least once, acknowledged after the handler. Of all processes that subscribe
///   by one name, one is given the events; where it goes, another goes on. A handler that fails is tried again after
///   a pause, while the later events of that aggregate wait; at last its fallback runs, and where there is none or
///   that fails as well, the event is [parked](Self::parked). `capacity` and `overflow` do not apply: what does not
///   fit waits in the stream.
/// - `idle` waits for what this process was given, durable subscriptions too; a [`Delivery`] counts none of those, which
///   may run elsewhere.
/// - Forget handlers run in the process that forgets, after its own handlers; then the aggregate is erased from the
///   bus's streams as well. Handlers of other processes are not waited for.
/// - While no server is there, published events wait in memory, up to a
///   [bound](crate::JetStreamBusOptions::with_waiting); what the process has not had stored when it ends never
///   reaches anybody. What must not be missed is for a durable projection, which reads the store's log.
///
/// Dropping the bus closes it. `close` gives back what durable subscriptions have in hand; a process that ends then waits
/// for [`closed`](Self::closed), or the server gives those events to another one only after the
/// [`ack_wait`](crate::JetStreamBusOptions::with_ack_wait).
pub struct JetStreamBus<A: Aggregate> {
    pub(crate) shared: Arc<Shared<A>>,
}

impl<A: Aggregate> JetStreamBus<A> {
    /// Starts a durable subscription: the server keeps its place under `name`, for as long as nobody
    /// [removes](Self::remove_subscriber) it. The first to subscribe by a name begins with what is published then.
    ///
    /// All who subscribe by one name should have the same handler and pattern: any of them may be given the next event.
    /// A subscriber may come back with another pattern and keeps its place.
    ///
    /// # Errors
    /// [`JetStreamBusError`] when the name is empty or the bus is closed. Where the server cannot be asked or has another
    /// consumer of that name, [`on_trouble`](crate::JetStreamBusOptions::on_trouble) is told, and it is tried again.
    pub fn subscribe_durable(
        &self,
        name: &str,
        pattern: Pattern,
        handler: Handler<A>,
        options: SubscriptionOptions<A>,
    ) -> Result<SubscriptionId, JetStreamBusError> {
        if name.is_empty() {
            return Err(JetStreamBusError::new("a durable subscription needs a name"));
        }
        let failed = || JetStreamBusError::new(format!("failed to subscribe as {name}"));
        let shared = &self.shared;
        let durable = Durable::start(shared, name, pattern, handler, options);
        let durable = durable.map_err(|closed| failed().caused_by(closed))?;
        let id = durable.id();
        match shared.add(Arc::clone(&durable)) {
            Ok(()) => Ok(id),
            Err(closed) => {
                drop(durable.close());
                Err(failed().caused_by(closed))
            }
        }
    }

    /// Ends once a bus that was closed has given back to the server what its durable subscriptions had in hand, so that
    /// another process has it at once. Without a server it gives up after its request timeout.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn closed(&self) {
        self.shared.given_back().await;
    }

    /// What the subscriber of this name could not handle, the oldest first.
    ///
    /// # Errors
    /// [`JetStreamBusError`] when the server does not answer.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn parked(&self, name: &str, limit: usize) -> Result<Vec<Parked>, JetStreamBusError> {
        self.shared.wire.parked(name, limit).await
    }

    /// Gives a parked event to its subscriber again, with all attempts before it. Later events of its aggregate have been
    /// given meanwhile.
    ///
    /// # Errors
    /// [`JetStreamBusError`] when it is not parked any more or the server does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future may leave it both parked and given again.
    pub async fn give_again(&self, parked: &Parked) -> Result<(), JetStreamBusError> {
        self.shared.wire.give_again(parked).await
    }

    /// Throws a parked event away.
    ///
    /// # Errors
    /// As [`give_again`](Self::give_again).
    ///
    /// # Cancel safety
    /// Dropping the future leaves it thrown away or not.
    pub async fn discard(&self, parked: &Parked) -> Result<(), JetStreamBusError> {
        self.shared.wire.discard(parked).await
    }

    /// Ends a durable subscriber for good: the server forgets its place. Who subscribes by that name later begins anew;
    /// processes that are subscribed by it now make it anew.
    ///
    /// # Errors
    /// [`JetStreamBusError`] when there is none of that name or the server does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it ended or not.
    pub async fn remove_subscriber(&self, name: &str) -> Result<(), JetStreamBusError> {
        let wire = &self.shared.wire;
        let removed = wire.events.delete_consumer(&wire.names.consumer(name)).await;
        removed.map(drop).map_err(|error| {
            JetStreamBusError::new(format!("failed to remove the subscriber {name}; is there one?")).caused_by(error)
        })
    }

    fn send(&self, event: Event<A>, delivery: Tracked) -> Result<Option<Delivery>, BusError> {
        let shared = &self.shared;
        if event.event_name.is_tombstone() {
            // It reaches nobody (B9) and takes its place with the forget.
            return shared
                .local
                .reserve(event)
                .map(|mut reserved| Some(reserved.delivery()));
        }
        if !shared.is_closed() {
            shared.outbox.check_room(shared.wire.options.waiting)?;
        }
        let mut reserved = shared.local.reserve(event)?;
        let event = reserved.event().clone();
        let delivery = (delivery == Tracked::Yes).then(|| {
            let delivery = reserved.delivery();
            match shared.is_forgetting(&event.aggregate_id) {
                true => delivery.behind_forget(reserved.subscriptions().collect()),
                false => delivery,
            }
        });
        let on_the_way = shared.on_the_way.insert(event.id, Waiting::Event(reserved));
        on_the_way.map_err(|_| BusError::Closed)?;
        shared.post(event);
        Ok(delivery)
    }
}

#[derive(PartialEq, Eq)]
enum Tracked {
    Yes,
    No,
}

#[async_trait]
impl<A: Aggregate> Bus<A> for JetStreamBus<A> {
    fn publish(&self, event: Event<A>) -> Result<(), BusError> {
        self.send(event, Tracked::No).map(drop)
    }

    fn publish_tracked(&self, event: Event<A>) -> Result<Delivery, BusError> {
        self.send(event, Tracked::Yes).map(Option::unwrap_or_default)
    }

    async fn forget(&self, tombstone: Event<A>) -> Result<(), BusError> {
        let shared = &self.shared;
        // With the ancestry that it has here.
        let tombstone = shared.local.reserve(tombstone)?.event().clone();
        let _forgetting = shared.forgetting(&tombstone.aggregate_id);
        let (started, start) = oneshot::channel();
        let forget = Forget {
            tombstone: Caught::new(tombstone.clone()),
            context: Context::current(),
            started,
        };
        let on_the_way = shared.on_the_way.insert(tombstone.id, Waiting::Forget(forget));
        on_the_way.map_err(|_| BusError::Closed)?;
        shared.post(tombstone.clone());
        let durable = shared.all_durable();
        let Ok(forgetting) = start.await else {
            return Err(BusError::Closed);
        };
        // They have no forget handlers: this only waits for what this process has in hand.
        let passed = durable.iter().map(|durable| durable.lanes.forget(tombstone.clone()));
        let (_, forgotten) = future::join(future::join_all(passed), forgetting).await;
        forgotten?;
        shared.erase(&tombstone).await
    }

    fn subscribe(&self, subscription: Subscription<A>) -> Result<SubscriptionId, BusError> {
        self.shared.local.subscribe(subscription)
    }

    fn on_forget(&self, handler: ForgetHandler<A>) -> Result<SubscriptionId, BusError> {
        self.shared.local.on_forget(handler)
    }

    fn unsubscribe(&self, id: SubscriptionId) -> Result<(), BusError> {
        match self.shared.remove(id) {
            Some(durable) => {
                durable.end();
                Ok(())
            }
            None => self.shared.local.unsubscribe(id),
        }
    }

    /// Ends when everything that was given before has ended, and then what handlers caused meanwhile.
    ///
    /// # Cancel safety
    /// Safe.
    async fn idle(&self) {
        let shared = &self.shared;
        shared.on_the_way.all_passed().await;
        let durable = shared.all_durable();
        let durable = durable.iter().map(|durable| durable.lanes.idle());
        future::join(future::join_all(durable), shared.local.idle()).await;
    }

    fn close(&self) {
        self.shared.close();
    }
}

impl<A: Aggregate> Drop for JetStreamBus<A> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<A: Aggregate> fmt::Debug for JetStreamBus<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamBus").finish_non_exhaustive()
    }
}
