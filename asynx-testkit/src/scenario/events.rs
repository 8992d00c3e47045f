use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::bus::HandlerOutput;
use asynx_core::patch::{Json, Tape};
use asynx_core::{Aggregate, AggregateId, Command, Event, EventId, EventName, Metadata, Position, Record};
use asynx_core::{SchemaVersion, StreamId, Timestamp, Version};
use bytes::Bytes;
use futures::executor::block_on;

use super::life::Life;
use super::run::{Happened, Ran, run};
use super::start::or_panic;

/// 2025-01-01T00:00:00Z.
const BEGINNING: Timestamp = Timestamp::from_micros(1_735_689_600_000_000);

/// Real events of one aggregate, to give to a handler: versions, states before and after, patches, metadata.
///
/// All of it is the same on every run: the first event happened at the beginning of 2025, each other one a second
/// after the one before it, ids come from the aggregate's id and the version, and so do positions.
///
/// ```
/// # use std::borrow::Cow;
/// # use std::sync::Mutex;
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Order { total: u64 }
/// # impl asynx_core::Aggregate for Order { const CATEGORY: &'static str = "order"; }
/// # struct CreateOrder { id: &'static str, total: u64 }
/// # impl asynx_core::Command<Order> for CreateOrder {
/// #     type Rejection = std::convert::Infallible;
/// #     fn aggregate_id(&self) -> Cow<'_, str> { self.id.into() }
/// #     fn event_name(&self) -> Cow<'_, str> { "OrderCreated".into() }
/// #     fn validate(&self, _: Option<&Order>) -> Result<(), Self::Rejection> { Ok(()) }
/// #     fn emit(&self, _: Option<&Order>) -> Order { Order { total: self.total } }
/// # }
/// use asynx_testkit::scenario::Events;
///
/// let revenue = Mutex::new(0);
/// Events::<Order>::of("ORD-1")
///     .metadata(|metadata| metadata.user = Some("ada".to_owned()))
///     .command(CreateOrder { id: "ORD-1", total: 12 })
///     .state("OrderDiscounted", Order { total: 10 })
///     .hand_to(|event| {
///         *revenue.lock().unwrap() += event.aggregate.total;
///         *revenue.lock().unwrap() -= event.previous.as_ref().map_or(0, |order| order.total);
///         std::future::ready(())
///     });
/// assert_eq!(*revenue.lock().unwrap(), 10);
/// ```
#[must_use = "events do nothing until a handler is given them"]
pub struct Events<A> {
    life: Life<A>,
    id: AggregateId,
    metadata: Arc<Metadata>,
    events: Vec<Event<A>>,
}

impl<A: Aggregate> Events<A> {
    /// No events yet, of this aggregate.
    ///
    /// # Panics
    /// On what is no [`AggregateId`].
    #[track_caller]
    pub fn of(aggregate_id: &str) -> Self {
        let id = or_panic(AggregateId::parse(aggregate_id).map_err(|error| error.to_string()));
        Self {
            life: Life {
                id: Some(id.clone()),
                ..Life::default()
            },
            id,
            metadata: Arc::default(),
            events: Vec::new(),
        }
    }

    /// Changes the metadata of the events that follow.
    pub fn metadata(mut self, change: impl FnOnce(&mut Metadata)) -> Self {
        change(Arc::make_mut(&mut self.metadata));
        self
    }

    /// This command succeeded.
    ///
    /// # Panics
    /// When it is rejected, is for another aggregate, or does not keep its [duties](super).
    #[track_caller]
    pub fn command<C: Command<A>>(self, command: C) -> Self {
        let ran = or_panic(run(self.life.clone(), &command));
        self.happened(ran)
    }

    /// An event by this name led to this state, whatever command that was.
    ///
    /// # Panics
    /// On what is no [`EventName`], and when the state cannot be stored.
    #[track_caller]
    pub fn state(self, event_name: &str, state: A) -> Self {
        let command = Became {
            id: self.id.as_str().to_owned(),
            event_name: event_name.to_owned(),
            state: or_panic(Tape::of(&state).map_err(|error| error.to_string())).to_json(),
        };
        self.command(command)
    }

