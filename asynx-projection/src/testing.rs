//! Given what happened, then the read model: projections tested by themselves, without an engine, without a runtime of
//! its own and without a log.
//!
//! [`Given`] holds events in the order of a log, and gives them to a projection as an [`Engine`](crate::Engine) would.
//! Events come from `asynx_testkit::scenario::Events`, which makes them of commands or of states; its `assert_model`
//! compares a read model with a readable difference.
//!
//! ```
//! use std::sync::Mutex;
//!
//! use asynx_core::Aggregate;
//! use asynx_projection::testing::Given;
//! use asynx_projection::{Batch, Entry, HandlerError, Projection, Typed};
//! use asynx_testkit::scenario::{Events, assert_model};
//! # #[derive(Clone, serde::Serialize, serde::Deserialize)] struct Order { total: u64 }
//! # impl Aggregate for Order { const CATEGORY: &'static str = "order"; }
//!
//! #[derive(Default)]
//! struct Totals(Mutex<std::collections::BTreeMap<String, u64>>);
//!
//! #[async_trait::async_trait]
//! impl Projection for Totals {
//!     type Decode = Typed<Order>;
//!
//!     async fn handle(&self, batch: Batch<'_, Entry<Order>>) -> Result<(), HandlerError> {
//!         let mut totals = self.0.lock().unwrap();
//!         for entry in batch.iter() {
//!             let id = entry.aggregate_id().to_string();
//!             match entry.event() {
//!                 Some(event) => drop(totals.insert(id, event.aggregate.total)),
//!                 None => drop(totals.remove(&id)),
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # futures::executor::block_on(async {
//! let totals = Totals::default();
//! Given::new()
//!     .events(Events::<Order>::of("ORD-1").state("OrderPlaced", Order { total: 12 }))
//!     .events(Events::<Order>::of("ORD-2").state("OrderPlaced", Order { total: 7 }).forgotten())
//!     .twice()
//!     .hand_to(&totals)
//!     .await
//!     .unwrap();
//! assert_model([("ORD-1", 12)].into_iter().collect::<std::collections::BTreeMap<_, _>>(), &*totals.0.lock().unwrap());
//! # });
//! ```

use std::num::NonZeroUsize;
use std::sync::Arc;

use asynx_core::store::{LogEvent, Transactions};
use asynx_core::{Aggregate, Event, Position, Record, StreamId, Version};

use self::sealed::Sealed as _;
use crate::{Batch, Decode, Entry, Forgotten, HandlerError, Projection, TransactionalProjection, Typed, Untyped};

/// What happened, in the order of a log. See the [module](self).
#[derive(Debug, Clone)]
#[must_use = "what is given does nothing until a projection is handed it"]
pub struct Given<A> {
    events: Vec<Event<A>>,
    batch: NonZeroUsize,
    twice: bool,
    erased: bool,
    replayed: bool,
}

