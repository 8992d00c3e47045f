use std::collections::VecDeque;
use std::time::Duration;

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, HeadQuery};
use asynx_core::{Aggregate, AggregateId, Error, Position, Runtime, StoreError};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{Either, select};

use crate::calls::Calls;
use crate::group::{Group, Outcome};
use crate::shard::{Shard, Wake, pause};

/// A group whose append has an unknown outcome.
pub(crate) struct Unsettled<A: Aggregate> {
    group: Group<A>,
    /// The positions of the events that are known to be stored, from the group's first on.
    applied: Vec<Option<Position>>,
    /// What the store said last.
    said: StoreError,
}

/// What was found out.
pub(crate) struct Settled<A: Aggregate> {
    unsettled: Unsettled<A>,
    rest: Rest,
}

enum Rest {
    /// Every event is stored.
    None,
    /// Another event has the version: the rest is not stored and never will be.
    Lost,
    /// Nobody knows yet.
    Unknown,
    /// Nobody will ever know: the aggregate was forgotten, and its ids are gone.
    Forgotten,
}

impl<A: Aggregate> Shard<A> {
    /// Parks an aggregate until it is known what became of its append. Until then it takes no other append, and
    /// nothing that is known of it is relied on.
    pub(crate) fn settle(&mut self, mut group: Group<A>, applied: usize, said: StoreError) {
        // What was applied has been told already.
        group.events.drain(..applied);
        for item in &mut group.items {
            match &mut item.outcome {
                Outcome::Event(at) | Outcome::SameAs(at) => *at -= applied,
                Outcome::No { after, .. } => *after -= applied,
            }
        }
        let id = group.id().clone();
        self.cache().void(&id);
        self.settle_again(
            id,
            Unsettled {
                group,
                applied: Vec::new(),
                said,
            },
        );
    }

    pub(crate) fn settle_again(&mut self, id: AggregateId, unsettled: Unsettled<A>) {
        self.park(&id, []);
        let shared = self.shared.clone();
        let (reply, settled) = oneshot::channel();
        // A task of its own: within this worker it would stand still, with a connection of the store in its hands
        // perhaps, while the worker waits for another.
        let settling = async move {
            let (calls, runtime) = (&shared.calls, &*shared.runtime);
            let settled = settle(calls, runtime, shared.options.settle_for, unsettled).await;
            let _ = reply.send(Box::new(settled));
        };
        self.shared.tasks.spawn(&*self.shared.runtime, settling);
        let wake = settled.map(|settled| match settled {
            Ok(settled) => Wake::Settled(settled),
            Err(_) => Wake::Retry(id),
        });
        self.waking.push(wake.boxed());
    }

    /// Goes on with an aggregate whose append was settled, or could not be.
    pub(crate) fn settled(&mut self, settled: Settled<A>) {
        let Settled { mut unsettled, rest } = settled;
        let id = unsettled.group.id().clone();
        // Taken out first, so that the group's own commands come before those that waited behind them.
        let waiting = self.unparked(&id);
        if matches!(rest, Rest::Unknown) {
            self.give_up(unsettled, waiting);
            return;
        }
        self.cache().restore(&id);
        if matches!(rest, Rest::Forgotten) {
            self.never_known(unsettled);
            self.carry.extend(waiting);
            return;
        }
        unsettled.group.fresh = false;
        let outcome = GroupOutcome {
            applied: unsettled.applied,
            stopped: matches!(rest, Rest::Lost).then_some(AppendError::Conflict),
        };
        self.conclude(unsettled.group, outcome);
        self.carry.extend(waiting);
    }

