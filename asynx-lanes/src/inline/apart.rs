use std::sync::Arc;

use asynx_core::StoreError;
use asynx_core::store::{AppendError, AppendGroup, GroupOutcome};
use futures::future::BoxFuture;

/// Tries to append groups in one transaction. An error: one of them is to blame, and nothing is stored of any.
pub type TryAppend<'a> =
    dyn Fn(Arc<[AppendGroup]>) -> BoxFuture<'a, Result<Vec<GroupOutcome>, StoreError>> + Send + Sync + 'a;

/// Appends groups together; where one is to blame that it fails, each alone. Of one that fails for good alone, what
/// comes before the event that is to blame is stored.
///
/// What was not begun when there is no time any more is not applied, and may be tried again.
pub async fn apart<'a>(
    groups: Arc<[AppendGroup]>,
    try_append: &TryAppend<'a>,
    has_time: &(dyn Fn() -> bool + Send + Sync),
) -> Vec<GroupOutcome> {
    let error = match try_append(Arc::clone(&groups)).await {
        Ok(outcomes) => return outcomes,
        Err(error) => error,
    };
    if let [group] = &*groups {
        return vec![divided(group, error, try_append, has_time).await];
    }
    let mut outcomes = Vec::with_capacity(groups.len());
    for group in &*groups {
        if !has_time() {
            outcomes.push(not_begun());
            continue;
        }
        outcomes.push(match try_append(Arc::new([group.clone()])).await {
            Ok(outcome) => outcome.into_iter().next().unwrap_or_else(not_begun),
            Err(error) => divided(group, error, try_append, has_time).await,
        });
    }
    outcomes
}

/// Appends the events of a group up to the one that is to blame. The second half only if the first was stored, so that
/// what is stored is a prefix.
fn divided<'b, 'a: 'b>(
    group: &'b AppendGroup,
    error: StoreError,
    try_append: &'b TryAppend<'a>,
    has_time: &'b (dyn Fn() -> bool + Send + Sync),
) -> BoxFuture<'b, GroupOutcome> {
    Box::pin(async move {
        let mut whole = GroupOutcome {
            applied: Vec::new(),
            stopped: None,
        };
        if group.events.len() < 2 || error.is_transient() || !has_time() {
            return GroupOutcome::none(AppendError::NotApplied(error));
        }
        let (left, right) = group.events.split_at(group.events.len() / 2);
        for events in [left, right] {
            let half = AppendGroup {
                stream: group.stream.clone(),
                events: events.to_vec(),
            };
            let outcome = match try_append(Arc::new([half.clone()])).await {
                Ok(outcome) => outcome.into_iter().next().unwrap_or_else(not_begun),
                Err(error) => divided(&half, error, try_append, has_time).await,
            };
            whole.applied.extend(outcome.applied);
            whole.stopped = outcome.stopped;
            if whole.stopped.is_some() {
                break;
            }
        }
        whole
    })
}

fn not_begun() -> GroupOutcome {
    let late = StoreError::transient("another append of the same batch took too long, so this one was not begun");
    GroupOutcome::none(AppendError::NotApplied(late))
}
