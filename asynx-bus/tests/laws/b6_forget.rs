use std::sync::{Arc, OnceLock};

use asynx_core::bus::{HandlerFailure, SubscriptionId, handler};
use asynx_core::{Ancestry, Bus, BusError, Context, Event};
use futures::channel::mpsc;
use futures::{FutureExt, StreamExt};

use crate::stage::{Stage, Thing, is_pending, noted, noting, on_every_runtime, staged, tombstone};

on_every_runtime!(
    runs_after_every_queue_has_finished_the_aggregate,
    waits_for_no_other_aggregate,
    waits_for_what_an_unsubscribed_handler_still_runs,
    runs_at_once_where_nothing_is_queued,
    all_run_and_the_first_failure_is_returned,
    forget_handlers_can_be_unsubscribed,
    from_inside_a_handler_of_that_aggregate,
    from_inside_a_handler_by_a_task_of_its_own,
    from_inside_a_handler_with_another_ancestry,
    a_new_life_waits_for_the_forget_handlers,
);

async fn runs_after_every_queue_has_finished_the_aggregate(stage: Stage) {
    let (first, mut to_first) = staged();
    let (second, mut to_second) = staged();
    let (fallback, mut fallbacks) = staged();
    let (forgets, mut to_forget) = staged();
    stage.subscribe("Made", first);
    stage.subscribe_with("Made", second, |options| options.fallback = Some(fallback));
    stage.bus.on_forget(forgets).unwrap();
    stage.publish("a1");
    stage.publish("a2");
    let mut forgotten = stage.bus.forget(tombstone("a3"));
    assert!(is_pending(&mut forgotten));
    to_first.next().await.end();
    to_first.next().await.end();
    to_second.next().await.end();
    to_second.next().await.fail("as the test wants");
    let last = fallbacks.next().await;
    assert!(is_pending(&mut forgotten));
    to_forget.none();
    last.end();
    let answer = async {
        let call = to_forget.next().await;
        assert_eq!(call.label(), "a3");
        call.end();
    };
    let (forgotten, ()) = futures::future::join(forgotten, answer).await;
    forgotten.unwrap();
}

async fn waits_for_no_other_aggregate(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe_with("Made", handler, |options| {
        options.concurrency = std::num::NonZeroUsize::MIN
    });
    stage.publish("a1");
    stage.publish("b1");
    let _stuck = calls.next().await;
    stage.bus.forget(tombstone("c1")).await.unwrap();
}

async fn waits_for_what_an_unsubscribed_handler_still_runs(stage: Stage) {
    let (handler, mut calls) = staged();
    let id = stage.subscribe("Made", handler);
    stage.publish("a1");
    stage.publish("a2");
    let running = calls.next().await;
    let mut before = stage.bus.forget(tombstone("a3"));
    assert!(is_pending(&mut before));
    stage.bus.unsubscribe(id).unwrap();
    assert!(is_pending(&mut before));
    let mut after = stage.bus.forget(tombstone("a3"));
    assert!(is_pending(&mut after));
    let mut idle = stage.bus.idle();
    assert!(is_pending(&mut idle));
    running.end();
    before.await.unwrap();
    after.await.unwrap();
    idle.await;
}

async fn runs_at_once_where_nothing_is_queued(stage: Stage) {
    let (handler, _calls) = staged();
    stage.subscribe("Made", handler);
    let (forgets, mut notes) = noting();
    stage.bus.on_forget(forgets).unwrap();
    stage.bus.forget(tombstone("a1")).now_or_never().unwrap().unwrap();
    assert_eq!(noted(&mut notes), ["a1"]);
}

async fn all_run_and_the_first_failure_is_returned(mut stage: Stage) {
    let bus = Arc::clone(&stage.bus);
    let (good, mut notes) = noting();
    stage.bus.on_forget(Arc::clone(&good)).unwrap();
    let (slow, mut to_slow) = staged();
    let slow = stage.bus.on_forget(slow).unwrap();
    let fails = stage
        .bus
        .on_forget(handler(async |_: Event<Thing>| Err::<(), _>("the second failure")))
        .unwrap();
    let panics = stage
        .bus
        .on_forget(Arc::new(|_| panic!("a panic that the test wants")))
        .unwrap();
    stage.bus.on_forget(good).unwrap();
    let forget = async {
        let error = bus.forget(tombstone("a1")).await.unwrap_err();
        let BusError::ForgetHandler { subscription, failure } = error else {
            panic!("another error: {error}");
        };
        assert_eq!(subscription, slow);
        assert!(matches!(&*failure, HandlerFailure::Failed(error) if error.to_string() == "the first failure"));
    };
    // It is the last one to fail, and the first one of those that failed.
    let answer = async { to_slow.next().await.fail("the first failure") };
    futures::future::join(forget, answer).await;
    assert_eq!(noted(&mut notes), ["a1", "a1"]);
    let told = |id, failure: &str| ("a1".to_owned(), id, failure.to_owned());
    assert_eq!(stage.told().await, told(fails, "the second failure"));
    assert_eq!(
        stage.told().await,
        told(panics, "panicked: a panic that the test wants")
    );
    assert_eq!(stage.told().await, told(slow, "the first failure"));
    stage.nothing_told();
}

