use std::any::Any;

use asynx_core::store::{AppendError, GroupOutcome};
use asynx_testkit::layers::{Answer, CallInfo, Intercept};
use futures::future::BoxFuture;

use super::words::Word;
use crate::process::say;

/// A layer that reports appends of which the store cannot tell what became: the handle has to find out.
pub(super) struct Doubts;

impl Intercept for Doubts {
    type Decision = ();

    fn decide(&self, _: CallInfo) {}

    fn intercept<T: Answer>(&self, _: CallInfo, (): (), run: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        Box::pin(async move {
            let answer = run.await;
            let outcomes = (&answer as &dyn Any).downcast_ref::<Vec<GroupOutcome>>();
            let doubts = outcomes.map_or(0, |outcomes| {
                outcomes.iter().filter(|outcome| is_unknown(outcome)).count()
            });
            if doubts > 0 {
                say(&Word::Doubts(doubts as u64).tell());
            }
            answer
        })
    }
}

fn is_unknown(outcome: &GroupOutcome) -> bool {
    matches!(outcome.stopped, Some(AppendError::Unknown(_)))
}
