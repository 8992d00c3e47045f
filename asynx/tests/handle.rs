//! The handle: subscriptions, streams, hooks, forget handlers, building.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and spawns where it stands"
)]

mod common;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asynx::store::MemoryStore;
use asynx::{Asynx, BuildError, BusError, Error, Event, HandlerFailure, InvalidPattern, topic};
use common::{Order, add, cancel, create, orders, soon};
use futures::StreamExt;

type Seen = Arc<Mutex<Vec<String>>>;

fn seen(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap().clone()
}

async fn note(seen: Seen, event: Event<Order>) {
    let text = format!("{} {} {}", event.event_name, event.aggregate_id, event.version);
    seen.lock().unwrap().push(text);
}

#[tokio::test]
async fn a_pattern_must_match_the_whole_name() {
    let orders = orders(MemoryStore::new()).await;
    let (all, created, none) = (Seen::default(), Seen::default(), Seen::default());
    orders.subscribe_with("Order.*", all.clone(), note).unwrap();
    orders
        .subscribe_with("Order(Created|Cancelled)", created.clone(), note)
        .unwrap();
    orders.subscribe_with("rder.*|Order", none.clone(), note).unwrap();
    soon(orders.send(create("O-1"))).await.unwrap();
    soon(orders.send(add("O-1", 1))).await.unwrap();
    soon(orders.send(cancel("O-1"))).await.unwrap();
    soon(orders.idle()).await;
    assert_eq!(
        seen(&all),
        ["OrderCreated O-1 1", "OrderGrown O-1 2", "OrderCancelled O-1 3"]
    );
    assert_eq!(seen(&created), ["OrderCreated O-1 1", "OrderCancelled O-1 3"]);
    assert!(seen(&none).is_empty());
}

#[tokio::test]
async fn an_invalid_pattern_is_an_error_at_subscribe() {
    let orders = orders(MemoryStore::new()).await;
    let subscribe = |pattern| orders.subscribe(pattern, |_| async {}).unwrap_err();
    assert!(matches!(subscribe(""), BusError::InvalidPattern(InvalidPattern::Empty)));
    let text = subscribe("*").to_string();
    assert!(text.contains("\"*\"") && text.contains("topic(\"*\")"), "{text}");
    assert!(subscribe("Order(").to_string().contains("Order("));
    assert!(matches!(
        orders.listen("", None),
        Err(BusError::InvalidPattern(InvalidPattern::Empty))
    ));
}

#[tokio::test]
async fn and_wait_answers_after_the_handlers() {
    let orders = orders(MemoryStore::new()).await;
    let done = Seen::default();
    let slow = done.clone();
    orders
        .subscribe("Order.*", move |event| {
            let done = slow.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                note(done, event).await;
            }
        })
        .unwrap();
    soon(orders.send(create("O-1")).and_wait()).await.unwrap();
    assert_eq!(seen(&done), ["OrderCreated O-1 1"]);
}

#[tokio::test]
async fn a_handler_may_send_to_its_own_aggregate_and_wait() {
    let orders = orders(MemoryStore::new()).await;
    let (inner, caused) = (orders.clone(), Seen::default());
    let causes = caused.clone();
    // It matches the events of its own commands: waiting for their handlers would be waiting for itself.
    orders
        .subscribe("Order.*", move |event: Event<Order>| {
            let (orders, causes) = (inner.clone(), causes.clone());
            async move {
                if event.event_name != "OrderCreated" {
                    return Ok(());
                }
                let grown = orders.send(add(event.aggregate_id.as_str(), 5)).and_wait().await?;
                // The same where the context does not reach by itself.
                let cancelling = orders
                    .send(cancel(event.aggregate_id.as_str()))
                    .caused_by(&event)
                    .and_wait();
                let cancelled = tokio::spawn(cancelling).await.unwrap()?;
                for effect in [grown, cancelled] {
                    assert_eq!(effect.metadata.causation_id, Some(event.id.to_string()));
                    causes.lock().unwrap().extend(effect.metadata.correlation_id.clone());
                }
                Ok::<(), asynx::SendError<common::Refused>>(())
            }
        })
        .unwrap();
    let first = soon(orders.send(create("O-1")).and_wait()).await.unwrap();
    soon(orders.send(create("O-2")).correlation("c-1").and_wait())
        .await
        .unwrap();
    let id = first.id.to_string();
    assert_eq!(
        seen(&caused),
        [&id, &id, "c-1", "c-1"],
        "the correlation is the event's own, or its id"
    );
    soon(orders.idle()).await;
    assert_eq!(soon(orders.get("O-1")).await.unwrap().status, "cancelled");
}

