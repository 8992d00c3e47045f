use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::{HeadQuery, Load, LogEvent, StoredEvent};
use asynx_core::{Aggregate, Category, Caught, Error, Event, Fold, NoUpcast, Store, StreamId, Upcast, Version};
use lru::LruCache;

use crate::decode::{Decode, Decoded};
use crate::{Entry, Forgotten};

/// Gives the events of one aggregate type with the states around each.
///
/// A row of the log holds a change; the states come from folding. What was folded is kept for the streams that were
/// used last; the base of any other is loaded, all that a page needs together.
pub struct Typed<A> {
    upcast: Arc<dyn Upcast>,
    folded: LruCache<StreamId, Folded<A>>,
}

struct Folded<A> {
    fold: Fold,
    /// The state at the fold's head, if it was asked for.
    state: Option<Caught<Arc<A>>>,
}

/// How many streams are kept folded unless told otherwise.
const KEPT: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not 0");
/// How many events of a base are loaded at once.
const PAGE: usize = 1_000;

impl<A: Aggregate> Typed<A> {
    /// Reads schema 1, keeping 10,000 streams folded.
    #[must_use]
    pub fn new() -> Self {
        Self {
            upcast: Arc::new(NoUpcast),
            folded: LruCache::new(KEPT),
        }
    }

    /// Reads through upcasters: the same as those of the builder of the aggregate's handle.
    #[must_use]
    pub fn with_upcast(mut self, upcast: impl Upcast) -> Self {
        self.upcast = Arc::new(upcast);
        self
    }

    /// Sets how many streams are kept folded: their last states, and documents of about the same size.
    #[must_use]
    pub fn with_cache(mut self, streams: NonZeroUsize) -> Self {
        self.folded.resize(streams);
        self
    }

    /// Loads what the events of a page follow on, where it is not at hand.
    async fn load_bases(&mut self, store: &Arc<dyn Store>, page: &[LogEvent]) -> Result<(), Error> {
        let mut firsts: BTreeMap<&StreamId, Version> = BTreeMap::new();
        for event in page.iter().filter(|event| event.record.is_some()) {
            firsts.entry(&event.stream).or_insert(event.version);
        }
        let mut wanted: BTreeMap<&StreamId, Version> = BTreeMap::new();
        for (stream, first) in firsts {
            let head = self.folded.get(stream).map(|folded| folded.fold.head());
            if head == Some(first.previous()) {
                continue;
            }
            // One that has not come so far goes on: it was used last before events that are not wanted.
            if head > Some(first.previous()) {
                self.folded.pop(stream);
            }
            // The first event of a stream follows on nothing.
            if let Some(base) = first.previous() {
                wanted.insert(stream, base);
            }
        }
        while !wanted.is_empty() {
            let loads: Vec<Load> = wanted
                .iter()
                .map(|(stream, base)| self.next_load(stream, *base))
                .collect();
            let loaded = store.load(&loads).await.map_err(|source| Error::Store { source })?;
            for (load, loaded) in loads.iter().zip(loaded) {
                let Some((&stream, &base)) = wanted.get_key_value(&load.stream) else {
                    continue;
                };
                let upcast = &self.upcast;
                let folded = self.folded.get_or_insert_mut(stream.clone(), || Folded {
                    fold: Fold::after(stream, upcast, loaded.floor),
                    state: None,
                });
                folded.state = None;
                let events = loaded.events.iter().filter(|event| event.version <= base);
                let fed = feed(&mut folded.fold, events);
                let arrived = folded.fold.head() >= Some(base) || !loaded.more;
                let ended = loaded.floor > Some(base) || loaded.floor > folded.fold.head();
                if fed.is_err() || ended {
                    // Told where the event is decoded: it does not fold, or the life of it or of what it follows on
                    // has ended.
                    self.folded.pop(stream);
                    wanted.remove(&load.stream);
                } else if arrived {
                    wanted.remove(&load.stream);
                }
            }
        }
        Ok(())
    }

    fn next_load(&self, stream: &StreamId, base: Version) -> Load {
        let from = self
            .folded
            .peek(stream)
            .map(|folded| Version::after(folded.fold.head()));
        let missing = base.get() - from.map_or(0, |from| from.get() - 1);
        Load {
            stream: stream.clone(),
            from,
            snapshot: None,
            limit: usize::try_from(missing).unwrap_or(PAGE).min(PAGE),
        }
    }

