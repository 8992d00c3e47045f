use std::collections::BTreeSet;
use std::sync::Arc;

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, Head, HeadQuery};
use asynx_core::{Aggregate, AggregateId, Error, StoreError};
use asynx_observe::Span;
use futures::FutureExt;
use futures::future::join;

use crate::calls::Calls;
use crate::group::{Group, Item, No, Outcome};
use crate::sabotage;
use crate::shard::{Last, Lookup, Shard, Wake};
use crate::shared::Shared;
use crate::work::Work;

/// A batch whose commands have run.
pub(crate) struct Batch<A: Aggregate> {
    changing: Vec<Group<A>>,
    unchanging: Vec<Group<A>>,
}

/// What the store said of it.
pub(crate) struct Answers {
    appends: Vec<AppendGroup>,
    outcomes: Vec<GroupOutcome>,
    heads: Vec<Result<Vec<Head>, StoreError>>,
}

/// A batch that the store has answered.
pub(crate) struct Landed<A: Aggregate> {
    batch: Batch<A>,
    answers: Answers,
}

/// Negative answers whose keys were looked up, of aggregates that were parked meanwhile.
pub(crate) struct LookedUp<A: Aggregate> {
    lookups: Vec<Lookup<A>>,
    heads: Vec<Result<Head, StoreError>>,
    parked: BTreeSet<AggregateId>,
}

impl<A: Aggregate> Batch<A> {
    fn groups(&self) -> impl Iterator<Item = &Group<A>> {
        self.changing.iter().chain(&self.unchanging)
    }

    fn commands(&self) -> usize {
        self.groups().map(|group| group.items.len()).sum()
    }
}

impl<A: Aggregate> Landed<A> {
    pub(crate) fn commands(&self) -> usize {
        self.batch.commands()
    }

    pub(crate) const fn has_appended(&self) -> bool {
        !self.answers.appends.is_empty()
    }
}

impl<A: Aggregate> LookedUp<A> {
    pub(crate) const fn commands(&self) -> usize {
        self.lookups.len()
    }
}

impl<A: Aggregate> Shard<A> {
    /// Appends the events of a batch, and checks beside it what the negative answers without an event rest on. Its
    /// aggregates are parked until that is done.
    pub(crate) fn commit(&mut self, mut groups: Vec<Group<A>>) {
        let unchanging: Vec<Group<A>> = groups.extract_if(.., |group| group.events.is_empty()).collect();
        let changing = groups;
        let spare = &mut self.spare;
        let appends: Vec<AppendGroup> = changing.iter().map(|group| group.to_append(spare.events())).collect();
        let queries: Vec<Vec<HeadQuery>> = unchanging.iter().map(|group| self.queries(group)).collect();
        self.cache().moving(changing.iter().map(Group::id));
        let changing = sabotage::tell_early(&self.shared, changing);
        let batch = Batch { changing, unchanging };
        let appending = usize::from(!appends.is_empty());
        let span = span(&self.shared, self.at, &batch.changing);
        let mut asking = Box::pin(ask(Arc::clone(&self.shared), span, appends, queries));
        if let Some(answers) = (&mut asking).now_or_never() {
            self.land(Landed { batch, answers });
            return;
        }
        for group in batch.groups() {
            // Those that were loaded are parked since then.
            if !self.is_parked(group.id()) {
                self.park(group.id(), []);
            }
        }
        self.appending += appending;
        self.in_flight += batch.commands();
        let landed = asking.map(|answers| Wake::Landed(Landed { batch, answers }));
        self.waking.push(landed.boxed());
    }

    /// Answers the commands of a batch, and goes on with those that came after them.
    pub(crate) fn land(&mut self, landed: Landed<A>) {
        let Batch { changing, unchanging } = landed.batch;
        let Answers {
            appends,
            outcomes,
            heads,
        } = landed.answers;
        self.spare.keep_events(appends);
        for (group, outcome) in changing.into_iter().zip(outcomes) {
            let id = group.id().clone();
            // Taken out first, so that what has to run again comes before what waited behind it.
            let waiting = self.unparked(&id);
            self.conclude(group, outcome);
            self.cache().still(&id);
            self.carry.extend(waiting);
        }
        for (group, heads) in unchanging.into_iter().zip(heads) {
            let waiting = self.unparked(group.id());
            match heads {
                Ok(heads) => self.conclude_checked(group, heads),
                Err(error) => self.conclude_unchecked(group, &error),
            }
            self.carry.extend(waiting);
        }
    }