/// S1 waits for S2, whose command leads back to S1: a chain of handlers does not wait for itself.
#[tokio::test]
async fn handlers_that_lead_back_to_themselves_do_not_wait_for_themselves() {
    let orders = orders(MemoryStore::new()).await;
    let (first, second) = (orders.downgrade(), orders.downgrade());
    orders
        .subscribe("Order(Created|Cancelled)", move |event: Event<Order>| {
            let orders = first.upgrade().unwrap();
            async move {
                if event.event_name == "OrderCreated" {
                    orders
                        .send(add(event.aggregate_id.as_str(), 1))
                        .and_wait()
                        .await
                        .unwrap();
                }
            }
        })
        .unwrap();
    orders
        .subscribe("OrderGrown", move |event: Event<Order>| {
            let orders = second.upgrade().unwrap();
            async move {
                orders
                    .send(cancel(event.aggregate_id.as_str()))
                    .and_wait()
                    .await
                    .unwrap();
            }
        })
        .unwrap();
    soon(orders.send(create("O-1")).and_wait()).await.unwrap();
    soon(orders.idle()).await;
    assert_eq!(soon(orders.get("O-1")).await.unwrap().status, "cancelled");
}

#[tokio::test]
async fn failures_of_handlers_reach_the_hook_and_then_the_fallback() {
    let told = Seen::default();
    let hook = told.clone();
    let orders = Asynx::<Order>::builder()
        .store(MemoryStore::new())
        .on_handler_failure(move |event, _, failure| {
            let kind = match failure {
                HandlerFailure::Panicked(panic) => format!("panicked {}", panic.message()),
                HandlerFailure::TimedOut(after) => format!("timed out {after:?}"),
                other => format!("failed {other}"),
            };
            hook.lock().unwrap().push(format!("{} {kind}", event.event_name));
        })
        .build()
        .await
        .unwrap();
    let fallen = Seen::default();
    let subscribe = |pattern, how: fn() -> futures::future::BoxFuture<'static, Result<(), &'static str>>| {
        let fallen = fallen.clone();
        orders
            .subscribing(pattern, move |_| how())
            .unwrap()
            .fallback(move |event| note(fallen.clone(), event))
            .timeout(Duration::from_millis(50))
            .start()
            .unwrap();
    };
    subscribe("OrderCreated", || Box::pin(async { panic!("no") }));
    subscribe("OrderGrown", || Box::pin(async { Err("not today") }));
    subscribe("OrderCancelled", || Box::pin(std::future::pending()));
    soon(orders.send(create("O-1")).and_wait()).await.unwrap();
    soon(orders.send(add("O-1", 1)).and_wait()).await.unwrap();
    soon(orders.send(cancel("O-1")).and_wait()).await.unwrap();
    assert_eq!(
        seen(&told),
        [
            "OrderCreated panicked no",
            "OrderGrown failed not today",
            "OrderCancelled timed out 50ms"
        ]
    );
    assert_eq!(
        seen(&fallen),
        ["OrderCreated O-1 1", "OrderGrown O-1 2", "OrderCancelled O-1 3"]
    );
}

#[tokio::test]
async fn an_unsubscribed_handler_gets_nothing_more() {
    let orders = orders(MemoryStore::new()).await;
    let all = Seen::default();
    let id = orders.subscribe_with(".*", all.clone(), note).unwrap();
    soon(orders.send(create("O-1")).and_wait()).await.unwrap();
    orders.unsubscribe(id).unwrap();
    soon(orders.send(add("O-1", 1)).and_wait()).await.unwrap();
    assert_eq!(seen(&all).len(), 1);
    assert!(matches!(orders.unsubscribe(id), Err(BusError::UnknownSubscription(_))));
}

#[tokio::test]
async fn a_listener_is_a_stream_that_may_end_by_count() {
    let orders = orders(MemoryStore::new()).await;
    let counted = orders.listen("*", 2).unwrap();
    let mut endless = orders.listen("OrderGrown", None).unwrap();
    for n in 0..3 {
        soon(orders.send(create(format!("O-{n}")))).await.unwrap();
    }
    let ids: Vec<_> = soon(counted.map(|event| event.aggregate_id.to_string()).collect()).await;
    assert_eq!(ids, ["O-0", "O-1"]);
    soon(orders.send(add("O-1", 1))).await.unwrap();
    assert_eq!(soon(endless.next()).await.unwrap().version.get(), 2);
    soon(orders.shutdown(Duration::from_secs(5))).await.unwrap();
    assert!(soon(endless.next()).await.is_none());
}

