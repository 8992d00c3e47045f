use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::store::{LogFilter, LogPage, LogQuery};
use asynx_core::{Error, Position, Runtime, Store, StoreError};
use futures::future::{Either, select};
use futures::stream::{self, BoxStream, StreamExt};

use crate::Decode;

/// What of the log is read, and how.
#[derive(Debug, Clone)]
pub struct SubscribeOptions {
    /// Begin after this position; `None` at the beginning.
    pub after: Option<Position>,
    /// Which events. The category of a typed decoder is added.
    pub filter: LogFilter,
    /// The most events in memory, by default 1,000.
    pub max_events: usize,
    /// About the most bytes of records in memory, by default 4 MiB.
    pub max_bytes: usize,
    /// How often it looks for new events when nothing wakes it, by default every second.
    pub poll_interval: Duration,
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        Self {
            after: None,
            filter: LogFilter::default(),
            max_events: 1_000,
            max_bytes: 4 << 20,
            poll_interval: Duration::from_secs(1),
        }
    }
}

impl SubscribeOptions {
    /// Begins after a position.
    #[must_use]
    pub const fn after(mut self, position: Option<Position>) -> Self {
        self.after = position;
        self
    }

    /// Sets which events are wanted.
    #[must_use]
    pub fn filter(mut self, filter: LogFilter) -> Self {
        self.filter = filter;
        self
    }
}

/// An entry with its position, or why there is none.
pub type Followed<E> = Result<(Position, Arc<E>), Error>;

/// Follows the log: first what is there, then what comes, in the order of the log, each event once. Reads no further
/// ahead than a page. Each entry comes with the position to begin after next time.
///
/// The stream ends only after an error: a store that cannot be read, an event that cannot be decoded, an option of 0. What came before
/// it is sound; follow again from the last position.
pub fn subscribe<D: Decode>(
    store: Arc<dyn Store>,
    runtime: Arc<dyn Runtime>,
    decode: D,
    options: SubscribeOptions,
) -> BoxStream<'static, Followed<D::Entry>> {
    let wrong = match options {
        SubscribeOptions { max_events: 0, .. } => Some("max_events of a subscription is 0, so nothing can be read"),
        SubscribeOptions { max_bytes: 0, .. } => Some("max_bytes of a subscription is 0, so nothing can be read"),
        _ if options.poll_interval.is_zero() => Some("poll_interval of a subscription is 0, so it would never rest"),
        _ => None,
    };
    let mut filter = options.filter;
    narrow(&mut filter, &decode);
    let reader = Reader {
        store,
        runtime,
        filter,
        max_events: options.max_events,
        max_bytes: options.max_bytes,
        poll_interval: options.poll_interval,
    };
    let following = Following {
        reader,
        decode,
        after: options.after,
        waiting: VecDeque::new(),
        failed: false,
        wrong,
    };
    let next = |mut following: Following<D>| async move {
        if following.failed {
            return None;
        }
        let next = following.next().await;
        following.failed = next.is_err();
        Some((next, following))
    };
    stream::unfold(following, next).boxed()
}

/// A decoder of one category wants no other.
pub(crate) fn narrow<D: Decode>(filter: &mut LogFilter, decode: &D) {
    if let Some(category) = decode.category() {
        filter.categories = vec![category];
    }
}

struct Following<D: Decode> {
    reader: Reader,
    decode: D,
    after: Option<Position>,
    waiting: VecDeque<Followed<D::Entry>>,
    failed: bool,
    /// What is wrong with the options.
    wrong: Option<&'static str>,
}

impl<D: Decode> Following<D> {
    async fn next(&mut self) -> Followed<D::Entry> {
        if let Some(wrong) = self.wrong {
            let source = StoreError::permanent(wrong);
            return Err(Error::Store { source });
        }
        loop {
            if let Some(next) = self.waiting.pop_front() {
                return next;
            }
            let page = self
                .reader
                .page(self.after)
                .await
                .map_err(|source| Error::Store { source })?;
            if page.events.is_empty() && page.at_end {
                self.after = page.next;
                self.reader.wait(self.after).await;
                continue;
            }
            let entries = self.decode.decode(&self.reader.store, &page.events).await?;
            if entries.len() != page.events.len() {
                let source = StoreError::permanent("the decoder left events out");
                return Err(Error::Store { source });
            }
            let entries = page.events.iter().zip(entries);
            self.waiting = entries.map(|(event, entry)| Ok((event.position, entry?))).collect();
            self.after = page.next;
        }
    }
}

/// Reads pages of the log.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) filter: LogFilter,
    pub(crate) max_events: usize,
    pub(crate) max_bytes: usize,
    pub(crate) poll_interval: Duration,
}

impl Reader {
    pub(crate) async fn page(&self, after: Option<Position>) -> Result<LogPage, StoreError> {
        let log = self
            .store
            .log()
            .ok_or_else(|| StoreError::permanent("the store has no log"))?;
        let query = LogQuery {
            after,
            filter: self.filter.clone(),
            max_events: self.max_events,
            max_bytes: self.max_bytes,
        };
        log.read(&query).await
    }

    /// Waits until there may be something new.
    pub(crate) async fn wait(&self, after: Option<Position>) {
        let sleep = self.runtime.sleep(self.poll_interval);
        match self.store.log().map(|log| log.changed(after)) {
            Some(changed) => match select(changed, sleep).await {
                Either::Left(_) | Either::Right(_) => {}
            },
            None => sleep.await,
        }
    }
}