    /// What must be asked before the answers of a group without events may be told.
    fn queries(&self, group: &Group<A>) -> Vec<HeadQuery> {
        let keyed = group.items.iter().filter(|item| item.work.keyed);
        let mut queries: Vec<HeadQuery> = keyed.map(|item| self.query(&item.work)).collect();
        if queries.is_empty() && !group.fresh && !group.items.is_empty() {
            queries.push(HeadQuery {
                stream: group.stream.clone(),
                event_id: None,
            });
        }
        queries
    }

    /// Answers a group whose events were appended, or some of them, or none.
    pub(crate) fn conclude(&mut self, mut group: Group<A>, outcome: GroupOutcome) {
        let applied = outcome.applied.len();
        self.shared.figures.events.add(applied);
        let left = self.accept(&mut group, &outcome);
        let Some(stopped) = outcome.stopped else {
            debug_assert!(left.is_empty(), "everything is proven by an append that succeeded");
            self.spare.keep(group);
            return;
        };
        if let AppendError::Unknown(source) = stopped {
            self.shared.figures.unknown_appends.add(1);
            group.items = left;
            self.settle(group, applied, source);
            return;
        }
        self.cache().remove(group.id());
        match stopped {
            AppendError::Conflict => {
                self.shared.figures.conflicts.add(1);
                self.retry(works(left), &Last::Conflict);
            }
            AppendError::Duplicate { event_id } => {
                let (same, others): (Vec<_>, Vec<_>) =
                    left.into_iter().partition(|item| item.work.event_id == event_id);
                if same.is_empty() {
                    self.retry(works(others), &Last::Conflict);
                    return;
                }
                for work in works(same) {
                    let reason = No::Failed(Error::Store {
                        source: StoreError::permanent(format!("the event id {event_id} is taken by another stream")),
                    });
                    let floor = group.base.floor;
                    self.lookups.push(Lookup { work, reason, floor });
                }
                self.carry.extend(works(others));
            }
            AppendError::NotApplied(source) if source.is_transient() => {
                self.retry(works(left), &Last::Store(source));
            }
            AppendError::NotApplied(source) => self.refuse(left, group.events.len() - applied, &source),
            AppendError::Unknown(_) => {}
        }
    }

    /// The store refuses for good: the one event that it refuses fails, the others run again.
    fn refuse(&mut self, left: Vec<Item<A>>, events: usize, source: &StoreError) {
        let mut failed = false;
        for item in left {
            let mut work = item.work;
            if events == 1 && !failed && matches!(item.outcome, Outcome::Event(_)) {
                failed = true;
                let source = source.clone();
                work.run.fail(Error::Store { source });
            } else {
                work.alone = events > 1;
                self.carry.push(work);
            }
        }
    }

    /// Answers a group without events, now that the heads have been read.
    fn conclude_checked(&mut self, group: Group<A>, heads: Vec<Head>) {
        let known = (group.base.head, group.base.floor);
        let is_newest = heads.iter().all(|head| (head.version, head.floor) == known);
        if !is_newest {
            // Also under a sole writer: somebody wrote all the same, and what is cached would be found outdated for ever.
            self.cache().remove(group.id());
        }
        let is_current = group.fresh || is_newest;
        let mut heads = heads.into_iter();
        for item in group.items {
            let found = if item.work.keyed { heads.next() } else { None };
            match (found, item.outcome) {
                (Some(head), _) if head.found.is_some() => self.answer_found(item.work, head),
                // The key's event may have been erased wholly since the base was read.
                (Some(head), _) if head.floor != known.1 => self.carry.push(item.work),
                (_, Outcome::No { reason, .. }) if is_current => refuse(item.work, reason),
                _ => self.carry.push(item.work),
            }
        }
    }

    fn conclude_unchecked(&mut self, group: Group<A>, error: &StoreError) {
        let (sure, unsure): (Vec<_>, Vec<_>) = group
            .items
            .into_iter()
            .partition(|item| group.fresh && !item.work.keyed);
        for item in sure {
            if let Outcome::No { reason, .. } = item.outcome {
                refuse(item.work, reason);
            }
        }
        if error.is_transient() {
            self.retry(works(unsure), &Last::Store(error.clone()));
            return;
        }
        for item in unsure {
            let source = error.clone();
            item.work.run.fail(Error::Store { source });
        }
    }

    /// Tells the negative answers of commands with keys, unless the key was used.
    pub(crate) fn look_up(&mut self) {
        let lookups = std::mem::take(&mut self.lookups);
        if lookups.is_empty() {
            return;
        }
        let queries: Vec<HeadQuery> = lookups
            .iter()
            .map(|lookup| HeadQuery {
                event_id: Some(lookup.work.event_id),
                ..self.query(&lookup.work)
            })
            .collect();
        let shared = Arc::clone(&self.shared);
        let mut asking = Box::pin(async move { shared.calls.heads(&queries).await });
        let mut parked = BTreeSet::new();
        if let Some(heads) = (&mut asking).now_or_never() {
            self.looked_up(LookedUp { lookups, heads, parked });
            return;
        }
        parked.extend(lookups.iter().map(|lookup| lookup.work.aggregate_id.clone()));
        for id in &parked {
            self.park(id, []);
        }
        self.in_flight += lookups.len();
        let looked_up = asking.map(|heads| Wake::LookedUp(LookedUp { lookups, heads, parked }));
        self.waking.push(looked_up.boxed());
    }

