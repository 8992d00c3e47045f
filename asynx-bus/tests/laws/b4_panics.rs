use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use asynx_core::bus::{Handler, handler};
use asynx_core::{Bus, Event, EventName};
use futures::FutureExt;
use futures::channel::mpsc;

use crate::stage::{Stage, Thing, event_of, label, noted, on_every_runtime, staged};

on_every_runtime!(
    every_panic_goes_to_the_hook_and_then_to_the_fallback,
    a_panic_in_dropping_a_timed_out_handler_is_swallowed,
    a_state_that_panics_in_its_drop_harms_nobody,
    an_error_that_panics_in_its_drop_harms_nobody,
    a_handler_that_panics_in_its_drop_harms_nobody,
);

/// Where a handler panics.
#[derive(Debug, Clone, Copy)]
enum Where {
    Call,
    Poll,
    LaterPoll,
    /// After it has ended well.
    Drop,
}

/// A future that panics where it is told to.
struct Panics {
    at: Where,
    polled: bool,
}

impl Future for Panics {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.at {
            Where::LaterPoll if !self.polled => {
                self.polled = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Where::Poll | Where::LaterPoll => panic!("a poll's panic that the test wants"),
            Where::Call | Where::Drop => Poll::Ready(()),
        }
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        if matches!(self.at, Where::Drop) {
            panic!("a drop's panic that the test wants");
        }
    }
}

/// A handler that panics, but with `a2`.
fn panicking(at: Where, note: mpsc::UnboundedSender<String>) -> Handler<Thing> {
    Arc::new(move |event: Event<Thing>| {
        note.unbounded_send(label(&event)).unwrap();
        if event.version.get() == 2 {
            return futures::future::ready(Ok(())).boxed();
        }
        if matches!(at, Where::Call) {
            std::panic::panic_any(String::from("a call's panic that the test wants"));
        }
        // The future itself is the user's type: nothing between it and the bus drops it early.
        Box::pin(Unmapped(Panics { at, polled: false }))
    })
}

struct Unmapped(Panics);

impl Future for Unmapped {
    type Output = Result<(), asynx_core::bus::HandlerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(cx).map(Ok)
    }
}

async fn every_panic_goes_to_the_hook_and_then_to_the_fallback(mut stage: Stage) {
    let cases = [
        (Where::Call, "panicked: a call's panic that the test wants"),
        (Where::Poll, "panicked: a poll's panic that the test wants"),
        (Where::LaterPoll, "panicked: a poll's panic that the test wants"),
        (Where::Drop, "panicked: a drop's panic that the test wants"),
    ];
    for (at, message) in cases {
        let (note, mut notes) = mpsc::unbounded();
        let (fallback, mut fallbacks) = mpsc::unbounded();
        let id = stage.subscribe_with("Made", panicking(at, note), |options| {
            options.fallback = Some(panicking(at, fallback));
        });
        stage.publish("a1");
        stage.publish("a2");
        // The handler's and the fallback's.
        for _ in 0..2 {
            assert_eq!(stage.told().await, ("a1".to_owned(), id, message.to_owned()), "{at:?}");
        }
        stage.bus.idle().await;
        assert_eq!(noted(&mut notes), ["a1", "a2"], "{at:?}");
        assert_eq!(noted(&mut fallbacks), ["a1"], "{at:?}");
        stage.nothing_told();
        stage.bus.unsubscribe(id).unwrap();
    }
}

struct PanicsInDrop(mpsc::UnboundedSender<String>);

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        let _ = self.0.unbounded_send("dropped".to_owned());
        panic!("a drop's panic that the test wants");
    }
}

