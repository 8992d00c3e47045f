use std::sync::Arc;

use asynx_core::Bus;
use futures::future;

use crate::stage::{Stage, ends_when_woken, is_pending, named, on_every_runtime, staged, tombstone};

on_every_runtime!(forget_may_be_dropped_at_any_await, idle_may_be_dropped_at_any_await);

/// How far a future gets before it is dropped.
const DROPPED_AT: std::ops::RangeInclusive<u32> = 0..=4;

async fn forget_may_be_dropped_at_any_await(mut stage: Stage) {
    let bus = Arc::clone(&stage.bus);
    let (handler, mut calls) = staged();
    let (first, mut to_first) = staged();
    let (second, mut to_second) = staged();
    stage.subscribe("Made", handler);
    bus.on_forget(first).unwrap();
    bus.on_forget(second).unwrap();
    for dropped_at in DROPPED_AT {
        stage.publish("a1");
        let running = calls.next().await;
        let mut forget = bus.forget(tombstone("a3"));
        let mut ended = false;
        if dropped_at > 0 {
            // At the barrier.
            assert!(is_pending(&mut forget));
        }
        if dropped_at > 1 {
            // At the forget handlers.
            let woken = ends_when_woken(&mut forget, || {
                stage.publish("a2");
                running.end();
            });
            assert!(!woken.await);
            let (in_first, in_second) = (to_first.next().await, to_second.next().await);
            if dropped_at > 2 {
                // At one of them.
                in_first.end();
                assert!(is_pending(&mut forget));
            }
            if dropped_at > 3 {
                in_second.end();
                forget.as_mut().await.unwrap();
                ended = true;
            } else {
                assert!(!in_second.is_dropped());
                drop(forget);
                in_second.dropped().await;
            }
            // What came behind the forget waited for it.
            calls.next().await.end();
        } else {
            drop(forget);
            running.end();
        }
        assert_eq!(ended, dropped_at == 4);

        // Nothing of it is left behind, and the lane goes on.
        bus.idle().await;
        stage.publish("a4");
        let again = bus.forget(tombstone("a5"));
        let answers = async {
            calls.next().await.end();
            for calls in [&mut to_first, &mut to_second] {
                let call = calls.next().await;
                assert_eq!(call.label(), "a5");
                call.end();
            }
        };
        let (again, ()) = future::join(again, answers).await;
        again.unwrap();
        to_first.none();
        to_second.none();
        calls.none();
    }
    stage.nothing_told();
}

async fn idle_may_be_dropped_at_any_await(mut stage: Stage) {
    let bus = Arc::clone(&stage.bus);
    let (handler, mut calls) = staged();
    let (caused, mut to_caused) = staged();
    stage.subscribe("Made", handler);
    stage.subscribe("Caused", caused);
    for dropped_at in DROPPED_AT {
        stage.publish("a1");
        let running = calls.next().await;
        let mut idle = bus.idle();
        if dropped_at > 0 {
            // At the barriers.
            assert!(is_pending(&mut idle));
        }
        let caused = named("Caused", "b1").with_ancestry(running.event.ancestry().clone());
        bus.publish(caused).unwrap();
        let caused = to_caused.next().await;
        if dropped_at > 1 {
            // At what was caused meanwhile.
            assert!(!ends_when_woken(&mut idle, || running.end()).await);
        } else {
            drop(running);
        }
        if dropped_at > 2 {
            assert!(is_pending(&mut idle));
        }
        if dropped_at > 3 {
            caused.end();
            idle.await;
        } else {
            drop(idle);
            drop(caused);
        }

        // Others that wait are answered.
        stage.publish("a2");
        let call = calls.next().await;
        let mut first = bus.idle();
        let mut second = bus.idle();
        assert!(is_pending(&mut first) && is_pending(&mut second));
        call.end();
        future::join(first, second).await;
        calls.none();
        to_caused.none();
    }
    stage.nothing_told();
}