    fn give_up(&mut self, mut unsettled: Unsettled<A>, waiting: VecDeque<crate::work::Work<A>>) {
        let stream = unsettled.group.stream.clone();
        for item in std::mem::take(&mut unsettled.group.items) {
            let (stream, source) = (stream.clone(), unsettled.said.clone());
            item.work.run.fail(match item.outcome {
                Outcome::Event(_) | Outcome::SameAs(_) => Error::Unknown { stream, source },
                Outcome::No { .. } => Error::Unsettled { stream, source },
            });
        }
        for work in waiting {
            let (stream, source) = (stream.clone(), unsettled.said.clone());
            work.run.fail(Error::Unsettled { stream, source });
        }
        let id = stream.aggregate_id;
        self.unsettled.insert(id.clone(), unsettled);
        // Tried again with the next command, or after a while: an event that is stored is to be published.
        let sleep = self.shared.runtime.sleep(self.shared.options.settle_for);
        self.waking.push(sleep.map(move |()| Wake::Resettle(id)).boxed());
    }

    /// The aggregate was forgotten meanwhile, and with it what could tell whether the events were stored.
    fn never_known(&mut self, unsettled: Unsettled<A>) {
        for item in unsettled.group.items {
            match item.outcome {
                Outcome::Event(_) | Outcome::SameAs(_) => item.work.run.fail(Error::Unknown {
                    stream: unsettled.group.stream.clone(),
                    source: StoreError::permanent("the aggregate was forgotten before it could be found out"),
                }),
                Outcome::No { .. } => self.carry.push(item.work),
            }
        }
    }
}

/// Appends the same events again until it is known what became of them. That an event is absent proves nothing: the
/// statement that nobody heard back from may still commit.
async fn settle<A: Aggregate>(
    calls: &Calls,
    runtime: &dyn Runtime,
    patience: Duration,
    mut unsettled: Unsettled<A>,
) -> Settled<A> {
    let attempts = attempts(calls, runtime, &mut unsettled).boxed();
    let rest = match select(attempts, runtime.sleep(patience)).await {
        Either::Left((rest, _)) => rest,
        Either::Right(_) => Rest::Unknown,
    };
    Settled { unsettled, rest }
}

async fn attempts<A: Aggregate>(calls: &Calls, runtime: &dyn Runtime, unsettled: &mut Unsettled<A>) -> Rest {
    let mut tries = 0;
    loop {
        match attempt(calls, unsettled).await {
            Ok(Some(rest)) => return rest,
            Ok(None) => {}
            Err(said) => unsettled.said = said,
        }
        tries += 1;
        runtime.sleep(pause(tries, runtime.entropy())).await;
    }
}

/// One look and one append; `None` where it must be tried again.
async fn attempt<A: Aggregate>(calls: &Calls, unsettled: &mut Unsettled<A>) -> Result<Option<Rest>, StoreError> {
    let Unsettled { group, applied, .. } = unsettled;
    let open = &group.events[applied.len()..];
    let queries: Vec<HeadQuery> = open
        .iter()
        .map(|event| HeadQuery {
            stream: group.stream.clone(),
            event_id: Some(event.new.event_id),
        })
        .collect();
    for (head, event) in calls.heads(&queries).await.into_iter().zip(open) {
        let head = head?;
        let version = Some(event.new.version);
        match &head.found {
            Some(found) if event.is(found) => applied.push(found.position),
            // Another process has used the key.
            Some(_) => return Ok(Some(Rest::Lost)),
            // Its id may have been there, and gone with the life that was forgotten.
            None if head.floor >= version => return Ok(Some(Rest::Forgotten)),
            // The head is no newer than the look-up: a taken version is another's.
            None if head.version >= version => return Ok(Some(Rest::Lost)),
            None => break,
        }
    }
    let open = &group.events[applied.len()..];
    if open.is_empty() {
        return Ok(Some(Rest::None));
    }
    let again = AppendGroup {
        stream: group.stream.clone(),
        events: open.iter().map(|event| event.new.clone()).collect(),
    };
    let outcome = calls.append(std::slice::from_ref(&again)).await.pop();
    let Some(outcome) = outcome else {
        return Ok(None);
    };
    applied.extend(outcome.applied);
    match outcome.stopped {
        None => Ok(Some(Rest::None)),
        // The next look tells whose it is.
        Some(AppendError::Conflict | AppendError::Duplicate { .. }) => Ok(None),
        Some(AppendError::NotApplied(said) | AppendError::Unknown(said)) => Err(said),
    }
}
