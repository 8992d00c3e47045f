use std::task::Poll;

use asynx_core::bus::SnapshotTrouble;
use asynx_core::store::{Load, Loaded, Snapshot};
use asynx_core::{Aggregate, AggregateId, Error, Fold, StoreError, StreamId, Version};
use asynx_observe::Span;
use futures::future::{self, BoxFuture};
use futures::{FutureExt as _, poll};

use crate::held::Held;
use crate::shared::Shared;

type Page = Result<Loaded, StoreError>;

/// Pages that were asked for before those in front of them were folded.
struct Ahead<'a> {
    loads: Vec<Load>,
    pages: Asked<'a>,
}

enum Asked<'a> {
    There(Vec<Page>),
    Pending(BoxFuture<'a, Vec<Page>>),
}

/// What follows on a page, if there is more.
fn load_after(load: &Load, page: &Page) -> Option<Load> {
    let page = page.as_ref().ok().filter(|page| page.more)?;
    Some(Load {
        from: Some(page.events.last()?.version.next()),
        snapshot: None,
        ..load.clone()
    })
}

/// One aggregate on its way out of the store.
struct Loading<'a> {
    stream: &'a StreamId,
    /// From the snapshot store of its own.
    snapshot: Option<Snapshot>,
    with_snapshot: bool,
    fold: Option<Fold>,
    /// The version of the snapshot that the fold began at.
    began_at: Option<Version>,
    /// A snapshot that could not be used.
    bad_snapshot: bool,
    done: bool,
    failed: Option<Error>,
    /// How many events were folded.
    replayed: usize,
}

impl<A: Aggregate> Shared<A> {
    /// Loads many aggregates together: snapshot and tail, in pages.
    pub(crate) async fn load(&self, ids: &[AggregateId]) -> Vec<Result<Held<A>, Error>> {
        if ids.is_empty() {
            return Vec::new();
        }
        let began = self.moment();
        let held = Span::load(&self.category, ids).around(self.load_all(ids)).await;
        self.figures.load_seconds.took(began, self.moment());
        held
    }

    async fn load_all(&self, ids: &[AggregateId]) -> Vec<Result<Held<A>, Error>> {
        let streams: Vec<StreamId> = ids.iter().map(|id| self.stream(id)).collect();
        let snapshots = self.dedicated_snapshots(&streams).await;
        let mut all: Vec<Loading<'_>> = streams.iter().zip(snapshots).map(Loading::new).collect();
        let mut ahead = None;
        loop {
            let open: Vec<usize> = (0..all.len()).filter(|&at| !all[at].done).collect();
            if open.is_empty() {
                break;
            }
            let loads: Vec<Load> = open.iter().map(|&at| self.next_load(&all[at])).collect();
            let pages = self.pages(&loads, ahead.take()).await;
            ahead = self.ask_ahead(&loads, &pages).await;
            for (&at, page) in open.iter().zip(pages) {
                match page {
                    Ok(page) => self.feed(&mut all[at], page),
                    Err(source) => all[at].fail(Error::Store { source }),
                }
            }
        }
        let mut held = Vec::with_capacity(all.len());
        for loading in all {
            self.figures.replay_events.size(loading.replayed);
            held.push(self.finish(loading).await);
        }
        held
    }

    async fn pages(&self, loads: &[Load], ahead: Option<Ahead<'_>>) -> Vec<Page> {
        match ahead.filter(|ahead| ahead.loads == loads).map(|ahead| ahead.pages) {
            Some(Asked::There(pages)) => pages,
            Some(Asked::Pending(pages)) => pages.await,
            // Nothing was asked, or something else: a snapshot could not be used, or a life ended meanwhile.
            None => self.calls.load(loads).await,
        }
    }