    /// The aggregate was forgotten, as forget handlers are told. What follows is a new life.
    ///
    /// # Panics
    /// When there is nothing to forget.
    #[track_caller]
    pub fn forgotten(mut self) -> Self {
        let Some(last) = self.life.state.clone() else {
            panic!("there is no {} {} to forget", A::CATEGORY, self.id);
        };
        self.push(EventName::tombstone(), b"[]".to_vec(), Some(last.clone()), last);
        self.life = Life {
            id: Some(self.id.clone()),
            ..Life::default()
        };
        self
    }

    /// The events, in version order.
    #[must_use]
    pub fn build(self) -> Vec<Event<A>> {
        self.events
    }

    /// Calls a handler with each event in turn, inside of the event's [context](Event::context), and waits for it.
    ///
    /// # Panics
    /// When the handler panics or returns an error.
    #[track_caller]
    pub fn hand_to<Fut>(self, mut call: impl FnMut(Event<A>) -> Fut)
    where
        Fut: Future,
        Fut::Output: HandlerOutput,
    {
        for event in self.events {
            let context = event.context();
            let future = context.enter(|| Box::pin(call(event.clone())));
            if let Err(error) = block_on(context.scope(future)).into_result() {
                panic!("the handler failed on {} {}: {error}", event.event_name, event.version);
            }
        }
    }

    #[track_caller]
    fn happened<R: std::error::Error>(mut self, ran: Ran<A, R>) -> Self {
        let Happened { patch, after, .. } = match ran.answer {
            Ok(happened) => happened,
            Err(rejection) => panic!("{} on {} was rejected: {rejection}", ran.name, self.id),
        };
        let state = after.state.clone().expect("a command leads to a state");
        self.push(ran.name, patch.to_vec(), ran.before.state, state);
        self.life = after;
        self
    }

    fn push(&mut self, name: EventName, patch: Vec<u8>, previous: Option<Arc<A>>, state: Arc<A>) {
        let number = self.events.len() as u64 + 1;
        let stream = StreamId::parse(A::CATEGORY, self.id.as_str());
        let stream = or_panic(stream.map_err(|error| error.to_string()));
        let seconds = Duration::from_secs(number - 1).as_micros();
        let record = Record::new(
            EventId::from_key(&stream, &number.to_string()),
            name,
            Version::new(number).expect("it is counted from 1"),
            SchemaVersion::FIRST,
            Timestamp::from_micros(BEGINNING.as_micros() + i64::try_from(seconds).unwrap_or(i64::MAX / 2)),
            Arc::clone(&self.metadata),
            Bytes::from(patch),
        );
        let position = Some(Position::new([0, 0, number]));
        let event = Event::new(self.id.clone(), record, position, previous, state);
        self.events.push(event);
    }
}

impl<A> IntoIterator for Events<A> {
    type Item = Event<A>;
    type IntoIter = std::vec::IntoIter<Event<A>>;

    fn into_iter(self) -> Self::IntoIter {
        self.events.into_iter()
    }
}

impl<A> fmt::Debug for Events<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.events).finish()
    }
}

/// Leads to a state, whatever was before.
struct Became {
    id: String,
    event_name: String,
    state: Json,
}

impl<A: Aggregate> Command<A> for Became {
    type Rejection = NotRead;

    fn aggregate_id(&self) -> std::borrow::Cow<'_, str> {
        (&self.id).into()
    }

    fn event_name(&self) -> std::borrow::Cow<'_, str> {
        (&self.event_name).into()
    }

    fn validate(&self, _: Option<&A>) -> Result<(), NotRead> {
        match self.state.deserialize::<A>() {
            Ok(_) => Ok(()),
            Err(error) => Err(NotRead(error.to_string())),
        }
    }

    fn emit(&self, _: Option<&A>) -> A {
        self.state.deserialize().expect("validate has read it")
    }
}

/// The state cannot be read back.
#[derive(Debug)]
struct NotRead(String);

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the state cannot be read back: {}", self.0)
    }
}

impl std::error::Error for NotRead {}
