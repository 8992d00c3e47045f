use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use asynx_bus::InProcessBus;
use asynx_core::bus::{Delivery, Handler, Hooks, Pattern, Subscription, SubscriptionId, SubscriptionOptions, Target};
use asynx_core::bus::{handler, listener};
use asynx_core::{Aggregate, AggregateId, Ancestry, Bus, Event, EventId, EventName, Metadata, Record, Runtime};
use asynx_core::{SchemaVersion, Timestamp, Version};
use asynx_runtime::{SmolRuntime, TokioRuntime};
use futures::channel::{mpsc, oneshot};
use futures::executor::block_on;
use futures::future::{self, BoxFuture, Either};
use futures::{FutureExt, StreamExt};
use serde::{Deserialize, Serialize};

/// How long a test may take. None comes near it.
const BOUND: Duration = Duration::from_secs(30);

/// What the tests' events are about.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Thing {
    #[serde(skip)]
    pub(crate) panics_in_drop: bool,
}

impl Aggregate for Thing {
    const CATEGORY: &'static str = "thing";
}

impl Drop for Thing {
    fn drop(&mut self) {
        assert!(!self.panics_in_drop, "a drop's panic that the test wants");
    }
}

/// A bus, and what its hooks were told.
pub(crate) struct Stage {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) bus: Arc<InProcessBus<Thing>>,
    pub(crate) told: mpsc::UnboundedReceiver<Told>,
    pub(crate) stop: Stop,
}

/// What the hook was told: of which event of which subscription, and how it failed.
pub(crate) type Told = (String, SubscriptionId, String);

/// Stops the runtime when it is dropped.
pub(crate) struct Stop(Option<Box<dyn FnOnce()>>);

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some(stop) = self.0.take() {
            stop();
        }
    }
}

/// Makes tests of functions, on every runtime.
macro_rules! on_every_runtime {
    ($($test:ident),* $(,)?) => {
        $(mod $test {
            #[test]
            fn tokio() {
                $crate::stage::Stage::tokio().run(super::$test);
            }

            #[test]
            fn smol() {
                $crate::stage::Stage::smol().run(super::$test);
            }
        })*
    };
}
pub(crate) use on_every_runtime;

impl Stage {
    pub(crate) fn tokio() -> Self {
        let tokio = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let runtime = Arc::new(TokioRuntime::new(tokio.handle().clone()));
        Self::new(runtime, Stop(Some(Box::new(move || tokio.shutdown_background()))))
    }

    pub(crate) fn smol() -> Self {
        let executor = Arc::new(smol::Executor::new());
        let mut stops = Vec::new();
        for _ in 0..2 {
            let executor = Arc::clone(&executor);
            let (stop, stopped) = oneshot::channel::<()>();
            stops.push(stop);
            std::thread::spawn(move || {
                let _ = smol::block_on(executor.run(stopped));
            });
        }
        let runtime = Arc::new(SmolRuntime::with_executor(executor));
        Self::new(runtime, Stop(Some(Box::new(move || drop(stops)))))
    }

    fn new(runtime: Arc<dyn Runtime>, stop: Stop) -> Self {
        let (tell, told) = mpsc::unbounded();
        let hooks = Hooks::default().on_handler_failure(move |event: &Event<Thing>, id, failure| {
            let _ = tell.unbounded_send((label(event), id, failure.to_string()));
            // A hook that panics harms nobody.
            panic!("a hook's panic that the test wants");
        });
        let bus = Arc::new(InProcessBus::new(Arc::clone(&runtime), hooks));
        Self {
            runtime,
            bus,
            told,
            stop,
        }
    }

    /// Runs a test, within the bound.
    pub(crate) fn run(self, test: impl AsyncFnOnce(Self)) {
        let sleep = self.runtime.sleep(BOUND);
        let test = std::pin::pin!(test(self));
        match block_on(future::select(test, sleep)) {
            Either::Left(((), _)) => {}
            Either::Right(_) => panic!("the test did not end in time"),
        }
    }

    pub(crate) fn subscribe(&self, pattern: &str, handler: Handler<Thing>) -> SubscriptionId {
        self.subscribe_with(pattern, handler, |_| {})
    }

    pub(crate) fn subscribe_with(
        &self,
        pattern: &str,
        handler: Handler<Thing>,
        change: impl FnOnce(&mut SubscriptionOptions<Thing>),
    ) -> SubscriptionId {
        let mut options = SubscriptionOptions::default();
        change(&mut options);
        self.bus
            .subscribe(to(pattern, Target::Handler(handler), options))
            .unwrap()
    }

    /// Publishes `label`: the aggregate and the version, such as `a1`, under a name.
    pub(crate) fn publish(&self, label: &str) {
        self.bus.publish(event(label)).unwrap();
    }

    pub(crate) fn publish_tracked(&self, label: &str) -> Delivery {
        self.bus.publish_tracked(event(label)).unwrap()
    }

    /// What the hook was told next.
    pub(crate) async fn told(&mut self) -> Told {
        self.told.next().await.unwrap()
    }

    pub(crate) fn nothing_told(&mut self) {
        if let Ok(told) = self.told.try_recv() {
            panic!("the hook was told {told:?}");
        }
    }
}

pub(crate) fn to(pattern: &str, target: Target<Thing>, options: SubscriptionOptions<Thing>) -> Subscription<Thing> {
    Subscription {
        pattern: Pattern::parse(pattern).unwrap(),
        target,
        options,
    }
}