impl<A: Aggregate> Given<A> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self {
            events: Vec::new(),
            batch: NonZeroUsize::MAX,
            twice: false,
            erased: false,
            replayed: false,
        }
    }

    /// Then this happened. Events of several aggregates may be given by turns; each gets the next position of the log,
    /// whatever position it had. A tombstone is a forget.
    pub fn events(mut self, events: impl IntoIterator<Item = Event<A>>) -> Self {
        for event in events {
            let position = Position::new([0, 0, self.events.len() as u64 + 1]);
            let record = record(&event);
            let data = (event.previous.clone(), Arc::clone(&event.aggregate));
            let id = event.aggregate_id.clone();
            self.events.push(Event::new(id, record, Some(position), data.0, data.1));
        }
        self
    }

    /// Gives batches of so many events; all at once unless told.
    pub const fn by(mut self, events: NonZeroUsize) -> Self {
        self.batch = events;
        self
    }

    /// Gives each batch twice, as it comes after a crash. For a [`Projection`] that is at least once: what it made must
    /// be the same. For a [`TransactionalProjection`] the first transaction is rolled back: it must have kept nothing
    /// outside of it.
    pub const fn twice(mut self) -> Self {
        self.twice = true;
        self
    }

    /// Reads after the erasure of what was forgotten: each event of a life that has ended comes without its payload, as
    /// one that was rebuilt later sees it.
    pub const fn erased(mut self) -> Self {
        self.erased = true;
        self
    }

    /// Says of each batch that it [is replayed](Batch::is_replayed).
    pub const fn replayed(mut self) -> Self {
        self.replayed = true;
        self
    }

    /// Gives all to a projection, in the order of the log.
    ///
    /// # Errors
    /// The first [`HandlerError`]; an engine would try again, or put the event aside.
    ///
    /// # Cancel safety
    /// Dropped, it leaves what the projection has made until then.
    pub async fn hand_to<P>(self, projection: &P) -> Result<(), HandlerError>
    where
        P: Projection<Decode: Reads<A>>,
    {
        let entries = P::Decode::entries(&self);
        for entries in entries.chunks(self.batch.get()) {
            for _ in 0..=usize::from(self.twice) {
                projection.handle(Batch::new(entries, self.replayed)).await?;
            }
        }
        Ok(())
    }

    /// Gives all to a projection in transactions of a database, one for each batch. No checkpoint moves.
    ///
    /// # Errors
    /// The first [`HandlerError`], a transient one where a transaction cannot be begun or committed.
    ///
    /// # Cancel safety
    /// Dropped, it leaves what was committed until then.
    pub async fn hand_to_in<S, P>(self, transactions: &S, projection: &P) -> Result<(), HandlerError>
    where
        S: Transactions,
        P: TransactionalProjection<S::Transaction, Decode: Reads<A>>,
    {
        let entries = P::Decode::entries(&self);
        for entries in entries.chunks(self.batch.get()) {
            if self.twice {
                let mut lost = transactions.begin().await.map_err(HandlerError::transient)?;
                let batch = Batch::new(entries, self.replayed);
                projection.handle(&mut lost, batch).await?;
                drop(lost);
            }
            let mut transaction = transactions.begin().await.map_err(HandlerError::transient)?;
            let batch = Batch::new(entries, self.replayed);
            projection.handle(&mut transaction, batch).await?;
            let committed = transactions.commit(transaction).await;
            committed.map_err(HandlerError::transient)?;
        }
        Ok(())
    }

    /// As the log has it.
    fn log(&self) -> Vec<LogEvent> {
        let log = self.events.iter().zip(1..).map(|(event, number)| {
            let stream = StreamId::parse(A::CATEGORY, event.aggregate_id.as_str());
            LogEvent {
                position: Position::new([0, 0, number]),
                stream: stream.expect("an event is of a valid stream"),
                version: event.version,
                event_id: event.id,
                event_name: event.event_name.clone(),
                occurred_at: event.occurred_at,
                record: (!self.is_gone(event)).then(|| record(event).encode()),
            }
        });
        log.collect()
    }

    /// Whether nobody can read an event any more.
    fn is_gone(&self, event: &Event<A>) -> bool {
        let ends = |other: &&Event<A>| other.aggregate_id == event.aggregate_id && other.event_name.is_tombstone();
        let floor: Option<Version> = self.events.iter().filter(ends).map(|tombstone| tombstone.version).max();
        self.erased && Some(event.version) <= floor
    }
}

impl<A: Aggregate> Default for Given<A> {
    fn default() -> Self {
        Self::new()
    }
}

fn record<A>(event: &Event<A>) -> Record {
    Record::new(
        event.id,
        event.event_name.clone(),
        event.version,
        event.schema_version,
        event.occurred_at,
        Arc::clone(&event.metadata),
        event.patch.clone(),
    )
}

/// What a projection may read to be given events of an aggregate type: [`Typed`] or [`Untyped`].
pub trait Reads<A>: Decode + sealed::Sealed<A> {}

mod sealed {
    use std::sync::Arc;

    use super::Given;
    use crate::Decode;

    pub trait Sealed<A>: Decode {
        #[doc(hidden)]
        fn entries(given: &Given<A>) -> Vec<Arc<Self::Entry>>;
    }
}

impl<A: Aggregate> Reads<A> for Typed<A> {}

impl<A: Aggregate> sealed::Sealed<A> for Typed<A> {
    fn entries(given: &Given<A>) -> Vec<Arc<Entry<A>>> {
        let log = given.log();
        let entries = given.events.iter().zip(&log).map(|(event, row)| {
            let can_be_read = row.record.is_some() && !event.event_name.is_tombstone();
            Arc::new(match can_be_read {
                true => Entry::Event(event.clone()),
                false => Entry::Forgotten(Forgotten::from(row)),
            })
        });
        entries.collect()
    }
}

impl<A: Aggregate> Reads<A> for Untyped {}

impl<A: Aggregate> sealed::Sealed<A> for Untyped {
    fn entries(given: &Given<A>) -> Vec<Arc<LogEvent>> {
        given.log().into_iter().map(Arc::new).collect()
    }
}
