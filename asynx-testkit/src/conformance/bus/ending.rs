//! Idle and closed (B8).

use std::collections::BTreeSet;
use std::sync::Arc;

use asynx_core::bus::{Pattern, Subscription, SubscriptionOptions, Target};
use futures::future::maybe_done;
use futures::{StreamExt, poll};

use super::Trial;
use super::probe::{label, made, staged, tombstone};
use crate::conformance::check::Kept;

/// `idle` waits for what is queued, what runs, and fallbacks.
pub async fn b8_idle_waits_for_all_given_before(trial: &Trial) -> Kept {
    trial.idle().await?;
    let (handler, mut calls) = staged();
    let (fallback, mut fallbacks) = staged();
    trial.subscribe_with("Made", handler, |options| options.fallback = Some(fallback))?;
    trial.publish(["a1", "a2"]).await?;
    let mut idle = maybe_done(trial.bus.idle());
    // It begins here; where it ends too early, it has ended at the last look.
    let _ = poll!(&mut idle);
    trial.call_of(&mut calls, "a1").await?.end();
    trial.call_of(&mut calls, "a2").await?.fail("as the check wants");
    let fallback = trial.call_of(&mut fallbacks, "a2").await?;
    trial.waits("idle, while a fallback runs,", &mut idle).await?;
    fallback.end();
    trial.within("being idle", idle).await
}

/// `idle` does not wait for what is given after it began.
pub async fn b8_idle_waits_for_nothing_given_later(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    trial.subscribe("Made", handler)?;
    trial.publish(["a1"]).await?;
    let first = trial.call_of(&mut calls, "a1").await?;
    let mut idle = maybe_done(trial.bus.idle());
    trial.waits("idle, while an event is handled,", &mut idle).await?;
    trial.publish(["a2", "b1"]).await?;
    let _later = trial.call_of(&mut calls, "b1").await?;
    first.end();
    trial.within("being idle while what was given later runs", idle).await
}

/// After `close`, everything answers that the bus is closed, a second `close` included.
pub async fn b8_a_closed_bus_answers_so(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    trial.subscribe("Made", Arc::clone(&handler))?;
    trial.bus.close();
    trial.bus.close();
    trial.is_closed("publish after close", trial.bus.publish(made("a1")))?;
    trial.is_closed("publish_tracked after close", trial.bus.publish_tracked(made("a1")))?;
    let forget = trial
        .within("forget after close", trial.bus.forget(tombstone("a1")))
        .await?;
    trial.is_closed("forget after close", forget)?;
    trial.is_closed("on_forget after close", trial.bus.on_forget(Arc::clone(&handler)))?;
    let late = Subscription {
        pattern: Pattern::parse("Made").expect("a valid pattern"),
        target: Target::Handler(handler),
        options: SubscriptionOptions::default(),
    };
    trial.is_closed("subscribe after close", trial.bus.subscribe(late))?;
    trial.no_call("the bus is closed", &mut calls).await?;
    trial.idle().await
}

/// `close` tells the hooks of what waits, drops what runs, and ends deliveries.
pub async fn b8_close_tells_what_waits_and_drops_what_runs(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    let id = trial.subscribe("Made", handler)?;
    let delivered = trial.tracked("a1")?;
    trial.publish(["a2", "a3"]).await?;
    let running = trial.call_of(&mut calls, "a1").await?;
    trial.bus.close();
    trial
        .within("a running handler being dropped by close", running.dropped())
        .await?;
    let mut dropped = BTreeSet::new();
    while !["a2", "a3"].iter().all(|label| dropped.contains(*label)) {
        let (label, of, why) = trial.told().await?;
        trial.equal("the subscription that the hooks are told of", of, id)?;
        trial.ensure(
            why.contains("closed"),
            format!("an event that waits is told as {why:?}"),
        )?;
        dropped.insert(label);
    }
    trial.within("a delivery after close", delivered).await?;
    trial.no_call("the bus is closed", &mut calls).await?;
    trial.idle().await
}

/// `close` ends streams.
pub async fn b8_close_ends_streams(trial: &Trial) -> Kept {
    let mut stream = trial.listen("Made")?;
    trial.publish(["a1"]).await?;
    let first = trial.within("a stream", stream.next()).await?;
    trial.equal(
        "what a stream was given",
        first.as_ref().map(label).as_deref(),
        Some("a1"),
    )?;
    trial.bus.close();
    let end = trial.within("a stream's end after close", stream.next()).await?;
    trial.equal("what a stream is given after close", end.as_ref().map(label), None)
}