async fn a_panic_in_dropping_a_timed_out_handler_is_swallowed(mut stage: Stage) {
    let (note, mut notes) = mpsc::unbounded();
    let stuck = handler(move |_: Event<Thing>| {
        let held = PanicsInDrop(note.clone());
        async move {
            futures::future::pending::<()>().await;
            drop(held);
        }
    });
    let id = stage.subscribe_with("Made", stuck, |options| {
        options.timeout = Some(std::time::Duration::from_millis(10));
    });
    stage.publish("a1");
    stage.publish("a2");
    for label in ["a1", "a2"] {
        assert_eq!(
            stage.told().await,
            (label.to_owned(), id, "did not end within 10ms".to_owned())
        );
    }
    assert_eq!(noted(&mut notes), ["dropped", "dropped"]);
    stage.nothing_told();
}

async fn a_state_that_panics_in_its_drop_harms_nobody(mut stage: Stage) {
    let bad = |label: &str| {
        let thing = Thing { panics_in_drop: true };
        event_of(EventName::parse("Made").unwrap(), label, thing)
    };
    // With no subscription it is `publish` that drops it.
    stage.bus.publish(bad("a1")).unwrap();
    let (handler, mut calls) = staged();
    let id = stage.subscribe("Made", handler);
    // One that is handled, one that waits for ever, one that comes after the close.
    stage.bus.publish(bad("a2")).unwrap();
    stage.bus.publish(bad("a3")).unwrap();
    stage.bus.publish(bad("a4")).unwrap();
    for label in ["a2", "a3"] {
        let call = calls.next().await;
        assert_eq!(call.label(), label);
        // What a handler itself drops is its own affair: here the bus is to drop the last one.
        let kept = call.event.clone();
        call.end();
        asynx_core::drop_caught(kept);
    }
    let last = calls.next().await;
    stage.bus.unsubscribe(id).unwrap();
    stage.bus.publish(bad("a5")).unwrap();
    asynx_core::drop_caught(last);
    stage.bus.idle().await;
    stage.bus.close();
    assert!(stage.bus.publish(bad("a6")).is_err());
    stage.nothing_told();
}

#[derive(Debug)]
struct BadError(#[expect(dead_code, reason = "it is dropped")] PanicsInDrop);

impl std::fmt::Debug for PanicsInDrop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PanicsInDrop")
    }
}

impl std::fmt::Display for BadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a bad error")
    }
}

impl std::error::Error for BadError {}

async fn an_error_that_panics_in_its_drop_harms_nobody(mut stage: Stage) {
    let (note, mut notes) = mpsc::unbounded();
    let bad = handler(move |_: Event<Thing>| {
        let note = note.clone();
        async move { Err::<(), _>(BadError(PanicsInDrop(note))) }
    });
    stage.subscribe("Made", bad);
    stage.publish("a1");
    stage.publish("a2");
    assert_eq!(stage.told().await.2, "a bad error");
    assert_eq!(stage.told().await.2, "a bad error");
    stage.bus.idle().await;
    assert_eq!(noted(&mut notes), ["dropped", "dropped"]);
}

async fn a_handler_that_panics_in_its_drop_harms_nobody(stage: Stage) {
    let (note, mut notes) = mpsc::unbounded();
    let bad = || {
        let held = PanicsInDrop(note.clone());
        handler(move |_: Event<Thing>| {
            let _ = &held;
            futures::future::ready(())
        })
    };
    let unsubscribed = stage.subscribe("Made", bad());
    let forget = stage.bus.on_forget(bad()).unwrap();
    stage.subscribe_with("Made", bad(), |options| options.fallback = Some(bad()));
    stage.publish("a1");
    stage.bus.idle().await;
    stage.bus.unsubscribe(unsubscribed).unwrap();
    stage.bus.unsubscribe(forget).unwrap();
    stage.bus.close();
    let refused = crate::stage::to("Made", asynx_core::bus::Target::Handler(bad()), Default::default());
    assert!(stage.bus.subscribe(refused).is_err());
    assert!(stage.bus.on_forget(bad()).is_err());
    drop(stage);
    drop(note);
    let dropped: Vec<String> = futures::StreamExt::collect(&mut notes).await;
    assert_eq!(dropped.len(), 6);
}