/// A stream's subscription, and the stream.
pub(crate) fn stream(
    pattern: &str,
    count: Option<usize>,
    options: SubscriptionOptions<Thing>,
) -> (Subscription<Thing>, asynx_core::bus::Listener<Thing>) {
    let (feed, listener) = listener(count);
    (to(pattern, Target::Stream(feed), options), listener)
}

/// The event of a label such as `a1`: version 1 of the aggregate `a`, by the name `Made`.
pub(crate) fn event(label: &str) -> Event<Thing> {
    named("Made", label)
}

pub(crate) fn named(name: &str, label: &str) -> Event<Thing> {
    event_of(EventName::parse(name).unwrap(), label, Thing::default())
}

pub(crate) fn tombstone(label: &str) -> Event<Thing> {
    event_of(EventName::tombstone(), label, Thing::default())
}

pub(crate) fn event_of(name: EventName, label: &str, thing: Thing) -> Event<Thing> {
    let (aggregate, version) = label.split_at(1);
    let id = label.bytes().fold(0, |id, byte| id << 8 | u128::from(byte));
    let record = Record::new(
        EventId::from_uuid(uuid_of(id)),
        name,
        Version::new(version.parse().unwrap()).unwrap(),
        SchemaVersion::new(1).unwrap(),
        Timestamp::UNIX_EPOCH,
        Arc::new(Metadata::default()),
        bytes::Bytes::from_static(b"[]"),
    );
    Event::new(
        AggregateId::parse(aggregate).unwrap(),
        record,
        None,
        None,
        Arc::new(thing),
    )
}

fn uuid_of(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

pub(crate) fn label(event: &Event<Thing>) -> String {
    format!("{}{}", event.aggregate_id, event.version)
}

/// One call of a staged handler. It goes on when the test answers; dropped, it succeeds.
pub(crate) struct Call {
    pub(crate) event: Event<Thing>,
    answer: oneshot::Sender<Result<(), String>>,
}

impl Call {
    pub(crate) fn label(&self) -> String {
        label(&self.event)
    }

    pub(crate) fn end(self) {
        let _ = self.answer.send(Ok(()));
    }

    pub(crate) fn fail(self, why: &str) {
        let _ = self.answer.send(Err(why.to_owned()));
    }

    /// Waits until the handler's future was dropped.
    pub(crate) async fn dropped(mut self) {
        self.answer.cancellation().await;
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.answer.is_canceled()
    }
}

/// The calls of a staged handler, in their order.
pub(crate) struct Calls(mpsc::UnboundedReceiver<Call>);

impl Calls {
    pub(crate) async fn next(&mut self) -> Call {
        self.0.next().await.expect("the handler lives")
    }

    /// The next calls, in any order.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<Call> {
        let mut calls = Vec::new();
        while calls.len() < count {
            calls.push(self.next().await);
        }
        calls.sort_by_key(Call::label);
        calls
    }

    /// Fails when there is a call. What might have made one must be over.
    pub(crate) fn none(&mut self) {
        if let Ok(call) = self.0.try_recv() {
            panic!("the handler was called with {}", call.label());
        }
    }

    /// Waits until the handler itself was dropped, with the subscription.
    pub(crate) async fn gone(&mut self) {
        if let Some(call) = self.0.next().await {
            panic!("the handler was called with {}", call.label());
        }
    }
}

/// A handler whose calls the test answers.
pub(crate) fn staged() -> (Handler<Thing>, Calls) {
    let (called, calls) = mpsc::unbounded();
    let handler = handler(move |event: Event<Thing>| {
        let called = called.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            let _ = called.unbounded_send(Call { event, answer });
            drop(called);
            answered.await.unwrap_or(Ok(()))
        }
    });
    (handler, Calls(calls))
}

/// A handler that blocks its thread until the sender is dropped, and tells when it began.
pub(crate) fn blocking() -> (Handler<Thing>, mpsc::UnboundedReceiver<()>, std::sync::mpsc::Sender<()>) {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let (begun, begin) = mpsc::unbounded();
    let handler = handler(move |_: Event<Thing>| {
        let _ = begun.unbounded_send(());
        let _ = blocked.lock().unwrap().recv();
        future::ready(())
    });
    (handler, begin, release)
}

/// A handler that only notes what it is given.
pub(crate) fn noting() -> (Handler<Thing>, mpsc::UnboundedReceiver<String>) {
    let (note, notes) = mpsc::unbounded();
    let handler = handler(move |event: Event<Thing>| {
        let _ = note.unbounded_send(label(&event));
        future::ready(())
    });
    (handler, notes)
}

/// What was noted so far.
pub(crate) fn noted(notes: &mut mpsc::UnboundedReceiver<String>) -> Vec<String> {
    std::iter::from_fn(|| notes.try_recv().ok()).collect()
}

/// Whether a future is not ready; it is polled once.
pub(crate) fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    future.now_or_never().is_none()
}

/// Waits for a delivery from outside of any handler.
pub(crate) async fn ended(delivery: Delivery) {
    delivery.wait(&Ancestry::default()).await;
}

/// Polls a future, does what wakes it, and polls it once more when it was woken. Whether it has ended.
pub(crate) async fn ends_when_woken<T>(future: &mut BoxFuture<'_, T>, wake: impl FnOnce()) -> bool {
    let mut wake = Some(wake);
    future::poll_fn(|cx| match (future.as_mut().poll(cx), wake.take()) {
        (Poll::Ready(_), _) => Poll::Ready(true),
        (Poll::Pending, None) => Poll::Ready(false),
        (Poll::Pending, Some(wake)) => {
            wake();
            Poll::Pending
        }
    })
    .await
}
