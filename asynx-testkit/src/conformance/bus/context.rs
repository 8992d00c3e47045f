//! In which context handlers run (B7).

use asynx_core::Metadata;
use asynx_core::bus::SubscriptionId;

use super::Trial;
use super::probe::{Call, made, named, staged, tombstone};
use crate::conformance::check::Kept;

/// The handler runs inside the context of its event, and was led to by these.
#[track_caller]
fn runs_inside(trial: &Trial, call: &Call, ancestors: &[SubscriptionId], strangers: &[SubscriptionId]) -> Kept {
    let looked_at = || {
        let label = call.label();
        let Some(context) = &call.context else {
            return Err(trial.broken(format!("the handler of {label} runs in no context")));
        };
        let mut inherited = Metadata::default();
        context.inherit(&mut inherited);
        let cause = Some(call.event.id.to_string());
        trial.equal(
            format!("the cause that the handler of {label} passes on"),
            inherited.causation_id,
            cause,
        )?;
        for (place, ancestry) in [("context", context.ancestry()), ("event", call.event.ancestry())] {
            for id in ancestors {
                trial.ensure(
                    ancestry.contains(*id),
                    format!("the {place} of {label} does not know {id} as ancestor"),
                )?;
            }
            for id in strangers {
                trial.ensure(
                    !ancestry.contains(*id),
                    format!("the {place} of {label} takes {id} for an ancestor"),
                )?;
            }
        }
        Ok(())
    };
    trial.asserted(looked_at())
}

/// Handlers and fallbacks find the context of their event, with their own subscription in it.
pub async fn b7_handlers_run_in_their_context(trial: &Trial) -> Kept {
    let (first, mut to_first) = staged();
    let (second, mut to_second) = staged();
    let (fallback, mut fallbacks) = staged();
    let first = trial.subscribe("Made", first)?;
    let second = trial.subscribe_with("Made", second, |options| options.fallback = Some(fallback))?;
    trial.publish(["a1"]).await?;
    let in_first = trial.call(&mut to_first).await?;
    runs_inside(trial, &in_first, &[first], &[second])?;
    let in_second = trial.call(&mut to_second).await?;
    runs_inside(trial, &in_second, &[second], &[first])?;
    in_second.fail("as the check wants");
    let in_fallback = trial.call(&mut fallbacks).await?;
    runs_inside(trial, &in_fallback, &[second], &[first])
}

/// The ancestry of a published event is kept.
pub async fn b7_the_ancestry_leads_on(trial: &Trial) -> Kept {
    let (first, mut to_first) = staged();
    let (second, mut to_second) = staged();
    let first = trial.subscribe("Made", first)?;
    let second = trial.subscribe("Caused", second)?;
    trial.publish_all(vec![made("a1")]).await?;
    let outer = trial.call(&mut to_first).await?;
    // As a processor publishes what a handler sent.
    let caused = named("Caused", "b1").with_ancestry(outer.event.ancestry().clone());
    trial.publish_all(vec![caused]).await?;
    let inner = trial.call(&mut to_second).await?;
    runs_inside(trial, &inner, &[first, second], &[])
}

/// Forget handlers find the context of the tombstone.
pub async fn b7_forget_handlers_run_in_their_context(trial: &Trial) -> Kept {
    let (forgets, mut to_forget) = staged();
    let id = trial.on_forget(forgets)?;
    let bus = std::sync::Arc::clone(&trial.bus);
    trial.runtime.spawn(Box::pin(async move {
        let _ = bus.forget(tombstone("a1")).await;
    }));
    let call = trial.call(&mut to_forget).await?;
    runs_inside(trial, &call, &[id], &[])
}
