use std::collections::VecDeque;

use asynx_core::store::{AppendError, AppendGroup, ForgetPolicy, FoundEvent, GroupOutcome, Head, HeadQuery};
use asynx_core::{Aggregate, AggregateId, Error, EventId, Position, StoreError, Version};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{Either, select};

use crate::calls::Calls;
use crate::group::{Group, Outcome, Pending};
use crate::sabotage::Sabotage;
use crate::shard::{Shard, Wake, pause};
use crate::shared::Shared;

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
    /// The next event's id stands for an event of another version: the rest is not stored and never will be.
    Duplicate(EventId),
    /// The same, and that event has been forgotten since, so that nobody can tell whose it was.
    Forgotten(EventId, Version),
    /// The versions were erased wholly: nobody will ever know, and nothing can come of it any more.
    Untold,
    /// Nobody knows yet.
    Unknown,
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
            let settled = settle(&shared, unsettled).await;
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
        unsettled.group.fresh = false;
        let outcome = GroupOutcome {
            applied: unsettled.applied,
            stopped: match rest {
                Rest::None | Rest::Unknown => None,
                Rest::Lost => Some(AppendError::Conflict),
                Rest::Duplicate(event_id) | Rest::Forgotten(event_id, _) => Some(AppendError::Duplicate { event_id }),
                Rest::Untold => Some(AppendError::Unknown(erased())),
            },
        };
        if let Rest::Forgotten(event_id, version) = rest {
            let items = &mut unsettled.group.items;
            for item in items.extract_if(.., |item| item.work.event_id == event_id) {
                let stream = unsettled.group.stream.clone();
                item.work.run.fail(Error::Forgotten { stream, version });
            }
        }
        match rest {
            Rest::Untold => self.untold(unsettled.group, &outcome),
            _ => self.conclude(unsettled.group, outcome),
        }
        self.carry.extend(waiting);
    }

    /// To run the commands of these events again could carry them out twice.
    fn untold(&mut self, mut group: Group<A>, outcome: &GroupOutcome) {
        for item in self.accept(&mut group, outcome) {
            match item.outcome {
                Outcome::Event(_) | Outcome::SameAs(_) => item.work.run.fail(Error::Unknown {
                    stream: group.stream.clone(),
                    source: erased(),
                }),
                Outcome::No { .. } => self.carry.push(item.work),
            }
        }
        self.cache().remove(group.id());
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
}

fn erased() -> StoreError {
    StoreError::permanent("what was stored at its version has been erased since")
}

/// Appends the same events again until it is known what became of them. That an event is absent proves nothing: the
/// statement that nobody heard back from may still commit.
async fn settle<A: Aggregate>(shared: &Shared<A>, mut unsettled: Unsettled<A>) -> Settled<A> {
    let attempts = attempts(shared, &mut unsettled).boxed();
    let rest = match select(attempts, shared.runtime.sleep(shared.options.settle_for)).await {
        Either::Left((rest, _)) => rest,
        Either::Right(_) => Rest::Unknown,
    };
    Settled { unsettled, rest }
}

async fn attempts<A: Aggregate>(shared: &Shared<A>, unsettled: &mut Unsettled<A>) -> Rest {
    let absence = shared.is_sabotaged(Sabotage::SettleByAbsence);
    let mut tries = 0;
    loop {
        match attempt(&shared.calls, shared.options.forget_policy, absence, unsettled).await {
            Ok(Some(rest)) => return rest,
            Ok(None) => {}
            Err(said) => unsettled.said = said,
        }
        tries += 1;
        let pause = pause(tries, shared.runtime.entropy());
        shared.runtime.sleep(pause).await;
    }
}

/// One look and one append; `None` where it must be tried again.
async fn attempt<A: Aggregate>(
    calls: &Calls,
    policy: ForgetPolicy,
    absence: bool,
    unsettled: &mut Unsettled<A>,
) -> Result<Option<Rest>, StoreError> {
    let Unsettled { group, applied, .. } = unsettled;
    let before = applied.len();
    let open = &group.events[before..];
    let queries: Vec<HeadQuery> = open
        .iter()
        .map(|event| HeadQuery {
            stream: group.stream.clone(),
            event_id: Some(event.new.event_id),
        })
        .collect();
    let heads: Result<Vec<Head>, StoreError> = calls.heads(&queries).await.into_iter().collect();
    let heads = heads?;
    let appendable = appendable(&heads, open);
    for (head, event) in heads.iter().zip(open).take(appendable) {
        match &head.found {
            Some(found) => applied.push(found.position),
            // The head is no newer than the look-up: a taken version is another's, if nothing can have been erased.
            None if head.version >= Some(event.new.version) => {
                let erased = policy == ForgetPolicy::EraseAll && head.floor >= Some(event.new.version);
                return Ok(Some(if erased { Rest::Untold } else { Rest::Lost }));
            }
            None if absence => return Ok(Some(Rest::Lost)),
            None => break,
        }
    }
    let open = &group.events[..before + appendable][applied.len()..];
    if open.is_empty() {
        let other = heads.get(applied.len() - before).and_then(|head| head.found.as_ref());
        return Ok(Some(match (group.events.get(applied.len()), other) {
            (
                Some(event),
                Some(FoundEvent {
                    version, record: None, ..
                }),
            ) => Rest::Forgotten(event.new.event_id, *version),
            (Some(event), _) => Rest::Duplicate(event.new.event_id),
            (None, _) => Rest::None,
        }));
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
        None if applied.len() == group.events.len() => Ok(Some(Rest::None)),
        None => Ok(None),
        // The next look tells whose it is.
        Some(AppendError::Conflict | AppendError::Duplicate { .. }) => Ok(None),
        Some(AppendError::NotApplied(said) | AppendError::Unknown(said)) => Err(said),
    }
}

/// How many events come before the first whose id stands for another event: an idempotency key that was used before, or
/// meanwhile in another process. The store refuses that one for ever, with all that is appended together with it.
fn appendable<A: Aggregate>(heads: &[Head], open: &[Pending<A>]) -> usize {
    let is_other = |(head, event): (&Head, &Pending<A>)| head.found.as_ref().is_some_and(|found| !event.is(found));
    heads.iter().zip(open).take_while(|pair| !is_other(*pair)).count()
}
