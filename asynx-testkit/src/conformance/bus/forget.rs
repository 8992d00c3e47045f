//! Forgetting (B6).

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;

use asynx_core::bus::{HandlerFailure, handler};
use asynx_core::{BusError, Event};
use futures::channel::oneshot;
use futures::future::{self, MaybeDone};

use super::Trial;
use super::probe::{Probe, noting, staged, tombstone};
use crate::conformance::check::Kept;

/// The answer of a forget.
type Answer = MaybeDone<oneshot::Receiver<Result<(), BusError>>>;

/// Forgets in a task of its own, so that it goes on by itself.
fn forget(trial: &Trial, tombstone: Event<Probe>) -> Answer {
    let (done, forgotten) = oneshot::channel();
    let bus = Arc::clone(&trial.bus);
    trial.runtime.spawn(Box::pin(async move {
        let _ = done.send(bus.forget(tombstone).await);
    }));
    future::maybe_done(forgotten)
}

#[track_caller]
fn answer_of(trial: &Trial, mut forgetting: Answer) -> impl Future<Output = Kept<Result<(), BusError>>> {
    trial.asks(async move {
        trial.within("forgetting", &mut forgetting).await?;
        let answer = Pin::new(&mut forgetting).take_output();
        answer
            .and_then(Result::ok)
            .ok_or_else(|| trial.broken("forget panicked"))
    })
}

#[track_caller]
fn forgotten(trial: &Trial, forgetting: Answer) -> impl Future<Output = Kept> {
    trial.asserts(async move { trial.ok("forgetting", answer_of(trial, forgetting).await?) })
}

/// Forget handlers wait for all that was given of the aggregate, to two subscriptions and a fallback.
pub async fn b6_waits_for_what_was_given(trial: &Trial) -> Kept {
    let (first, mut to_first) = staged();
    let (second, mut to_second) = staged();
    let (fallback, mut fallbacks) = staged();
    let (forgets, mut to_forget) = staged();
    trial.subscribe("Made", first)?;
    trial.subscribe_with("Made", second, |options| options.fallback = Some(fallback))?;
    trial.on_forget(forgets)?;
    trial.publish(["a1", "a2"]).await?;
    let mut ending = forget(trial, tombstone("a3"));
    for label in ["a1", "a2"] {
        trial.call_of(&mut to_first, label).await?.end();
    }
    trial.call_of(&mut to_second, "a1").await?.end();
    trial.call_of(&mut to_second, "a2").await?.fail("as the check wants");
    let last = trial.call_of(&mut fallbacks, "a2").await?;
    trial
        .no_call("a fallback of that aggregate is running", &mut to_forget)
        .await?;
    last.end();
    let forgets = trial.call_of(&mut to_forget, "a3").await?;
    trial.waits("forget, whose handler runs,", &mut ending).await?;
    forgets.end();
    forgotten(trial, ending).await
}

/// A forget does not wait for other aggregates.
pub async fn b6_waits_for_no_other_aggregate(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    trial.subscribe_with("Made", handler, |options| options.concurrency = NonZeroUsize::MIN)?;
    trial.publish(["a1", "b1"]).await?;
    let _stuck = trial.call(&mut calls).await?;
    forgotten(trial, forget(trial, tombstone("c1"))).await
}

/// What is published after a forget began waits until it ended; other aggregates do not.
pub async fn b6_new_lives_wait(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    let (forgets, mut to_forget) = staged();
    trial.subscribe("Made", handler)?;
    trial.on_forget(forgets)?;
    let ending = forget(trial, tombstone("a2"));
    let forgets = trial.call_of(&mut to_forget, "a2").await?;
    trial.publish(["a3", "b1"]).await?;
    trial.call_of(&mut calls, "b1").await?.end();
    trial.no_call("a forget handler is running", &mut calls).await?;
    forgets.end();
    trial.call_of(&mut calls, "a3").await?.end();
    forgotten(trial, ending).await
}

/// When a forget handler fails, the others run all the same, and the answer tells of it.
pub async fn b6_all_have_succeeded(trial: &Trial) -> Kept {
    let (good, mut notes) = noting();
    trial.on_forget(Arc::clone(&good))?;
    let fails = trial.on_forget(handler(|_: Event<Probe>| {
        future::ready(Err::<(), _>("the forget handler's failure"))
    }))?;
    trial.on_forget(good)?;
    match answer_of(trial, forget(trial, tombstone("a1"))).await? {
        Err(BusError::ForgetHandler { subscription, failure }) => {
            trial.equal("the forget handler that failed", subscription, fails)?;
            let failed = matches!(&*failure, HandlerFailure::Failed(error) if error.to_string().contains("failure"));
            trial.ensure(
                failed,
                format!("the failure of a forget handler was told as {failure:?}"),
            )?;
        }
        other => {
            return Err(trial.broken(format!(
                "forget, one of whose handlers failed, was answered by {other:?}"
            )));
        }
    }
    trial.told_of("a1", fails, "the forget handler's failure").await?;
    trial
        .noted("forget handlers beside one that failed", &mut notes, &["a1", "a1"])
        .await?;
    trial.unsubscribe(fails)?;
    forgotten(trial, forget(trial, tombstone("a1"))).await
}

/// A forget that a handler waits for does not wait for that handler.
pub async fn b6_from_inside_a_handler(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    let (other, mut others) = staged();
    trial.subscribe("Made", handler)?;
    trial.subscribe("Made", other)?;
    let (forgets, mut to_forget) = staged();
    trial.on_forget(forgets)?;
    trial.publish(["a1"]).await?;
    let inside = trial.call_of(&mut calls, "a1").await?;
    let beside = trial.call_of(&mut others, "a1").await?;
    let by_it = tombstone("a2").with_ancestry(inside.event.ancestry().clone());
    let ending = forget(trial, by_it);
    trial
        .no_call("a handler that does not wait for the forget is running", &mut to_forget)
        .await?;
    beside.end();
    trial.call_of(&mut to_forget, "a2").await?.end();
    forgotten(trial, ending).await?;
    inside.end();
    Ok(())
}