async fn forget_handlers_can_be_unsubscribed(stage: Stage) {
    let (first, mut to_first) = noting();
    let (second, mut to_second) = noting();
    let first = stage.bus.on_forget(first).unwrap();
    let second = stage.bus.on_forget(second).unwrap();
    assert_ne!(first, second);
    stage.bus.unsubscribe(first).unwrap();
    assert!(stage.bus.unsubscribe(first).is_err());
    stage.bus.forget(tombstone("a1")).await.unwrap();
    assert_eq!(noted(&mut to_first), [""; 0]);
    assert_eq!(noted(&mut to_second), ["a1"]);
}

/// A handler that forgets its own aggregate, and tells how that went.
async fn forgets_inside(stage: &Stage, ancestry: bool) {
    let (tell, mut told) = mpsc::unbounded();
    let bus = Arc::downgrade(&stage.bus);
    let runtime = Arc::clone(&stage.runtime);
    let forgets = handler(move |event: Event<Thing>| {
        let (bus, runtime, tell) = (bus.upgrade().unwrap(), Arc::clone(&runtime), tell.clone());
        async move {
            let mut tombstone = tombstone("a9");
            if !ancestry {
                tell.unbounded_send(bus.forget(tombstone).await.is_ok()).unwrap();
                return;
            }
            // As the processor does it: elsewhere, with the ancestry of who waits.
            tombstone = tombstone.with_ancestry(event.ancestry().clone());
            let (done, ended) = futures::channel::oneshot::channel();
            runtime.spawn(Box::pin(async move {
                let _ = done.send(bus.forget(tombstone).await.is_ok());
            }));
            tell.unbounded_send(ended.await.unwrap()).unwrap();
        }
    });
    let (bystander, mut calls) = staged();
    stage.subscribe("Made", bystander);
    stage.subscribe("Made", forgets);
    let (forgets, mut notes) = noting();
    stage.bus.on_forget(forgets).unwrap();
    stage.publish("a1");
    let call = calls.next().await;
    assert!(told.try_recv().is_err(), "the other subscription is waited for");
    call.end();
    assert_eq!(told.next().await, Some(true));
    assert_eq!(noted(&mut notes), ["a9"]);
    stage.bus.idle().await;
}

async fn from_inside_a_handler_of_that_aggregate(stage: Stage) {
    forgets_inside(&stage, false).await;
}

async fn from_inside_a_handler_by_a_task_of_its_own(stage: Stage) {
    forgets_inside(&stage, true).await;
}

async fn from_inside_a_handler_with_another_ancestry(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe("Made", handler);
    stage.publish("a1");
    let running = calls.next().await;
    let others = Ancestry::default().child(SubscriptionId::new(u64::MAX));
    let forget = stage.bus.forget(tombstone("a2").with_ancestry(others));
    running.event.context().scope(forget).await.unwrap();
    assert!(!running.is_dropped());
}

async fn a_new_life_waits_for_the_forget_handlers(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe("Made", handler);
    let (forgets, mut to_forget) = staged();
    stage.bus.on_forget(forgets).unwrap();
    stage.publish("a1");
    let first = calls.next().await;
    let mut forgotten = stage.bus.forget(tombstone("a2"));
    assert!(is_pending(&mut forgotten));
    stage.publish("a3");
    stage.publish("b1");
    first.end();
    let answer = async {
        let forget = to_forget.next().await;
        assert_eq!(calls.next().await.label(), "b1");
        calls.none();
        forget.end();
        assert_eq!(calls.next().await.label(), "a3");
    };
    let (forgotten, ()) = futures::future::join(forgotten, answer).await;
    forgotten.unwrap();
}

#[test]
fn a_forget_handler_runs_in_the_context_of_the_tombstone() {
    Stage::tokio().run(async |stage: Stage| {
        let seen: Arc<OnceLock<(String, bool)>> = Arc::default();
        let own: Arc<OnceLock<SubscriptionId>> = Arc::default();
        let (see, id) = (Arc::clone(&seen), Arc::clone(&own));
        let forgets = handler(move |event: Event<Thing>| {
            let (see, id) = (Arc::clone(&see), Arc::clone(&id));
            async move {
                let mut metadata = asynx_core::Metadata::default();
                let context = Context::current().unwrap();
                context.inherit(&mut metadata);
                let within = [context.ancestry(), event.ancestry()].map(|one| one.contains(*id.get().unwrap()));
                see.set((metadata.causation_id.unwrap(), within == [true, true]))
                    .unwrap();
            }
        });
        own.set(stage.bus.on_forget(forgets).unwrap()).unwrap();
        let tombstone = tombstone("a1");
        let id = tombstone.id.to_string();
        stage.bus.forget(tombstone).await.unwrap();
        assert_eq!(seen.get(), Some(&(id, true)));
    });
}
