//! Commands through layers of tower.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and spawns where it stands"
)]

mod common;

use std::future::{Ready, ready};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use asynx::runtime::TokioRuntime;
use asynx::service::Request;
use asynx::store::MemoryStore;
use asynx::{Applied, Asynx, Error, Event, Expected, Options, Overflow, SendError, Store, TraceContext, Version};
use asynx_testkit::faults::{Fault, FaultPlan, FaultyStore, Rule};
use asynx_testkit::layers::{Call, GateStore, Side};
use common::{Order, Refused, To, add, cancel, create, orders, soon};
use tower::load_shed::error::Overloaded;
use tower::retry::Policy;
use tower::timeout::error::Elapsed;
use tower::util::BoxCloneService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

/// A command that can be sent again.
#[derive(Clone)]
struct Again(Arc<dyn Fn() -> To + Send + Sync>);

impl asynx::Command<Order> for Again {
    type Rejection = Refused;

    fn aggregate_id(&self) -> std::borrow::Cow<'_, str> {
        self.0().aggregate_id().into_owned().into()
    }

    fn event_name(&self) -> std::borrow::Cow<'_, str> {
        self.0().event_name().into_owned().into()
    }

    fn validate(&self, current: Option<&Order>) -> Result<(), Refused> {
        self.0().validate(current)
    }

    fn emit(&self, current: Option<&Order>) -> Order {
        self.0().emit(current)
    }
}

fn again(command: impl Fn() -> To + Send + Sync + 'static) -> Request<Again> {
    Request::new(Again(Arc::new(command)))
}

/// Tries so many times more, and counts.
#[derive(Clone)]
struct Attempts(u32, Arc<AtomicU32>);

impl<C: Clone> Policy<Request<C>, Event<Order>, BoxError> for Attempts {
    type Future = Ready<()>;

    fn retry(&mut self, request: &mut Request<C>, answer: &mut Result<Event<Order>, BoxError>) -> Option<Ready<()>> {
        let error = answer.as_ref().err()?;
        let safe = match error.downcast_ref::<SendError<Refused>>() {
            Some(error) => request.may_be_sent_again(error),
            None => request.is_keyed(),
        };
        self.0 = self.0.checked_sub(1)?;
        safe.then(|| {
            self.1.fetch_add(1, Ordering::Relaxed);
            ready(())
        })
    }

    fn clone_request(&mut self, request: &Request<C>) -> Option<Request<C>> {
        Some(request.clone())
    }
}

fn faulty(plan: FaultPlan) -> FaultyStore<MemoryStore> {
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    FaultyStore::new(MemoryStore::new(), plan, runtime)
}

/// Gives up at once.
async fn impatient(store: impl Store) -> Asynx<Order> {
    let mut options = Options::default();
    options.max_attempts = 1;
    // One look, and no second.
    options.settle_for = Duration::from_millis(1);
    Asynx::builder().store(store).options(options).build().await.unwrap()
}