    /// What an event follows on that is not folded so far: it comes after events that are not wanted, or it is of a life
    /// that has ended, whose tombstone is still to come. Read as `read_range` gives it.
    async fn old_base(
        &mut self,
        store: &Arc<dyn Store>,
        event: &LogEvent,
        begun: Option<Fold>,
    ) -> Result<Option<Fold>, Error> {
        let Some(base) = event.version.previous() else {
            return Ok(Some(Fold::after(&event.stream, &self.upcast, None)));
        };
        let begun = begun.filter(|fold| fold.head() < Some(base));
        let mut fold = begun.unwrap_or_else(|| Fold::after(&event.stream, &self.upcast, None));
        while fold.head() < Some(base) {
            let from = Version::after(fold.head());
            let missing = usize::try_from(base.get() - from.get() + 1).unwrap_or(PAGE).min(PAGE);
            let events = store.read_range(&event.stream, from, missing).await;
            let events = events.map_err(|source| Error::Store { source })?;
            match events.first() {
                // What is erased is at the front.
                Some(first) if first.version <= base => {
                    if first.version > from {
                        fold.skip_to(first.version);
                    }
                }
                // Nothing is left of what it follows on: it begins a life, or is of one that is gone.
                _ => {
                    let floor = self.floor(store, &event.stream).await?;
                    return Ok((floor == Some(base)).then(|| Fold::after(&event.stream, &self.upcast, floor)));
                }
            }
            feed(&mut fold, events.iter().filter(|stored| stored.version <= base))?;
        }
        Ok(Some(fold))
    }

    async fn floor(&self, store: &Arc<dyn Store>, stream: &StreamId) -> Result<Option<Version>, Error> {
        let query = HeadQuery {
            stream: stream.clone(),
            event_id: None,
        };
        let heads = store.heads(&[query]).await.map_err(|source| Error::Store { source })?;
        Ok(heads.first().and_then(|head| head.floor))
    }

    async fn entry(&mut self, store: &Arc<dyn Store>, event: &LogEvent) -> Result<Entry<A>, Error> {
        let Some(record) = &event.record else {
            // What is folded beyond it, for a later event of the page, is of a newer life.
            if self
                .folded
                .peek(&event.stream)
                .is_some_and(|folded| folded.fold.head() < Some(event.version))
            {
                self.folded.pop(&event.stream);
            }
            return Ok(Entry::Forgotten(Forgotten::from(event)));
        };
        let stored = StoredEvent {
            version: event.version,
            position: Some(event.position),
            record: record.clone(),
        };
        let mut folded = match self.folded.pop(&event.stream) {
            Some(folded) if folded.fold.head() == event.version.previous() => folded,
            other => match self.old_base(store, event, other.map(|folded| folded.fold)).await? {
                Some(fold) => Folded { fold, state: None },
                None => return Ok(Entry::Forgotten(Forgotten::from(event))),
            },
        };
        let record = folded.fold.decode(&stored)?;
        if record.event_name.is_tombstone() {
            folded.fold.apply(&record)?;
            folded.state = None;
            self.folded.put(event.stream.clone(), folded);
            return Ok(Entry::Forgotten(Forgotten::from(event)));
        }
        let previous = match folded.state.take() {
            Some(state) => Some(state),
            None => folded.fold.state()?,
        };
        folded.fold.apply(&record)?;
        let Some(state) = folded.fold.state::<A>()? else {
            return Err(folded.fold.unfoldable(event.version, &"it leaves no aggregate"));
        };
        folded.state = Some(state.clone());
        self.folded.put(event.stream.clone(), folded);
        let id = event.stream.aggregate_id.clone();
        let previous = previous.map(Caught::into_inner);
        Ok(Entry::Event(Event::new(
            id,
            record,
            Some(event.position),
            previous,
            state.into_inner(),
        )))
    }
}

impl<A: Aggregate> Default for Typed<A> {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl<A: Aggregate> Decode for Typed<A> {
    type Entry = Entry<A>;

    fn category(&self) -> Option<Category> {
        Category::parse(A::CATEGORY).ok()
    }

    async fn decode(&mut self, store: &Arc<dyn Store>, page: &[LogEvent]) -> Result<Vec<Decoded<Entry<A>>>, Error> {
        self.load_bases(store, page).await?;
        let mut entries = Vec::with_capacity(page.len());
        for event in page {
            match self.entry(store, event).await {
                Err(error @ (Error::Store { .. } | Error::SchemaNewer { .. })) => return Err(error),
                other => entries.push(other.map(Arc::new)),
            }
        }
        Ok(entries)
    }

    fn forget(&mut self, streams: &[StreamId]) -> bool {
        for stream in streams {
            self.folded.pop(stream);
        }
        true
    }
}

fn feed<'a>(fold: &mut Fold, events: impl Iterator<Item = &'a StoredEvent>) -> Result<(), Error> {
    for event in events {
        let record = fold.decode(event)?;
        fold.apply(&record)?;
    }
    Ok(())
}
