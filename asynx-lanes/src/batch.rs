use std::sync::Arc;

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome};
use asynx_core::{StoreError, catch, catch_future};
use futures::future::{BoxFuture, Either, select};

use crate::lanes::Shared;

impl Shared {
    /// Appends groups. Those that fail for good as a whole are tried again by halves.
    pub(crate) fn append_all(&self, groups: Arc<[AppendGroup]>) -> BoxFuture<'_, Vec<GroupOutcome>> {
        Box::pin(async move {
            let outcomes = self.append_once(groups.clone()).await;
            if !self.options.halves || !outcomes.iter().all(is_refused) {
                return outcomes;
            }
            match &*groups {
                [] => outcomes,
                [group] if group.events.len() > 1 => self.append_halves(group).await,
                [_] => outcomes,
                _ => {
                    let (left, right) = groups.split_at(groups.len() / 2);
                    let mut outcomes = self.append_all(left.into()).await;
                    outcomes.extend(self.append_all(right.into()).await);
                    outcomes
                }
            }
        })
    }

    /// Appends the second half of a group only if the first was stored, so that what is stored is a prefix.
    async fn append_halves(&self, group: &AppendGroup) -> Vec<GroupOutcome> {
        let (left, right) = group.events.split_at(group.events.len() / 2);
        let half = |events: &[_]| {
            let stream = group.stream.clone();
            let events = events.to_vec();
            self.append_all(Arc::new([AppendGroup { stream, events }]))
        };
        let mut outcomes = half(left).await;
        if let [outcome] = &mut *outcomes
            && outcome.stopped.is_none()
        {
            for rest in half(right).await {
                outcome.applied.extend(rest.applied);
                outcome.stopped = rest.stopped;
            }
        }
        outcomes
    }

    /// One outcome per group, whatever the function does.
    async fn append_once(&self, groups: Arc<[AppendGroup]>) -> Vec<GroupOutcome> {
        let count = groups.len();
        let unknown = |error| vec![GroupOutcome::none(AppendError::Unknown(error)); count];
        let appending = match catch(|| (self.append)(groups)) {
            Ok(appending) => Box::pin(catch_future(appending)),
            Err(panic) => return unknown(StoreError::permanent(format!("the store {panic}"))),
        };
        let timeout = self.options.timeout;
        match select(appending, self.runtime.sleep(timeout)).await {
            Either::Left((Ok(outcomes), _)) if outcomes.len() == count => outcomes,
            Either::Left((Ok(outcomes), _)) => unknown(StoreError::permanent(format!(
                "the store gave {} outcomes for {count} groups",
                outcomes.len()
            ))),
            Either::Left((Err(panic), _)) => unknown(StoreError::permanent(format!("the store {panic}"))),
            Either::Right(((), _)) => unknown(StoreError::transient(format!(
                "the store did not append within {timeout:?}"
            ))),
        }
    }
}

/// Whether nothing of a group was stored, for a reason that will be the same next time.
fn is_refused(outcome: &GroupOutcome) -> bool {
    outcome.applied.is_empty()
        && matches!(&outcome.stopped, Some(AppendError::NotApplied(error)) if !error.is_transient())
}