    /// Asks for what comes after pages, so that the store works on it while they are folded.
    async fn ask_ahead(&self, loads: &[Load], pages: &[Page]) -> Option<Ahead<'_>> {
        let next = loads.iter().zip(pages);
        let next: Vec<Load> = next.filter_map(|(load, page)| load_after(load, page)).collect();
        if next.is_empty() {
            return None;
        }
        let loads = next.clone();
        let mut pages = async move { self.calls.load(&next).await }.boxed();
        // Polled once, so that the question is on its way.
        let pages = match poll!(&mut pages) {
            Poll::Ready(pages) => Asked::There(pages),
            Poll::Pending => Asked::Pending(pages),
        };
        Some(Ahead { loads, pages })
    }

    /// A snapshot store that fails costs a longer replay, nothing else.
    async fn dedicated_snapshots(&self, streams: &[StreamId]) -> Vec<Option<Snapshot>> {
        let Some(store) = &self.dedicated_snapshots else {
            return vec![None; streams.len()];
        };
        let schema = self.upcast.current();
        let gets = streams
            .iter()
            .map(|stream| self.calls.bounded(move || store.get(stream, schema)));
        let got = future::join_all(gets).await;
        got.into_iter().map(|got| got.ok()?.ok()?).collect()
    }

    fn next_load(&self, loading: &Loading<'_>) -> Load {
        let of_its_own = self.dedicated_snapshots.is_some();
        let from = match (&loading.fold, &loading.snapshot) {
            (Some(fold), _) => Some(Version::after(fold.head())),
            (None, Some(snapshot)) if loading.with_snapshot => Some(snapshot.version.next()),
            _ => None,
        };
        Load {
            stream: loading.stream.clone(),
            from,
            snapshot: (loading.with_snapshot && !of_its_own && from.is_none()).then(|| self.upcast.current()),
            limit: self.options.page.get(),
        }
    }

    fn feed(&self, loading: &mut Loading<'_>, page: Loaded) {
        if let Err(error) = self.try_feed(loading, page) {
            loading.fail(error);
        }
    }

    fn try_feed(&self, loading: &mut Loading<'_>, mut page: Loaded) -> Result<(), Error> {
        let forgotten_meanwhile = loading.fold.as_ref().is_some_and(|fold| page.floor > fold.floor());
        if loading.fold.is_none() || forgotten_meanwhile {
            let snapshot = page.snapshot.take().or_else(|| loading.snapshot.take());
            // A snapshot at or below the floor is of an older life; one beyond the head is of another stream's life,
            // as after restoring a backup of the events alone.
            let usable = |snapshot: &Snapshot| {
                Some(snapshot.version) > page.floor
                    && Some(snapshot.version) <= page.head
                    && snapshot.schema_version == self.upcast.current()
            };
            match snapshot.filter(|_| loading.with_snapshot && !forgotten_meanwhile) {
                Some(snapshot) if usable(&snapshot) => {
                    loading.began_at = Some(snapshot.version);
                    match Fold::at(loading.stream, &self.upcast, page.floor, &snapshot) {
                        Ok(fold) => loading.fold = Some(fold),
                        Err(reason) => return self.replay_instead(loading, reason),
                    }
                }
                // The page begins after a snapshot that cannot be used: it must be read again from the floor.
                Some(snapshot) if Some(snapshot.version) > page.floor => {
                    loading.with_snapshot = false;
                    return Ok(());
                }
                _ => {
                    loading.began_at = None;
                    loading.fold = Some(Fold::after(loading.stream, &self.upcast, page.floor));
                }
            }
        }
        let Some(fold) = &mut loading.fold else {
            return Ok(());
        };
        let more = page.more && !page.events.is_empty();
        loading.replayed += page.events.len();
        for event in &page.events {
            let record = fold.decode(event)?;
            fold.apply(&record)?;
        }
        if more {
            return Ok(());
        }
        if fold.head() < page.head {
            return Err(Error::Gap {
                stream: loading.stream.clone(),
                expected: Version::after(fold.head()),
                found: page.head.unwrap_or(Version::FIRST),
            });
        }
        loading.done = true;
        Ok(())
    }

    fn replay_instead(&self, loading: &mut Loading<'_>, reason: String) -> Result<(), Error> {
        if let Some(version) = loading.began_at.take() {
            self.hooks
                .snapshot_trouble(loading.stream, &SnapshotTrouble::Corrupt { version, reason });
        }
        loading.bad_snapshot = true;
        loading.with_snapshot = false;
        loading.fold = None;
        loading.done = false;
        Ok(())
    }

    async fn finish(&self, mut loading: Loading<'_>) -> Result<Held<A>, Error> {
        if let (Some(error), true) = (&loading.failed, loading.began_at.is_some()) {
            // The tail does not fit the snapshot, or the snapshot does not fit the tail: replay tells.
            if matches!(error, Error::Unfoldable { .. } | Error::Gap { .. }) {
                let reason = error.to_string();
                loading.failed = None;
                return self.load_without_snapshot(loading, reason).await;
            }
        }
        if let Some(error) = loading.failed {
            return Err(error);
        }
        let Some(fold) = &loading.fold else {
            return Err(Error::Unfoldable {
                stream: loading.stream.clone(),
                version: Version::FIRST,
                reason: "the store gave no page".to_owned(),
            });
        };
        match Held::of(loading.stream, fold) {
            Err(error @ (Error::Unfoldable { .. } | Error::Panicked { .. })) if loading.began_at.is_some() => {
                let reason = error.to_string();
                self.load_without_snapshot(loading, reason).await
            }
            Ok(held) if loading.bad_snapshot => {
                self.offer_snapshot(&loading.stream.aggregate_id, &held);
                Ok(held)
            }
            held => held,
        }
    }

    async fn load_without_snapshot(&self, mut loading: Loading<'_>, reason: String) -> Result<Held<A>, Error> {
        self.replay_instead(&mut loading, reason)?;
        while !loading.done {
            let load = self.next_load(&loading);
            if let Some(page) = self.calls.load(&[load]).await.pop() {
                let page = page.map_err(|source| Error::Store { source })?;
                self.try_feed(&mut loading, page)?;
            }
        }
        let fold = loading.fold.as_ref().map(|fold| Held::of(loading.stream, fold));
        let held = fold.unwrap_or_else(|| {
            Err(Error::NotFound {
                stream: loading.stream.clone(),
            })
        })?;
        self.offer_snapshot(&loading.stream.aggregate_id, &held);
        Ok(held)
    }
}

impl<'a> Loading<'a> {
    fn new((stream, snapshot): (&'a StreamId, Option<Snapshot>)) -> Self {
        Self {
            stream,
            snapshot,
            with_snapshot: true,
            fold: None,
            began_at: None,
            bad_snapshot: false,
            done: false,
            failed: None,
            replayed: 0,
        }
    }

    fn fail(&mut self, error: Error) {
        self.failed = Some(error);
        self.done = true;
    }
}
