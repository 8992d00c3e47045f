use std::sync::Arc;

use asynx_core::store::{Head, HeadQuery};
use asynx_core::{Aggregate, AggregateId, Error, Expected, StoreError};
use futures::FutureExt;

use crate::group::Group;
use crate::held::Held;
use crate::sabotage::Sabotage;
use crate::shard::{Shard, Wake};
use crate::shared::Shared;
use crate::work::Work;

/// The commands of an aggregate that the store must be asked about first.
pub(crate) struct Question<A: Aggregate> {
    id: AggregateId,
    works: Vec<Work<A>>,
    /// Its newest state, where that is known.
    cached: Option<Held<A>>,
}

/// What the store said.
pub(crate) struct Answered<A: Aggregate> {
    /// The newest states of those that were not known.
    loaded: Vec<Result<Held<A>, Error>>,
    /// What is known of each key that was asked for.
    keys: Vec<Result<Head, StoreError>>,
}

/// Aggregates that the store was asked about.
pub(crate) struct Prepared<A: Aggregate> {
    questions: Vec<Question<A>>,
    answered: Answered<A>,
}

impl<A: Aggregate> Prepared<A> {
    pub(crate) fn commands(&self) -> usize {
        commands(&self.questions)
    }
}

impl<A: Aggregate> Shard<A> {
    /// Finds the newest states: in the cache or, together, in the store.
    pub(crate) fn prepare(&mut self, works: Vec<(AggregateId, Vec<Work<A>>)>) {
        let asks_for_keys = !self.shared.calls.store().unique_event_ids();
        let is_current = self.is_current();
        let mut questions = Vec::new();
        let (all, mut unknown) = (works.len(), 0);
        for (id, mut works) in works {
            let cached = self.cache().get(&id);
            unknown += usize::from(cached.is_none());
            let asks = asks_for_keys && works.iter().any(|work| work.keyed);
            match cached {
                Some(base) if !asks => self.make_ready(&id, works, base, is_current),
                None if !asks && begins(&works) => {
                    works.iter_mut().for_each(|work| work.unread = true);
                    self.make_ready(&id, works, Held::nothing(), false);
                }
                cached => questions.push(Question { id, works, cached }),
            }
        }
        self.shared.figures.looked_up(all, unknown);
        if questions.is_empty() {
            return;
        }
        let missing = questions.iter().filter(|question| question.cached.is_none());
        let missing: Vec<AggregateId> = missing.map(|question| question.id.clone()).collect();
        let keyed = questions.iter().flat_map(|question| &question.works);
        let keyed = keyed.filter(|work| work.keyed && asks_for_keys);
        let keys: Vec<HeadQuery> = keyed.map(|work| self.query(work)).collect();
        let mut asking = Box::pin(ask(Arc::clone(&self.shared), missing, keys));
        if let Some(answered) = (&mut asking).now_or_never() {
            self.prepared(Prepared { questions, answered });
            return;
        }
        for question in &questions {
            self.park(&question.id, []);
        }
        self.in_flight += commands(&questions);
        let prepared = asking.map(|answered| Wake::Prepared(Prepared { questions, answered }));
        self.waking.push(prepared.boxed());
    }

    /// Goes on with aggregates that the store was asked about. Those that were parked stay so until their commands are
    /// answered.
    pub(crate) fn prepared(&mut self, prepared: Prepared<A>) {
        let Answered { loaded, keys } = prepared.answered;
        let (mut loaded, mut keys) = (loaded.into_iter(), keys.into_iter());
        let (asked_for_keys, is_current) = (keys.len() > 0, self.is_current());
        for Question { id, works, cached } in prepared.questions {
            let read_now = cached.is_none();
            let base = cached.map(Ok).or_else(|| loaded.next());
            let base = base.unwrap_or_else(|| {
                let source = StoreError::permanent("the store gave no answer");
                Err(Error::Store { source })
            });
            if let (Ok(base), true) = (&base, read_now) {
                self.cache().put(&id, base.clone());
            }
            let keyed = works.iter().filter(|work| work.keyed && asked_for_keys).count();
            let found: Result<Vec<Head>, StoreError> = keys.by_ref().take(keyed).collect();
            let known = base.and_then(|base| Ok((base, found.map_err(|source| Error::Store { source })?)));
            match known {
                Err(error) => {
                    let waiting = self.unparked(&id);
                    self.not_loaded(works, &error);
                    self.carry.extend(waiting);
                }
                Ok((base, found)) => match self.answer_used_keys(works, found) {
                    works if works.is_empty() => self.unpark(&id),
                    works => self.make_ready(&id, works, base, read_now || is_current),
                },
            }
        }
    }

    /// Whether what is cached is current.
    fn is_current(&self) -> bool {
        self.shared.is_sole_writer() || self.shared.is_sabotaged(Sabotage::NoFreshnessCheck)
    }

    fn make_ready(&mut self, id: &AggregateId, works: Vec<Work<A>>, base: Held<A>, fresh: bool) {
        let group = Group::new(self.shared.stream(id), base, fresh, &mut self.spare);
        self.ready.push((group, works));
    }

    /// Answers the commands whose keys were used before. The look-up saw every event up to the base, and an append wins
    /// its version only if nothing came after that.
    fn answer_used_keys(&mut self, works: Vec<Work<A>>, found: Vec<Head>) -> Vec<Work<A>> {
        if found.is_empty() {
            return works;
        }
        let mut found = found.into_iter();
        let mut open = Vec::with_capacity(works.len());
        for work in works {
            match work.keyed.then(|| found.next()).flatten() {
                Some(head) if head.found.is_some() => self.answer_found(work, head),
                _ => open.push(work),
            }
        }
        open
    }
}

/// Whether the first of these commands expects that there is nothing, so that nothing needs to be read: the append of
/// version 1 tells. Tried once; then the stream is loaded.
fn begins<A: Aggregate>(works: &[Work<A>]) -> bool {
    works.first().is_some_and(|first| first.expected == Expected::NoStream) && works.iter().all(|work| !work.unread)
}

/// Loads what is not known; then looks keys up, so that they are seen up to that state at least.
async fn ask<A: Aggregate>(shared: Arc<Shared<A>>, missing: Vec<AggregateId>, keys: Vec<HeadQuery>) -> Answered<A> {
    let loaded = match missing.is_empty() {
        true => Vec::new(),
        false => shared.load(&missing).await,
    };
    let keys = shared.calls.heads(&keys).await;
    Answered { loaded, keys }
}

fn commands<A: Aggregate>(questions: &[Question<A>]) -> usize {
    questions.iter().map(|question| question.works.len()).sum()
}
