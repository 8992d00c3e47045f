use std::time::Duration;

use asynx::Asynx;
use asynx::bus::SubscriptionOverflow;
use asynx::store::MemoryStore;
use metrics_util::debugging::DebuggingRecorder;

use crate::common::{Order, add, create, soon};
use crate::figures::Figures;

#[tokio::test]
async fn handlers_by_name_and_how_they_failed() {
    let recorder = DebuggingRecorder::new();
    let installed = metrics::set_default_local_recorder(&recorder);
    let orders = Asynx::<Order>::builder()
        .store(MemoryStore::new())
        .build()
        .await
        .unwrap();
    let subscribing = |name: &'static str| {
        orders.subscribing(".*", move |event: asynx::Event<Order>| async move {
            match name {
                "failing" => Err("no"),
                "panicking" => panic!("oh"),
                "late" => std::future::pending().await,
                "slow" => {
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    drop(event);
                    Ok(())
                }
                _ => Ok(()),
            }
        })
    };
    for name in ["sound", "failing", "panicking", "slow"] {
        subscribing(name).unwrap().named(name).start().unwrap();
    }
    let late = subscribing("late").unwrap().named("late");
    late.timeout(Duration::from_millis(10))
        .fallback(|_| async {})
        .start()
        .unwrap();
    let crowded = subscribing("slow").unwrap().named("crowded");
    let one = std::num::NonZeroUsize::MIN;
    let crowded = crowded.concurrency(one).capacity(one, SubscriptionOverflow::DropNewest);
    crowded.start().unwrap();
    orders.subscribe("OrderCreated", |_| async {}).unwrap();
    drop(installed);
    soon(orders.send(create("O-1"))).await.unwrap();
    for _ in 0..2 {
        soon(orders.send(add("O-1", 1))).await.unwrap();
    }
    soon(orders.idle()).await;

    let figures = Figures::of(&recorder);
    let times = |handler| figures.spread("asynx_handler_seconds", &[("category", "order"), ("handler", handler)]);
    let failures = |handler| {
        ["panicked", "timed_out", "failed", "overflowed", "closed"].map(|reason| {
            let labels = [("category", "order"), ("handler", handler), ("reason", reason)];
            figures.count("asynx_handler_failures_total", &labels)
        })
    };
    assert_eq!((times("sound").len(), failures("sound")), (3, [0, 0, 0, 0, 0]));
    assert_eq!((times("failing").len(), failures("failing")), (3, [0, 0, 3, 0, 0]));
    assert_eq!((times("panicking").len(), failures("panicking")), (3, [3, 0, 0, 0, 0]));
    assert_eq!((times("late").len(), failures("late")), (6, [0, 3, 0, 0, 0]));
    assert_eq!((times("crowded").len(), failures("crowded")), (2, [0, 0, 0, 1, 0]));
    assert_eq!((times("unnamed").len(), failures("unnamed")), (1, [0, 0, 0, 0, 0]));
    let slow = times("slow");
    assert!(
        slow.len() == 3 && slow.iter().all(|seconds| (0.03..20.0).contains(seconds)),
        "{slow:?}"
    );
}

#[tokio::test]
async fn what_a_closed_bus_drops_and_what_a_stream_has_no_room_for() {
    use asynx::bus::{Pattern, Subscription, SubscriptionOptions, Target, listener};
    use asynx::{Bus, Hooks};
    let recorder = DebuggingRecorder::new();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let runtime = std::sync::Arc::new(asynx::runtime::TokioRuntime::current().unwrap());
    let bus = std::sync::Arc::new(asynx::bus::InProcessBus::new(runtime, Hooks::default()));
    let (feed, stream) = listener(None);
    let subscribed = bus.subscribe(Subscription {
        pattern: Pattern::parse(".*").unwrap(),
        target: Target::Stream(feed),
        options: SubscriptionOptions {
            name: "narrow",
            capacity: Some(std::num::NonZeroUsize::MIN),
            ..SubscriptionOptions::default()
        },
    });
    subscribed.unwrap();
    let builder = Asynx::<Order>::builder().store(MemoryStore::new());
    let orders = builder.bus(bus.clone()).build().await.unwrap();
    let hanging = orders.subscribing(".*", |_| std::future::pending::<()>()).unwrap();
    hanging.named("hanging").start().unwrap();
    soon(orders.send(create("O-1"))).await.unwrap();
    soon(orders.send(add("O-1", 1))).await.unwrap();
    tokio::task::yield_now().await;
    bus.close();
    tokio::time::sleep(Duration::from_millis(10)).await;

    let figures = Figures::of(&recorder);
    let failures = |handler, reason| {
        figures.count(
            "asynx_handler_failures_total",
            &[("handler", handler), ("reason", reason)],
        )
    };
    assert_eq!(failures("narrow", "overflowed"), 1);
    assert_eq!(failures("hanging", "closed"), 2);
    drop(stream);
}
