use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use asynx_core::StreamId;
use asynx_core::store::{AppendGroup, GroupOutcome};
use futures::channel::oneshot;

use crate::LaneOptions;

/// What waits, and what is under way.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Waiting>,
    /// The streams that have an append under way. Never iterated.
    busy: HashSet<StreamId>,
    running: usize,
}

struct Waiting {
    group: AppendGroup,
    answer: oneshot::Sender<GroupOutcome>,
}

/// What one append takes.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) groups: Arc<[AppendGroup]>,
    pub(crate) answers: Vec<oneshot::Sender<GroupOutcome>>,
}

impl Queue {
    pub(crate) fn push(&mut self, group: AppendGroup) -> oneshot::Receiver<GroupOutcome> {
        let (answer, outcome) = oneshot::channel();
        self.waiting.push_back(Waiting { group, answer });
        outcome
    }

    /// Begins a lane, if there is a free one and something for it to do.
    pub(crate) fn begin(&mut self, options: &LaneOptions) -> Option<Taken> {
        if self.running >= options.lanes.max(1) {
            return None;
        }
        let taken = self.take(options)?;
        self.running += 1;
        Some(taken)
    }

    /// How many groups wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What a lane does next; `None`: it has ended.
    pub(crate) fn go_on(&mut self, options: &LaneOptions) -> Option<Taken> {
        let next = self.take(options);
        if next.is_none() {
            self.running -= 1;
        }
        next
    }

    /// Ends a lane in the middle of its append.
    pub(crate) fn end(&mut self, dropped: &[AppendGroup]) {
        self.free(dropped);
        self.running -= 1;
    }

    /// Ends the append of a lane, which goes on or ends.
    pub(crate) fn free(&mut self, groups: &[AppendGroup]) {
        for group in groups {
            self.busy.remove(&group.stream);
        }
    }

    /// Takes what fits, in order. A group whose stream is under way waits, and so do those of its stream behind it.
    fn take(&mut self, options: &LaneOptions) -> Option<Taken> {
        let (mut groups, mut answers) = (Vec::new(), Vec::new());
        let (mut events, mut bytes) = (0_usize, 0_usize);
        let mut passed_over = VecDeque::new();
        while let Some(next) = self.waiting.pop_front() {
            if next.answer.is_canceled() {
                continue;
            }
            if self.busy.contains(&next.group.stream) && !options.shares_streams() {
                passed_over.push_back(next);
                continue;
            }
            events = events.saturating_add(next.group.events.len());
            bytes = next
                .group
                .events
                .iter()
                .map(|event| event.record.len())
                .fold(bytes, usize::saturating_add);
            if !groups.is_empty() && (events > options.max_events || bytes > options.max_bytes) {
                passed_over.push_back(next);
                break;
            }
            self.busy.insert(next.group.stream.clone());
            groups.push(next.group);
            answers.push(next.answer);
        }
        if !passed_over.is_empty() {
            passed_over.append(&mut self.waiting);
            self.waiting = passed_over;
        }
        (!groups.is_empty()).then(|| Taken {
            groups: groups.into(),
            answers,
        })
    }
}
