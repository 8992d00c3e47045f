use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, Head, HeadQuery, Load, Loaded, StoredEvent};
use asynx_core::{Runtime, Store, StoreError, StreamId, Version, catch, catch_future};
use futures::future::{BoxFuture, Either, select};

/// The store, such that every call has an answer: in time, and whatever it does.
#[derive(Clone)]
pub(crate) struct Calls {
    store: Arc<dyn Store>,
    runtime: Arc<dyn Runtime>,
    timeout: Duration,
}

impl Calls {
    pub(crate) fn new(store: Arc<dyn Store>, runtime: Arc<dyn Runtime>, timeout: Duration) -> Self {
        Self {
            store,
            runtime,
            timeout,
        }
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// One outcome per group, whatever the store answers.
    pub(crate) async fn append(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        let unknown = |error: StoreError| {
            let outcome = GroupOutcome::none(AppendError::Unknown(error));
            vec![outcome; groups.len()]
        };
        match self.bounded(|| self.store.append_batch(groups)).await {
            Ok(mut outcomes) if outcomes.len() == groups.len() => {
                for (outcome, group) in outcomes.iter_mut().zip(groups) {
                    check_plausible(outcome, group);
                }
                outcomes
            }
            Ok(outcomes) => unknown(StoreError::permanent(format!(
                "the store gave {} outcomes for {} groups",
                outcomes.len(),
                groups.len()
            ))),
            Err(error) => unknown(error),
        }
    }

    pub(crate) async fn heads(&self, queries: &[HeadQuery]) -> Vec<Result<Head, StoreError>> {
        self.each(queries, |queries| self.store.heads(queries)).await
    }

    pub(crate) async fn load(&self, loads: &[Load]) -> Vec<Result<Loaded, StoreError>> {
        self.each(loads, |loads| self.store.load(loads)).await
    }

    /// Asks all at once. When the store refuses for good, they are asked one by one, so that a bad one fails alone.
    async fn each<'a, Q: Sync, T: Send>(
        &'a self,
        questions: &'a [Q],
        ask: impl Fn(&'a [Q]) -> BoxFuture<'a, Result<Vec<T>, StoreError>> + Sync,
    ) -> Vec<Result<T, StoreError>> {
        if questions.is_empty() {
            return Vec::new();
        }
        match self.ask(questions, &ask).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(error) if error.is_transient() || questions.len() == 1 => {
                questions.iter().map(|_| Err(error.clone())).collect()
            }
            Err(_) => {
                let mut answers = Vec::with_capacity(questions.len());
                for question in questions.chunks(1) {
                    let answer = self.ask(question, &ask).await.map(|mut answers| answers.pop());
                    let none = || StoreError::permanent("the store gave no answer");
                    answers.push(answer.and_then(|answer| answer.ok_or_else(none)));
                }
                answers
            }
        }
    }

    async fn ask<'a, Q: Sync, T: Send>(
        &'a self,
        questions: &'a [Q],
        ask: &(impl Fn(&'a [Q]) -> BoxFuture<'a, Result<Vec<T>, StoreError>> + Sync),
    ) -> Result<Vec<T>, StoreError> {
        let answers = self.bounded(|| ask(questions)).await??;
        self.as_many(answers, questions.len())
    }

    pub(crate) async fn read_range(
        &self,
        stream: &StreamId,
        from: Version,
        count: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.bounded(|| self.store.read_range(stream, from, count)).await?
    }

    /// A call to the store, or to a part of it: a panic and a timeout become errors.
    pub(crate) async fn bounded<'a, T>(&self, call: impl FnOnce() -> BoxFuture<'a, T>) -> Result<T, StoreError> {
        let panicked = |panic| StoreError::permanent(format!("the store {panic}"));
        let mut call = pin!(catch_future(catch(call).map_err(panicked)?));
        // A store in memory answers at once and needs no timer.
        if let Poll::Ready(answer) = futures::poll!(call.as_mut()) {
            return answer.map_err(panicked);
        }
        match select(call, self.runtime.sleep(self.timeout)).await {
            Either::Left((answer, _)) => answer.map_err(panicked),
            Either::Right(((), _)) => Err(StoreError::transient(format!(
                "the store did not answer within {:?}",
                self.timeout
            ))),
        }
    }

    fn as_many<T>(&self, answers: Vec<T>, wanted: usize) -> Result<Vec<T>, StoreError> {
        if answers.len() == wanted {
            return Ok(answers);
        }
        Err(StoreError::permanent(format!(
            "the store gave {} answers to {wanted} questions",
            answers.len()
        )))
    }
}

/// An outcome counts if all was applied, or it was stopped with a reason; else nothing is known.
fn check_plausible(outcome: &mut GroupOutcome, group: &AppendGroup) {
    let (applied, asked) = (outcome.applied.len(), group.events.len());
    let fits = match outcome.stopped {
        None => applied == asked,
        Some(_) => applied < asked,
    };
    if !fits {
        *outcome = GroupOutcome::none(AppendError::Unknown(StoreError::permanent(format!(
            "the store says that it applied {applied} of {asked} events, which does not fit the rest of its answer"
        ))));
    }
}
