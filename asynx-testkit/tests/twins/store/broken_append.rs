//! What is broken in appending.

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, NewEvent};
use asynx_core::{EventId, Position, StoreError, Version};
use asynx_testkit::ThreadRuntime;
use bytes::Bytes;

use super::broken::Broken;
use super::mutation::Mutation;

impl Broken {
    fn append_group(&self, group: &AppendGroup) -> GroupOutcome {
        let outcome = self.staged.append_batch(std::slice::from_ref(group)).remove(0);
        for event in &group.events {
            self.scratch().records.insert(event.event_id, event.record.clone());
        }
        let handle = self.staged.handle;
        for event in &group.events[..outcome.applied.len()] {
            let place = (group.stream.clone(), event.version);
            self.scratch().appended_by.insert(place, handle);
        }
        let now = self.scratch().reads;
        for position in outcome.applied.iter().flatten() {
            self.scratch().young.insert(*position, now);
        }
        outcome
    }

    /// What a broken store makes of a group before it appends it; `Err` where it answers at once.
    fn twist(&self, group: &mut AppendGroup) -> Result<(), GroupOutcome> {
        let head = self.head(&group.stream, None).version;
        let first = group.events[0].version;
        let taken = |event: &NewEvent| self.head(&group.stream, Some(event.event_id)).found;
        match self.mutation {
            Mutation::GroupsSkipTakenVersions if Some(first) == head && group.events.len() > 1 => {
                group.events.remove(0);
            }
            Mutation::GapsAreTaken if first > Version::after(head) && group.events.len() == 1 => {
                return Err(GroupOutcome {
                    applied: vec![Some(Position::new([0, 1, 1]))],
                    stopped: None,
                });
            }
            Mutation::TakenIdsAreStored => {
                for event in &mut group.events {
                    let stream = group.stream.clone();
                    let found = self.head(&stream, Some(event.event_id)).found;
                    if found.is_some_and(|found| found.record.is_some()) {
                        event.event_id = EventId::generate(&ThreadRuntime);
                    }
                }
            }
            Mutation::IdsAreOfTheHandle => {
                for event in &mut group.events {
                    let found = self.head(&group.stream, Some(event.event_id)).found;
                    if found.is_some_and(|found| self.is_foreign(&group.stream, found.version)) {
                        event.event_id = EventId::generate(&ThreadRuntime);
                    }
                }
            }
            Mutation::ErasedIdsAreFree => {
                for event in &mut group.events {
                    let stream = group.stream.clone();
                    let found = self.head(&stream, Some(event.event_id)).found;
                    if found.is_some_and(|found| found.record.is_none()) {
                        event.event_id = EventId::generate(&ThreadRuntime);
                    }
                }
            }
            Mutation::VersionIsCheckedBeforeId if first != Version::after(head) => {
                return Err(GroupOutcome::none(AppendError::Conflict));
            }
            Mutation::GroupsStopAtTakenIds => {
                if let Some(at) = group.events.iter().position(|event| taken(event).is_some()) {
                    group.events.truncate(at.max(1));
                }
            }
            Mutation::PrefixesAreNotTold => {
                let gap = group
                    .events
                    .windows(2)
                    .position(|pair| pair[1].version != pair[0].version.next());
                if let Some(gap) = gap {
                    group.events.truncate(gap + 1);
                    self.append_group(group);
                    let error = StoreError::permanent("a gap");
                    return Err(GroupOutcome::none(AppendError::NotApplied(error)));
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn append_twisted(&self, group: &AppendGroup) -> GroupOutcome {
        let mut group = AppendGroup {
            stream: self.taken_for(&group.stream),
            events: group.events.clone(),
        };
        if group.events.is_empty() {
            return self.append_group(&group);
        }
        if let Err(outcome) = self.twist(&mut group) {
            return outcome;
        }
        if self.is(Mutation::GroupsStopAtTakenIds) && group.events.len() > 1 {
            return self.append_group(&group);
        }
        let buffers: Vec<_> = group
            .events
            .iter()
            .map(|event| (event.version, event.record.clone()))
            .collect();
        if self.is(Mutation::BuffersAreUsedAgain) {
            for event in &mut group.events {
                event.record = Bytes::copy_from_slice(&event.record);
            }
        }
        let mut outcome = self.append_group(&group);
        if outcome.stopped.is_none() {
            let mut scratch = self.scratch();
            scratch.stale.insert(group.stream.clone());
            let buffers = buffers.into_iter();
            scratch
                .buffers
                .extend(buffers.map(|(version, buffer)| ((group.stream.clone(), version), buffer)));
        }
        if self.is(Mutation::AppendsAnswerOtherPositions) {
            for position in outcome.applied.iter_mut().flatten() {
                let [epoch, transaction, number] = position.parts();
                *position = Position::new([epoch, transaction, number - 1]);
            }
        }
        outcome
    }
}
