use std::sync::{Mutex, MutexGuard, PoisonError};

use asynx_core::AggregateId;
use foldhash::HashSet;
use lru::LruCache;

use crate::held::Held;

/// The aggregates that one shard keeps: bounded in number and bytes, the least recently used go first.
///
/// The shard's worker and its readers share it. An entry is only ever replaced by a newer one; a reader may bring one
/// in only where none was removed since it began to read, or it could bring back what is outdated.
pub(crate) struct Cache<A>(Mutex<Inner<A>>);

struct Inner<A> {
    entries: LruCache<AggregateId, (Held<A>, usize)>,
    bytes: usize,
    max_bytes: usize,
    max_entries: usize,
    removals: u64,
    /// Aggregates whose newest append has an unknown outcome: nothing that is known of them can be relied on.
    void: HashSet<AggregateId>,
    /// Aggregates with an append under way: what is known of them may be outdated in the store already.
    moving: HashSet<AggregateId>,
}

/// How many removals there had been when a reader began.
#[derive(Clone, Copy)]
pub(crate) struct Since(u64);

impl<A> Cache<A> {
    pub(crate) fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self(Mutex::new(Inner {
            entries: LruCache::unbounded(),
            bytes: 0,
            max_bytes,
            max_entries,
            removals: 0,
            void: HashSet::default(),
            moving: HashSet::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner<A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: &AggregateId) -> Option<Held<A>> {
        self.lock().entries.get(id).map(|(held, _)| held.clone())
    }

    /// The same, unless an append is under way.
    pub(crate) fn get_still(&self, id: &AggregateId) -> Option<Held<A>> {
        let inner = self.lock();
        let still = !inner.moving.contains(id);
        drop(inner);
        still.then(|| self.get(id))?
    }

    /// From here until [`Self::still`] an append is under way.
    pub(crate) fn moving<'a>(&self, ids: impl Iterator<Item = &'a AggregateId>) {
        self.lock().moving.extend(ids.cloned());
    }

    pub(crate) fn still(&self, id: &AggregateId) {
        self.lock().moving.remove(id);
    }

    pub(crate) fn since(&self) -> Since {
        Since(self.lock().removals)
    }

    /// Keeps what the worker knows.
    pub(crate) fn put(&self, id: &AggregateId, held: Held<A>) {
        self.insert(id, held, None);
    }

    /// Keeps what a reader loaded, unless something could be newer.
    pub(crate) fn offer(&self, id: &AggregateId, held: Held<A>, since: Since) {
        self.insert(id, held, Some(since));
    }

    fn insert(&self, id: &AggregateId, held: Held<A>, since: Option<Since>) {
        let weight = held.weight();
        // User values are dropped after the lock is released.
        let mut dropped = Vec::new();
        let mut replaced = None;
        let mut inner = self.lock();
        let newer_is_there = inner.entries.peek(id).is_some_and(|(there, _)| there.head > held.head);
        let outdated = since.is_some_and(|since| since.0 != inner.removals);
        if newer_is_there || outdated || inner.void.contains(id) {
            drop(inner);
            drop(held);
            return;
        }
        if weight > inner.max_bytes {
            // What is there is older, and must not stay.
            let removed = inner.remove(id);
            drop(inner);
            drop(removed);
            return;
        }
        inner.bytes += weight;
        if let Some((_, (old, weight))) = inner.entries.push(id.clone(), (held, weight)) {
            inner.bytes -= weight;
            replaced = Some(old);
        }
        while inner.entries.len() > inner.max_entries || inner.bytes > inner.max_bytes {
            let Some((_, (old, weight))) = inner.entries.pop_lru() else {
                break;
            };
            inner.bytes -= weight;
            inner.removals += 1;
            dropped.push(old);
        }
        drop(inner);
        drop(replaced);
    }

    pub(crate) fn remove(&self, id: &AggregateId) {
        let mut inner = self.lock();
        let removed = inner.remove(id);
        drop(inner);
        drop(removed);
    }

    /// Keeps nothing of an aggregate until [`Self::restore`].
    pub(crate) fn void(&self, id: &AggregateId) {
        self.lock().void.insert(id.clone());
        self.remove(id);
    }

    pub(crate) fn restore(&self, id: &AggregateId) {
        let mut inner = self.lock();
        inner.removals += 1;
        inner.void.remove(id);
    }
}

impl<A> Inner<A> {
    /// Counts a removal also where nothing was there: a reader may be about to bring something in.
    fn remove(&mut self, id: &AggregateId) -> Option<(Held<A>, usize)> {
        self.removals += 1;
        let removed = self.entries.pop(id);
        if let Some((_, weight)) = &removed {
            self.bytes -= weight;
        }
        removed
    }
}
