use asynx_core::store::{AppendError, AppendGroup, GroupOutcome};
use asynx_core::{Aggregate, Event};

use crate::commit::refuse;
use crate::group::{Group, Item, Outcome};
use crate::options::Options;
use crate::shared::Shared;

/// Deliberate bugs, for proving that the simulator finds them.
#[cfg_attr(
    not(feature = "sabotage"),
    expect(unreachable_pub, reason = "exported with the feature")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// A rejection by a cached state is told without asking the store.
    NoFreshnessCheck,
    /// A group goes on behind an event that conflicted.
    KeepAfterConflict,
    /// Events are published before they are stored.
    PublishBeforeAppend,
    /// The tombstone does not pass through the shard.
    ForgetOutsideShard,
    /// A shutdown does not carry out what is queued.
    ShutdownDropsQueue,
    /// An append whose answer was lost counts as failed when its event is not there.
    SettleByAbsence,
    /// A rejection that rests on an event of the same batch is told before that event is stored.
    RejectByOverlay,
    /// A forget leaves snapshots, and lets late ones in.
    KeepSnapshots,
    /// A question is answered by a look that began before it was asked.
    JoinFreshnessCheck,
}

impl Options {
    #[cfg(feature = "sabotage")]
    pub(crate) fn is_sabotaged(&self, by: Sabotage) -> bool {
        self.sabotage == Some(by)
    }

    #[cfg(not(feature = "sabotage"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) const fn is_sabotaged(&self, _: Sabotage) -> bool {
        false
    }
}

/// Tells what is not stored yet.
pub(crate) fn tell_early<A: Aggregate>(shared: &Shared<A>, mut changing: Vec<Group<A>>) -> Vec<Group<A>> {
    if shared.is_sabotaged(Sabotage::PublishBeforeAppend) {
        for group in &changing {
            for pending in group
                .events
                .iter()
                .filter(|event| !event.record.event_name.is_tombstone())
            {
                let previous = pending.previous.as_deref().cloned();
                let (id, record, state) = (group.id().clone(), pending.record.clone(), pending.state.clone());
                let event = Event::new(id, record, None, previous, state.into_inner());
                let _ = shared.bus.publish(event);
            }
        }
    }
    if shared.is_sabotaged(Sabotage::RejectByOverlay) {
        for group in &mut changing {
            let is_early =
                |item: &mut Item<A>| !item.work.keyed && matches!(item.outcome, Outcome::No { after, .. } if after > 0);
            for item in group.items.extract_if(.., is_early) {
                if let Outcome::No { reason, .. } = item.outcome {
                    refuse(item.work, reason);
                }
            }
        }
    }
    changing
}

/// Appends what comes behind a conflict.
pub(crate) async fn keep_after_conflict<A: Aggregate>(
    shared: &Shared<A>,
    groups: &[AppendGroup],
    mut outcomes: Vec<GroupOutcome>,
) -> Vec<GroupOutcome> {
    if !shared.is_sabotaged(Sabotage::KeepAfterConflict) {
        return outcomes;
    }
    for (group, outcome) in groups.iter().zip(&mut outcomes) {
        let conflicted = outcome.applied.is_empty() && matches!(outcome.stopped, Some(AppendError::Conflict));
        if !conflicted || group.events.len() < 2 {
            continue;
        }
        let mut rest = group.clone();
        rest.events.remove(0);
        let again = shared.calls.append(&[rest]).await.pop();
        if let Some(again) = again.filter(|again| !again.applied.is_empty()) {
            outcome.applied = std::iter::once(None).chain(again.applied).collect();
            outcome.stopped = again.stopped;
        }
    }
    outcomes
}