#[tokio::test]
async fn the_next_event_counts_from_the_call() {
    let orders = orders(MemoryStore::new()).await;
    let next = orders.next_event("OrderCreated");
    soon(orders.send(create("O-1"))).await.unwrap();
    soon(orders.send(create("O-2"))).await.unwrap();
    assert_eq!(soon(next).await.unwrap().unwrap().aggregate_id, "O-1");
    drop(orders.next_event("OrderCreated"));
    let never = orders.next_event("OrderCreated");
    soon(orders.shutdown(Duration::from_secs(5))).await.unwrap();
    assert!(soon(never).await.unwrap().is_none());
}

#[test]
fn topics_are_literal_but_for_whole_stars() {
    for (pattern, regex) in [
        ("order.created.ORD-1", r"order\.created\.ORD\-1"),
        ("order.*.ORD-1", r"order\.[^.]+\.ORD\-1"),
        ("*.created.*", r"[^.]+\.created\..*"),
        ("order.created.a.b*", r"order\.created\.a\.b\*"),
        ("Order*", r"Order\*"),
        ("*", ".*"),
        ("order.*", r"order\..*"),
    ] {
        assert_eq!(topic(pattern), regex);
    }
}

#[tokio::test]
async fn forget_handlers_get_the_last_state_and_may_refuse() {
    let (early, late) = (Seen::default(), Seen::default());
    let at_build = early.clone();
    let orders = Asynx::<Order>::builder()
        .store(MemoryStore::new())
        .on_forget(move |event: Event<Order>| {
            let seen = at_build.clone();
            async move {
                seen.lock()
                    .unwrap()
                    .push(format!("{} {}", event.aggregate_id, event.aggregate.total))
            }
        })
        .build()
        .await
        .unwrap();
    let refuse = Arc::new(AtomicUsize::new(1));
    let refusing = Arc::clone(&refuse);
    let id = orders
        .on_forget(move |_| {
            let refused = refusing.swap(0, Ordering::SeqCst) == 1;
            async move { if refused { Err("the index is down") } else { Ok(()) } }
        })
        .unwrap();
    orders.subscribe_with(".*", late.clone(), note).unwrap();
    soon(orders.send(create("O-1"))).await.unwrap();
    soon(orders.send(add("O-1", 7))).await.unwrap();
    let failed = soon(orders.forget("O-1")).await.unwrap_err();
    assert!(
        matches!(failed, Error::ForgetFailed { .. }) && failed.to_string().contains("the index is down"),
        "{failed}"
    );
    assert_eq!(failed.applied(), asynx::Applied::Yes);
    assert!(!soon(orders.exists("O-1")).await.unwrap());
    soon(orders.forget("O-1")).await.unwrap();
    assert_eq!(seen(&early), ["O-1 7", "O-1 7"]);
    assert!(
        seen(&late).iter().all(|event| !event.contains("forgotten")),
        "'.*' does not match a tombstone"
    );
    orders.unsubscribe(id).unwrap();
    soon(orders.send(create("O-1"))).await.unwrap();
    soon(orders.forget("O-1")).await.unwrap();
}