    pub(crate) fn looked_up(&mut self, looked_up: LookedUp<A>) {
        let LookedUp { lookups, heads, parked } = looked_up;
        let waiting: Vec<Work<A>> = parked.iter().flat_map(|id| self.unparked(id)).collect();
        for (
            Lookup {
                mut work,
                reason,
                floor,
            },
            head,
        ) in lookups.into_iter().zip(heads)
        {
            match head {
                Ok(head) if head.found.is_some() => self.answer_found(work, head),
                Ok(head) if head.floor == floor => refuse(work, reason),
                // It was forgotten since: the key may have gone with it.
                Ok(_) => self.carry.push(work),
                Err(source) => {
                    if !source.is_transient() {
                        work.attempts = self.shared.options.max_attempts;
                    }
                    let last = match reason {
                        // The key's event is there. It may be this very command's, after an answer that was lost.
                        No::Failed(Error::Store { .. }) => Last::Unknown(source),
                        _ => Last::Store(source),
                    };
                    self.retry(vec![work], &last);
                }
            }
        }
        self.carry.extend(waiting);
    }
}

/// Tells a negative answer.
pub(crate) fn refuse<A: Aggregate>(work: Work<A>, reason: No) {
    match reason {
        No::Rejected => work.run.reject(),
        No::Failed(error) => work.run.fail(error),
    }
}

pub(crate) fn works<A: Aggregate>(items: Vec<Item<A>>) -> Vec<Work<A>> {
    items.into_iter().map(|item| item.work).collect()
}

async fn ask<A: Aggregate>(
    shared: Arc<Shared<A>>,
    span: Span,
    appends: Vec<AppendGroup>,
    queries: Vec<Vec<HeadQuery>>,
) -> Answers {
    let append = append_all(&shared.calls, &appends);
    let append = shared.figures.appending(&*shared.runtime, span, appends.len(), append);
    let check = check_all(&shared.calls, queries);
    let (outcomes, heads) = join(append, check).await;
    let outcomes = sabotage::keep_after_conflict(&shared, &appends, outcomes).await;
    Answers {
        appends,
        outcomes,
        heads,
    }
}

/// The span of an append, which the commands of its groups led to.
fn span<A: Aggregate>(shared: &Shared<A>, shard: usize, groups: &[Group<A>]) -> Span {
    if groups.is_empty() {
        return Span::none();
    }
    let appended = groups.iter().map(|group| (group.id(), group.events.len()));
    let span = Span::append(&shared.category, shard, appended);
    let items = groups.iter().flat_map(|group| &group.items);
    items.for_each(|item| span.follows(item.work.trail.span()));
    span
}

/// Appends groups; those that the store refuses for good are tried in halves, so that a bad one fails alone.
async fn append_all(calls: &Calls, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
    if groups.is_empty() {
        return Vec::new();
    }
    let mut outcomes = calls.append(groups).await;
    let refused: Vec<usize> = (0..outcomes.len()).filter(|&at| is_refused(&outcomes[at])).collect();
    if groups.len() == 1 || refused.len() < 2 {
        return outcomes;
    }
    for half in refused.chunks(refused.len().div_ceil(2)) {
        let again: Vec<AppendGroup> = half.iter().map(|&at| groups[at].clone()).collect();
        let tried = Box::pin(append_all(calls, &again)).await;
        for (&at, outcome) in half.iter().zip(tried) {
            outcomes[at] = outcome;
        }
    }
    outcomes
}

fn is_refused(outcome: &GroupOutcome) -> bool {
    let refused = matches!(&outcome.stopped, Some(AppendError::NotApplied(error)) if !error.is_transient());
    refused && outcome.applied.is_empty()
}

/// Asks all questions in one call, and gives each group its own answers.
async fn check_all(calls: &Calls, queries: Vec<Vec<HeadQuery>>) -> Vec<Result<Vec<Head>, StoreError>> {
    let asked: Vec<HeadQuery> = queries.iter().flatten().cloned().collect();
    let mut heads = calls.heads(&asked).await.into_iter();
    queries
        .iter()
        .map(|queries| heads.by_ref().take(queries.len()).collect())
        .collect()
}
