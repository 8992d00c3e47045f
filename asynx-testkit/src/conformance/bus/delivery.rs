//! Deliveries (B5).

use asynx_core::Ancestry;

use super::Trial;
use super::probe::{made, staged};
use super::trial::end_of;
use crate::conformance::check::Kept;

/// A delivery ends with the last of two handlers, and what nobody wants has none.
pub async fn b5_ends_with_the_last_handler(trial: &Trial) -> Kept {
    let (first, mut to_first) = staged();
    let (second, mut to_second) = staged();
    trial.subscribe("Made", first)?;
    trial.subscribe("Made", second)?;
    let delivery = trial.publish_tracked(made("a1"))?;
    trial.equal("the subscriptions of a delivery", delivery.len(), 2)?;
    let mut delivered = end_of(delivery, Ancestry::default());
    trial.call_of(&mut to_first, "a1").await?.end();
    let last = trial.call_of(&mut to_second, "a1").await?;
    trial
        .waits("a delivery whose second handler runs", &mut delivered)
        .await?;
    last.end();
    trial.within("a delivery's end", delivered).await?;
    let nobody = trial.publish_tracked(super::probe::named("Other", "a2"))?;
    trial.ensure(nobody.is_empty(), "an event that nobody wants went to a subscription")
}

/// A delivery waits for a fallback.
pub async fn b5_ends_with_the_fallback(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    let (fallback, mut fallbacks) = staged();
    trial.subscribe_with("Made", handler, |options| options.fallback = Some(fallback))?;
    let mut delivered = trial.tracked("a1")?;
    trial.call_of(&mut calls, "a1").await?.fail("as the check wants");
    let fallback = trial.call_of(&mut fallbacks, "a1").await?;
    trial.waits("a delivery whose fallback runs", &mut delivered).await?;
    fallback.fail("as the check wants");
    trial.within("a delivery's end", delivered).await
}

/// A delivery does not wait for a subscription that ended; what runs is finished all the same.
pub async fn b5_ends_when_unsubscribed(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    let id = trial.subscribe("Made", handler)?;
    let running = trial.tracked("a1")?;
    let mut queued = trial.tracked("a2")?;
    let call = trial.call_of(&mut calls, "a1").await?;
    trial.waits("a queued event's delivery", &mut queued).await?;
    trial.unsubscribe(id)?;
    trial
        .within("a queued event's delivery after unsubscribe", queued)
        .await?;
    trial.ensure(!call.is_dropped(), "unsubscribe dropped a running handler")?;
    call.end();
    trial
        .within("a running event's delivery after unsubscribe", running)
        .await
}

/// A delivery knows its subscriptions, and does not wait for those that wait for it.
pub async fn b5_does_not_wait_for_who_waits(trial: &Trial) -> Kept {
    let (outer, mut to_outer) = staged();
    let (inner, mut to_inner) = staged();
    trial.subscribe("Made", outer)?;
    trial.publish(["a1"]).await?;
    let waits = trial.call_of(&mut to_outer, "a1").await?;
    trial.subscribe("Made", inner)?;
    let delivery = trial.publish_tracked(made("a2"))?;
    let ancestry = waits.event.ancestry().clone();
    let mut delivered = end_of(delivery, ancestry);
    let call = trial.call_of(&mut to_inner, "a2").await?;
    trial
        .waits("a delivery whose other handler runs", &mut delivered)
        .await?;
    call.end();
    let what = "a delivery that a handler waits for, which has it in its own queue";
    trial.within(what, delivered).await
}
