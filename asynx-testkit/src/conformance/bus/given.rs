//! What is given to whom (B1, B9).

use std::num::NonZeroUsize;

use asynx_core::BusError;
use asynx_core::bus::{SubscriptionId, SubscriptionOverflow};
use futures::StreamExt;
use futures::future::maybe_done;

use super::Trial;
use super::probe::{label, made, named, noting, staged, tombstone};
use crate::conformance::check::Kept;

/// A pattern is held against the whole name.
pub async fn b1_whole_names_decide(trial: &Trial) -> Kept {
    let (handler, mut notes) = noting();
    trial.subscribe("Order.*", handler)?;
    let names = [
        "PreOrderMade",
        "OrderMade",
        "orderMade",
        "Order",
        "Reorder",
        "Order made",
    ];
    let labels = ["a1", "a2", "a3", "a4", "a5", "a6"];
    let events = names.iter().zip(labels).map(|(name, label)| named(name, label));
    trial.publish_all(events.collect()).await?;
    let what = "events whose names match \"Order.*\" as a whole";
    trial.noted(what, &mut notes, &["a2", "a4", "a6"]).await
}

/// Three subscriptions are given each of 100 events once.
pub async fn b1_each_event_is_given_once(trial: &Trial) -> Kept {
    let mut all = Vec::new();
    for pattern in ["Made", "Ma.*", ".*"] {
        let (handler, notes) = noting();
        trial.subscribe(pattern, handler)?;
        all.push(notes);
    }
    let labels: Vec<String> = (1..=100).map(|version| format!("a{version}")).collect();
    trial.publish(&labels).await?;
    for notes in &mut all {
        trial.noted("events given to one of three", notes, &labels).await?;
    }
    Ok(())
}

/// What is published before `subscribe` or after `unsubscribe` is not given; an id without subscription is unknown.
pub async fn b1_from_subscribe_to_unsubscribe(trial: &Trial) -> Kept {
    let (first, mut to_first) = noting();
    let first = trial.subscribe("Made", first)?;
    trial.publish(["a1", "a2"]).await?;
    let (second, mut to_second) = noting();
    trial.subscribe("Made", second)?;
    trial.publish(["a3"]).await?;
    trial
        .noted("events given to the first", &mut to_first, &["a1", "a2", "a3"])
        .await?;
    trial.unsubscribe(first)?;
    trial.publish(["a4"]).await?;
    let second = trial.noted("events given to the second", &mut to_second, &["a3", "a4"]);
    second.await?;
    trial.noted("events after unsubscribe", &mut to_first, &[""; 0]).await?;
    for id in [first, SubscriptionId::new(u64::MAX)] {
        let unknown = matches!(trial.bus.unsubscribe(id), Err(BusError::UnknownSubscription(unknown)) if unknown == id);
        trial.ensure(
            unknown,
            format!("{id}, which is no subscription any more, was not unknown"),
        )?;
    }
    Ok(())
}

/// A full queue drops the newest or the oldest, as was asked, and tells the hooks.
pub async fn b1_full_queues_drop_as_told(trial: &Trial) -> Kept {
    let both = [
        (SubscriptionOverflow::DropNewest, "a4", ["a2", "a3"]),
        (SubscriptionOverflow::DropOldest, "a2", ["a3", "a4"]),
    ];
    for (overflow, dropped, left) in both {
        let (handler, mut calls) = staged();
        let id = trial.subscribe_with("Made", handler, |options| {
            options.capacity = NonZeroUsize::new(2);
            options.overflow = overflow;
        })?;
        trial.publish(["a1"]).await?;
        let running = trial.call_of(&mut calls, "a1").await?;
        trial.publish(["a2", "a3", "a4"]).await?;
        trial.told_of(dropped, id, "was full").await?;
        running.end();
        for label in left {
            trial.call_of(&mut calls, label).await?.end();
        }
        trial.unsubscribe(id)?;
    }
    Ok(())
}

/// A stream is given each event once, those of one aggregate in the order of publishing.
pub async fn b1_streams_are_given_each_event_once(trial: &Trial) -> Kept {
    let mut stream = trial.listen("Made")?;
    let events = vec![made("a1"), named("Other", "a2"), made("b1"), made("a3"), made("b2")];
    trial.publish_all(events).await?;
    let mut found = Vec::new();
    while found.len() < 4 {
        match trial.within(format!("a stream after {found:?}"), stream.next()).await? {
            Some(event) => found.push(label(&event)),
            None => break,
        }
    }
    // Of different aggregates the bus has an order of its own.
    found.sort_by_key(|label| label.chars().next());
    trial.equal(
        "the events of a stream",
        found,
        ["a1", "a3", "b1", "b2"].map(str::to_owned).to_vec(),
    )?;
    trial
        .waits("a stream that was given all", &mut maybe_done(stream.next()))
        .await
}

/// Neither a published tombstone nor a forget reaches handlers and streams, whatever their pattern.
pub async fn b9_tombstones_reach_nobody(trial: &Trial) -> Kept {
    let (handler, mut notes) = noting();
    trial.subscribe(".*", std::sync::Arc::clone(&handler))?;
    trial.subscribe(r"asynx\.forgotten", handler)?;
    let mut stream = trial.listen(".*")?;
    let (forgets, mut forgotten) = noting();
    trial.on_forget(forgets)?;
    trial.publish_all(vec![tombstone("a1")]).await?;
    let delivery = trial.publish_tracked(tombstone("b1"))?;
    trial.ensure(delivery.is_empty(), "a published tombstone went to a subscription")?;
    let forget = trial.within("forgetting", trial.bus.forget(tombstone("c1"))).await?;
    trial.ok("forgetting", forget)?;
    trial.publish(["d1"]).await?;
    trial
        .noted("what handlers were given besides tombstones", &mut notes, &["d1"])
        .await?;
    trial
        .noted("what forget handlers were given", &mut forgotten, &["c1"])
        .await?;
    let first = trial.within("a stream", stream.next()).await?;
    let first = first.as_ref().map(label);
    trial.equal("what a stream was given first", first.as_deref(), Some("d1"))
}