#[tokio::test]
async fn a_second_forget_waits_for_the_first_and_its_handlers_run_once() {
    let orders = orders(MemoryStore::new()).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&runs);
    orders
        .on_forget(move |_| {
            counting.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20))
        })
        .unwrap();
    soon(orders.send(create("O-1"))).await.unwrap();
    let first = tokio::spawn({
        let orders = orders.clone();
        async move { orders.forget("O-1").await }
    });
    soon(async {
        while runs.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let second = soon(orders.forget("O-1")).await;
    assert!(matches!(second, Err(Error::NotFound { .. })), "{second:?}");
    soon(first).await.unwrap().unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn forget_handlers_run_between_the_lives() {
    let orders = orders(MemoryStore::new()).await;
    let log = Seen::default();
    let (slow, forgets) = (log.clone(), log.clone());
    orders
        .subscribe(".*", move |event| {
            let log = slow.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                note(log, event).await;
            }
        })
        .unwrap();
    orders
        .on_forget(move |event: Event<Order>| {
            let log = forgets.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                log.lock().unwrap().push(format!("forgotten {}", event.aggregate_id));
            }
        })
        .unwrap();
    soon(orders.send(create("O-1"))).await.unwrap();
    let forgetting = tokio::spawn({
        let orders = orders.clone();
        async move { orders.forget("O-1").await }
    });
    soon(async {
        while orders.send(create("O-1")).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    soon(forgetting).await.unwrap().unwrap();
    soon(orders.idle()).await;
    assert_eq!(
        seen(&log),
        ["OrderCreated O-1 1", "forgotten O-1", "OrderCreated O-1 3"]
    );
}

#[tokio::test]
async fn a_slow_handler_hurts_only_itself() {
    let orders = orders(MemoryStore::new()).await;
    orders
        .subscribing(".*", |_| std::future::pending::<()>())
        .unwrap()
        .concurrency(NonZeroUsize::MIN)
        .start()
        .unwrap();
    let all = Seen::default();
    orders.subscribe_with(".*", all.clone(), note).unwrap();
    let mut listener = orders.listen("*", 20).unwrap();
    for n in 0..20 {
        soon(orders.send(create(format!("O-{n}")))).await.unwrap();
    }
    for _ in 0..20 {
        soon(listener.next()).await.unwrap();
    }
    soon(async {
        while seen(&all).len() < 20 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let cut = soon(orders.shutdown(Duration::from_millis(20))).await;
    assert!(matches!(cut, Err(Error::ShutdownIncomplete { .. })));
}

#[tokio::test]
async fn a_closed_bus_is_told_and_the_event_is_durable_all_the_same() {
    let told = Arc::new(AtomicUsize::new(0));
    let hook = Arc::clone(&told);
    let runtime = asynx::runtime::TokioRuntime::current().unwrap();
    let bus = Arc::new(asynx::bus::InProcessBus::new(
        Arc::new(runtime),
        asynx::Hooks::default(),
    ));
    let orders = Asynx::<Order>::builder()
        .store(MemoryStore::new())
        .bus(bus.clone())
        .on_publish_error(move |_, error| {
            assert!(matches!(error, BusError::Closed));
            hook.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .await
        .unwrap();
    asynx::Bus::<Order>::close(&*bus);
    soon(orders.send(create("O-1"))).await.unwrap();
    assert_eq!(told.load(Ordering::SeqCst), 1);
    assert!(matches!(orders.subscribe(".*", |_| async {}), Err(BusError::Closed)));
    assert!(matches!(orders.listen("*", None), Err(BusError::Closed)));
    assert!(matches!(orders.on_forget(|_| async {}), Err(BusError::Closed)));
}

#[tokio::test]
async fn what_is_missing_is_told_at_build() {
    let missing = Asynx::<Order>::builder().build().await;
    assert!(matches!(missing, Err(BuildError::MissingStore)));
    let no_runtime = futures::executor::block_on(async {
        std::thread::spawn(|| {
            let building = Asynx::<Order>::builder().store(MemoryStore::new()).build();
            futures::executor::block_on(building)
        })
        .join()
        .unwrap()
    });
    assert!(matches!(no_runtime, Err(BuildError::MissingRuntime)));
}

#[tokio::test]
async fn aggregates_of_different_kinds_share_a_store() {
    #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
    struct Note(String);
    impl asynx::Aggregate for Note {
        const CATEGORY: &'static str = "note";
    }
    struct Write(&'static str);
    impl asynx::Command<Note> for Write {
        type Rejection = std::convert::Infallible;
        fn aggregate_id(&self) -> std::borrow::Cow<'_, str> {
            "O-1".into()
        }
        fn event_name(&self) -> std::borrow::Cow<'_, str> {
            "NoteWritten".into()
        }
        fn validate(&self, _: Option<&Note>) -> Result<(), Self::Rejection> {
            Ok(())
        }
        fn emit(&self, _: Option<&Note>) -> Note {
            Note(self.0.to_owned())
        }
    }
    let store = MemoryStore::new();
    let orders = orders(store.clone()).await;
    let notes = Asynx::<Note>::builder().store(store).build().await.unwrap();
    soon(orders.send(create("O-1"))).await.unwrap();
    assert_eq!(soon(notes.send(Write("hello"))).await.unwrap().version.get(), 1);
    soon(orders.forget("O-1")).await.unwrap();
    assert_eq!(soon(notes.get("O-1")).await.unwrap().0, "hello");
    // A boxed command is a command.
    let boxed: Box<dyn asynx::Command<Note, Rejection = std::convert::Infallible>> = Box::new(Write("boxed"));
    assert_eq!(soon(notes.send(boxed)).await.unwrap().aggregate.0, "boxed");
}
