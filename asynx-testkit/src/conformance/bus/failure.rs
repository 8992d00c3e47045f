//! Handlers that fail (B4).

use std::sync::Arc;
use std::time::Duration;

use asynx_core::Event;
use asynx_core::bus::{Handler, handler};

use super::Trial;
use super::probe::{Probe, label, staged};
use crate::conformance::check::Kept;

/// Publishes `a1`, which fails, and `a2`; checks what follows.
#[track_caller]
fn falls_back(
    trial: &Trial,
    fails: Handler<Probe>,
    timeout: Option<Duration>,
    why: &str,
) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let (fallback, mut fallbacks) = staged();
        let id = trial.subscribe_with("Made", fails, |options| {
            options.fallback = Some(fallback);
            options.timeout = timeout;
        })?;
        trial.publish(["a1", "a2"]).await?;
        trial.told_of("a1", id, why).await?;
        trial.call_of(&mut fallbacks, "a1").await?.end();
        trial.told_of("a2", id, why).await?;
        trial.call_of(&mut fallbacks, "a2").await?.end();
        trial.no_call("all events have been handled", &mut fallbacks).await
    })
}

/// A handler that returns an error.
pub async fn b4_errors_are_told_and_fall_back(trial: &Trial) -> Kept {
    let fails = handler(|_: Event<Probe>| std::future::ready(Err::<(), _>("as the check wants")));
    falls_back(trial, fails, None, "as the check wants").await
}

/// A handler whose future panics.
pub async fn b4_panics_are_told_and_fall_back(trial: &Trial) -> Kept {
    let panics = handler(panics);
    falls_back(trial, panics, None, "that the check wants").await
}

async fn panics(event: Event<Probe>) {
    panic!("a panic on {} that the check wants", label(&event));
}

/// A handler that panics before it has made a future.
pub async fn b4_panics_when_called_are_told_and_fall_back(trial: &Trial) -> Kept {
    let panics: Handler<Probe> = Arc::new(|_| panic!("a panic that the check wants, before there is a future"));
    falls_back(trial, panics, None, "that the check wants").await
}

/// A handler that exceeds its timeout, and must be dropped.
pub async fn b4_timeouts_are_told_and_fall_back(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    let (fallback, mut fallbacks) = staged();
    let id = trial.subscribe_with("Made", handler, |options| {
        options.timeout = Some(Duration::from_millis(20));
        options.fallback = Some(fallback);
    })?;
    trial.publish(["a1", "a2"]).await?;
    let slow = trial.call_of(&mut calls, "a1").await?;
    trial.told_of("a1", id, "did not end within").await?;
    trial
        .within("a handler being dropped after its timeout", slow.dropped())
        .await?;
    trial.call_of(&mut fallbacks, "a1").await?.end();
    trial.call_of(&mut calls, "a2").await?.end();
    Ok(())
}

/// A fallback that fails as well; the next event waits for it.
pub async fn b4_failures_of_fallbacks_are_told(trial: &Trial) -> Kept {
    let (handler, mut calls) = staged();
    let (fallback, mut fallbacks) = staged();
    let id = trial.subscribe_with("Made", handler, |options| options.fallback = Some(fallback))?;
    trial.publish(["a1", "a2"]).await?;
    trial.call_of(&mut calls, "a1").await?.fail("the handler's failure");
    trial.told_of("a1", id, "the handler's failure").await?;
    let fallback = trial.call_of(&mut fallbacks, "a1").await?;
    trial.no_call("the fallback is running", &mut calls).await?;
    fallback.fail("the fallback's failure");
    trial.told_of("a1", id, "the fallback's failure").await?;
    trial.call_of(&mut calls, "a2").await?.end();
    trial.no_call("all events have been handled", &mut fallbacks).await
}
