//! S10: calls whose futures are dropped.

use asynx_core::store::{AppendError, AppendGroup};
use asynx_core::{Position, StreamId, Version};
use futures::poll;

use super::Trial;
use super::check::Kept;
use super::law::with_causes;
use crate::samples;

/// How often a call is polled before it is dropped.
const POLLS: usize = 8;

/// Polls a call so often, giving it time in between, and drops it.
async fn abandon<T>(trial: &Trial, polls: usize, call: impl Future<Output = T>) {
    let mut call = Box::pin(call);
    for _ in 0..polls {
        if poll!(&mut call).is_ready() {
            return;
        }
        trial.pause().await;
    }
}

/// Appends that are dropped at any moment are stored wholly or not at all, and the stream goes on.
pub async fn s10_dropped_appends_happen_wholly_or_not(trial: &Trial) -> Kept {
    for polls in 0..POLLS {
        let stream = trial.stream(format!("one-{polls}"));
        trial.fill(&stream, 1, 1).await?;
        let event = samples::event(2);
        abandon(trial, polls, trial.store().append(&stream, event.clone())).await;
        goes_on(trial, &stream, std::slice::from_ref(&event)).await?;
    }
    Ok(())
}

/// Batches that are dropped at any moment store a prefix of each group, and the streams go on.
pub async fn s10_dropped_batches_store_prefixes(trial: &Trial) -> Kept {
    for polls in 0..POLLS {
        let streams: Vec<_> = (0..3).map(|n| trial.stream(format!("many-{polls}-{n}"))).collect();
        let mut groups: Vec<AppendGroup> = Vec::new();
        for stream in &streams {
            trial.fill(stream, 1, 1).await?;
            groups.push(samples::group(stream, 2, 3));
        }
        abandon(trial, polls, trial.store().append_batch(&groups)).await;
        for group in &groups {
            goes_on(trial, &group.stream, &group.events).await?;
        }
    }
    Ok(())
}

/// Reads and deletes that are dropped hinder nobody.
pub async fn s10_dropped_reads_hinder_nobody(trial: &Trial) -> Kept {
    let stream = trial.stream("read");
    trial.fill(&stream, 1, 3).await?;
    let gone = |polls: usize| trial.stream(format!("gone-{polls}"));
    for polls in 0..POLLS {
        let gone = gone(polls);
        trial.fill(&gone, 1, 1).await?;
        abandon(trial, polls, trial.store().read_from(&stream, Version::FIRST)).await;
        abandon(trial, polls, trial.store().heads(&[])).await;
        abandon(trial, polls, trial.store().load(&[])).await;
        abandon(trial, polls, trial.store().delete(&gone)).await;
        if let Some(log) = trial.log()? {
            abandon(trial, polls, log.end()).await;
            abandon(trial, polls, log.changed(None)).await;
        }
        trial.equal("the count after dropped calls", trial.count(&stream).await?, 3)?;
    }
    // The deletes may still be under way, but they end; and then deleting works.
    trial.grace().await;
    for polls in 0..POLLS {
        let gone = gone(polls);
        trial
            .ok("deleting after a dropped delete", trial.store().delete(&gone))
            .await?;
        trial.fill(&gone, 1, 1).await?;
    }
    Ok(())
}

/// Claims and puts of checkpoints that are dropped at any moment happen wholly or not at all, and the reader goes on.
pub async fn s10_dropped_checkpoints_are_kept_or_not(trial: &Trial) -> Kept {
    let Some(checkpoints) = trial.checkpoints()? else {
        return Ok(());
    };
    let reader = format!("{}-a", trial.category());
    let claim_again = || trial.ok("claiming after dropped calls", checkpoints.claim(&reader));
    let mut owned = claim_again().await?;
    for polls in 0..POLLS {
        let putting = Some(Position::new([0, 0, 1 + polls as u64]));
        abandon(trial, polls, checkpoints.put(&reader, putting, owned.fence)).await;
        abandon(trial, polls, checkpoints.get(&reader)).await;
        abandon(trial, polls, checkpoints.claim(&reader)).await;
        // They may still be under way, but they end.
        trial.grace().await;
        let claimed = claim_again().await?;
        let seen = format!("{owned:?} became {claimed:?} after a dropped put of {putting:?} and a dropped claim");
        let raised = claimed.fence.checked_sub(owned.fence);
        let position = claimed.position == putting || claimed.position == owned.position;
        trial.ensure(matches!(raised, Some(1 | 2)) && position, seen)?;
        owned = claimed;
    }
    Ok(())
}

/// After a dropped append of `events` behind one event, a stream holds a prefix of them and takes another.
#[track_caller]
fn goes_on(trial: &Trial, stream: &StreamId, events: &[asynx_core::store::NewEvent]) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let last = loop {
            let next = Version::after(trial.head(stream, None).await?.version).get();
            let event = samples::event(next);
            match trial.store().append(stream, event.clone()).await {
                Ok(_) => break event,
                // The dropped call came through after all.
                Err(AppendError::Conflict) => trial.step_back().await,
                Err(AppendError::NotApplied(error)) if error.is_transient() => trial.pause().await,
                Err(error) => {
                    let told = with_causes(&error);
                    return Err(trial.broken(format!("an append after a dropped one failed: {told}")));
                }
            }
        };
        let stored = trial.read(stream).await?;
        let dropped = stored.len().saturating_sub(2);
        let mine = [&events[..dropped.min(events.len())], &[last]].concat();
        let found: Vec<_> = stored
            .iter()
            .skip(1)
            .map(|event| (event.version, event.record.clone()))
            .collect();
        let expected: Vec<_> = mine.into_iter().map(|event| (event.version, event.record)).collect();
        let seen = format!(
            "after a dropped append and another one, {} events are stored",
            stored.len()
        );
        trial.ensure(found == expected, seen)?;
        let head = trial.head(stream, None).await?.version;
        trial.equal(
            "the head after a dropped append",
            head,
            stored.last().map(|event| event.version),
        )
    })
}