#[tokio::test]
async fn a_request_carries_its_options() {
    let orders = orders(MemoryStore::new()).await;
    let service = orders.service::<To>();
    let request = Request::new(create("O-1"))
        .idempotency_key("req-1")
        .correlation("c")
        .user("u")
        .tenant("t")
        .trace(TraceContext::new("p").with_tracestate("s"))
        .metadata("a", "1");
    let event = soon(service.clone().oneshot(request)).await.unwrap();
    let metadata = &event.metadata;
    let texts = [
        &metadata.correlation_id,
        &metadata.user,
        &metadata.tenant,
        &metadata.traceparent,
        &metadata.tracestate,
    ];
    assert_eq!(texts.map(|text| text.as_deref().unwrap()), ["c", "u", "t", "p", "s"]);
    assert_eq!(metadata.extra["a"], "1");
    let same = Request::new(create("O-1")).idempotency_key("req-1");
    assert_eq!(soon(service.clone().oneshot(same)).await.unwrap().id, event.id);
    let unexpected = Request::new(add("O-1", 1)).expecting(Expected::Exactly(Version::new(7).unwrap()));
    let error = soon(service.clone().oneshot(unexpected)).await.unwrap_err();
    assert!(matches!(error, SendError::Failed(Error::Unexpected { .. })));

    let handled = Arc::new(AtomicU32::new(0));
    let handler = handled.clone();
    let counting = orders.subscribe("OrderGrown", move |_| {
        let handled = handler.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            handled.fetch_add(1, Ordering::Relaxed);
        }
    });
    counting.unwrap();
    soon(service.oneshot(Request::new(add("O-1", 1)).and_wait()))
        .await
        .unwrap();
    assert_eq!(handled.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn it_can_be_boxed_and_a_command_is_a_request() {
    let orders = orders(MemoryStore::new()).await;
    let boxed = BoxCloneService::new(orders.service::<To>());
    let event = soon(boxed.clone().oneshot(create("O-1").into())).await.unwrap();
    assert_eq!(event.version, Version::FIRST);
    let error = soon(boxed.oneshot(create("O-1").into())).await.unwrap_err();
    assert_eq!(error.rejection(), Some(&Refused("exists")));
}

#[tokio::test]
async fn what_timed_out_may_have_been_carried_out_and_a_key_tells() {
    let gated = GateStore::new(MemoryStore::new());
    let gate = gated.gate();
    let orders = orders(gated).await;
    let timeout = Duration::from_millis(30);
    let service = ServiceBuilder::new().timeout(timeout).service(orders.service::<To>());
    let request = || Request::new(create("O-1")).idempotency_key("req-1");
    gate.close(Side::Before, Call::AppendBatch);
    let error = soon(service.clone().oneshot(request())).await.unwrap_err();
    assert!(error.is::<Elapsed>(), "{error}");
    gate.open(Side::Before, Call::AppendBatch);
    let event = soon(service.clone().oneshot(request())).await.unwrap();
    assert_eq!(event.version, Version::FIRST);
    soon(service.oneshot(Request::new(add("O-1", 1)))).await.unwrap();
    let events = futures::StreamExt::count(orders.history("O-1"));
    assert_eq!(soon(events).await, 2);
}

#[tokio::test]
async fn only_what_is_safe_is_tried_again() {
    let failing = |fault| FaultPlan::seeded(1).with(Rule::nth(1, fault).on([Call::AppendBatch]));
    // The answer of the append is lost, and nobody can look for it.
    let lost = || {
        let plan = failing(Fault::FailAfter);
        faulty(plan.with(Rule::nth(1, Fault::FailBefore).on([Call::Heads])))
    };
    let with = |request: Request<Again>, store| async move {
        let tried = Arc::new(AtomicU32::new(0));
        let layers = ServiceBuilder::new()
            .retry(Attempts(3, tried.clone()))
            .map_err(BoxError::from);
        let orders = impatient(store).await;
        let answer = soon(layers.service(orders.service::<Again>()).oneshot(request)).await;
        (answer, tried.load(Ordering::Relaxed))
    };

    let (answer, tried) = with(again(|| create("O-1")), faulty(failing(Fault::FailBefore))).await;
    assert_eq!((answer.unwrap().version, tried), (Version::FIRST, 1));

    let (answer, tried) = with(again(|| cancel("O-1")), faulty(FaultPlan::seeded(1))).await;
    assert_eq!(
        (answer.unwrap_err().to_string(), tried),
        ("refused: missing".to_owned(), 0)
    );

    let (answer, tried) = with(again(|| create("")), faulty(FaultPlan::seeded(1))).await;
    assert!(answer.is_err() && tried == 0);

    let (answer, tried) = with(again(|| create("O-1")), lost()).await;
    let error = answer.unwrap_err();
    let error = error.downcast_ref::<SendError<Refused>>().unwrap();
    assert_eq!((error.applied(), tried), (Applied::Unknown, 0));

    let (answer, tried) = with(again(|| create("O-1")).idempotency_key("req-1"), lost()).await;
    assert_eq!((answer.unwrap().version, tried > 0), (Version::FIRST, true));
}

#[tokio::test]
async fn a_timeout_within_a_retry_is_safe_with_a_key() {
    let gated = GateStore::new(MemoryStore::new());
    let gate = gated.gate();
    let orders = orders(gated).await;
    let tried = Arc::new(AtomicU32::new(0));
    let service = ServiceBuilder::new()
        .retry(Attempts(100, tried.clone()))
        .timeout(Duration::from_millis(20))
        .service(orders.service::<Again>());
    gate.close(Side::Before, Call::AppendBatch);
    let unkeyed = soon(service.clone().oneshot(again(|| create("O-0")))).await;
    assert!(unkeyed.unwrap_err().is::<Elapsed>());
    assert_eq!(tried.load(Ordering::Relaxed), 0);
    let keyed = tokio::spawn(service.oneshot(again(|| create("O-1")).idempotency_key("req-1")));
    soon(async {
        while tried.load(Ordering::Relaxed) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    gate.open(Side::Before, Call::AppendBatch);
    assert_eq!(soon(keyed).await.unwrap().unwrap().version, Version::FIRST);
    assert_eq!(soon(futures::StreamExt::count(orders.history("O-1"))).await, 1);
}

#[tokio::test]
async fn load_is_shed_above_a_concurrency_limit() {
    let gated = GateStore::new(MemoryStore::new());
    let gate = gated.gate();
    let orders = orders(gated).await;
    let mut service = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .service(orders.service::<To>());
    gate.close(Side::Before, Call::AppendBatch);
    let held = soon(service.ready()).await.unwrap().call(create("O-1").into());
    let held = tokio::spawn(held);
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    let error = soon(soon(service.ready()).await.unwrap().call(create("O-2").into())).await;
    assert!(error.unwrap_err().is::<Overloaded>());
    gate.open(Side::Before, Call::AppendBatch);
    soon(held).await.unwrap().unwrap();
    soon(soon(service.ready()).await.unwrap().call(create("O-3").into()))
        .await
        .unwrap();
    assert!(!soon(orders.exists("O-2")).await.unwrap());
}

#[tokio::test]
async fn a_rate_limit_spreads_commands() {
    let orders = orders(MemoryStore::new()).await;
    let period = Duration::from_millis(40);
    let mut service = ServiceBuilder::new()
        .rate_limit(1, period)
        .service(orders.service::<To>());
    let began = began();
    for number in 0..3 {
        let command = create(format!("O-{number}"));
        soon(soon(service.ready()).await.unwrap().call(command.into()))
            .await
            .unwrap();
    }
    assert!(began.elapsed() >= 2 * period);
}

fn began() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn a_full_queue_is_told_with_the_answer_and_a_shutdown_before() {
    let gated = GateStore::new(MemoryStore::new());
    let gate = gated.gate();
    let one = NonZeroUsize::MIN;
    let builder = Asynx::<Order>::builder().store(gated).shards(one);
    let orders = builder.queue(one, Overflow::Reject).build().await.unwrap();
    let mut service = orders.service::<To>();
    gate.close(Side::Before, Call::AppendBatch);
    let appended = tokio::spawn(soon(service.ready()).await.unwrap().call(create("O-1").into()));
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    let mut queued = service.call(create("O-2").into());
    assert!(futures::poll!(&mut queued).is_pending());
    let full = soon(service.call(create("O-3").into())).await.unwrap_err();
    assert!(matches!(full, SendError::Failed(Error::QueueFull { depth: 1 })));
    assert!(Request::new(create("O-3")).may_be_sent_again(&full));
    gate.open(Side::Before, Call::AppendBatch);
    soon(appended).await.unwrap().unwrap();
    soon(queued).await.unwrap();
    soon(service.ready()).await.unwrap();
    soon(orders.shutdown(Duration::from_secs(5))).await.unwrap();
    let closed = soon(service.ready()).await.err().unwrap();
    assert!(matches!(closed, SendError::Failed(Error::ShuttingDown)));
    assert!(!Request::new(create("O-4")).may_be_sent_again(&closed));
}
