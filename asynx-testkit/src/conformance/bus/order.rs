//! In which order, and beside what (B2, B3).

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use super::Trial;
use super::probe::{Call, noting, staged};
use crate::conformance::check::Kept;

/// 300 events of one aggregate come in their order.
pub async fn b2_one_aggregate_in_order(trial: &Trial) -> Kept {
    let (handler, mut notes) = noting();
    trial.subscribe("Made", handler)?;
    let labels: Vec<String> = (1..=300).map(|version| format!("a{version}")).collect();
    trial.publish(&labels).await?;
    trial.noted("one aggregate's events", &mut notes, &labels).await
}

/// While an event is handled, no other one of its aggregate is given.
pub async fn b2_one_after_the_other(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    trial.subscribe("Made", handler)?;
    trial.publish(["a1", "a2", "a3"]).await?;
    let first = trial.call_of(&mut calls, "a1").await?;
    trial.no_call("a1 is being handled", &mut calls).await?;
    first.end();
    let second = trial.call_of(&mut calls, "a2").await?;
    trial.no_call("a2 is being handled", &mut calls).await?;
    // A failure is an end as well.
    second.fail("as the check wants");
    trial.call_of(&mut calls, "a3").await?.end();
    Ok(())
}

/// Events of as many aggregates as allowed are handled at a time, and of no more.
pub async fn b2_aggregates_side_by_side_as_allowed(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    trial.subscribe_with("Made", handler, |options| {
        options.concurrency = NonZeroUsize::MIN.saturating_add(2);
    })?;
    trial.publish(["a1", "b1", "c1", "d1", "e1"]).await?;
    let mut running = trial.calls(&mut calls, 3).await?;
    let mut seen: BTreeSet<String> = running.iter().map(Call::label).collect();
    for _ in 0..2 {
        trial.no_call("three of three allowed are running", &mut calls).await?;
        running.remove(0).end();
        let next = trial.call(&mut calls).await?;
        seen.insert(next.label());
        running.push(next);
    }
    let all = ["a1", "b1", "c1", "d1", "e1"].map(str::to_owned);
    trial.equal("the events that were handled", seen, BTreeSet::from(all))
}

/// 1000 events are published while a handler does not end.
pub async fn b3_publish_does_not_wait(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    trial.subscribe_with("Made", handler, |options| options.concurrency = NonZeroUsize::MIN)?;
    let labels = (1..=1000).map(|version| format!("a{version}"));
    trial.publish(labels).await?;
    let first = trial.call_of(&mut calls, "a1").await?;
    trial.ensure(!first.is_dropped(), "the handler was dropped")
}

/// A handler that does not end delays no other subscription.
pub async fn b3_subscriptions_do_not_delay_each_other(trial: &Trial) -> Kept {
    let (slow, mut calls) = staged();
    let (fast, mut notes) = noting();
    trial.subscribe_with("Made", slow, |options| options.concurrency = NonZeroUsize::MIN)?;
    trial.subscribe("Made", fast)?;
    let labels: Vec<String> = (1..=100).map(|version| format!("a{version}")).collect();
    trial.publish(&labels[..1]).await?;
    let stuck = trial.call_of(&mut calls, "a1").await?;
    trial.publish(&labels[1..]).await?;
    trial
        .noted("events beside a handler that waits", &mut notes, &labels)
        .await?;
    trial.ensure(!stuck.is_dropped(), "the handler that waits was dropped")
}
