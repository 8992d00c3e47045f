//! What a typed decoder gives, and what that costs the store.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod common;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use asynx::store::MemoryStore;
use asynx_core::store::{AppendError, EventLog, LogEvent, LogFilter, LogQuery, NewEvent, StoredEvent};
use asynx_core::{Position, Store, StoreError, StreamId, Version};
use asynx_projection::{Decode, Entry, Typed};
use asynx_testkit::ThreadRuntime;
use common::{Account, Deposit, accounts};

/// Counts the events that are read from streams.
struct Counted {
    base: MemoryStore,
    read: Arc<AtomicUsize>,
}

#[async_trait]
impl Store for Counted {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        self.base.append(stream, event).await
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.base.read_from(stream, from).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let events = self.base.read_range(stream, from, count).await?;
        self.read.fetch_add(events.len(), Ordering::SeqCst);
        Ok(events)
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        Store::count(&self.base, stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        Store::delete(&self.base, stream).await
    }
}

async fn log(store: &MemoryStore) -> Vec<LogEvent> {
    let query = LogQuery {
        after: None,
        filter: LogFilter::default(),
        max_events: 100_000,
        max_bytes: usize::MAX,
    };
    EventLog::read(store, &query).await.unwrap().events
}

async fn filled(ids: &[&str], each: i64) -> MemoryStore {
    let store = MemoryStore::new();
    let accounts = accounts(&store).await;
    for _ in 0..each {
        for id in ids {
            accounts.send(Deposit((*id).to_owned(), 1)).await.unwrap();
        }
    }
    store
}

/// Decodes pages, and checks the state of each event: as many as its version says. How many events that took.
async fn decode(store: MemoryStore, decoder: &mut Typed<Account>, events: &[LogEvent], page: usize) -> usize {
    let read = Arc::new(AtomicUsize::new(0));
    let counted: Arc<dyn Store> = Arc::new(Counted {
        base: store,
        read: read.clone(),
    });
    for page in events.chunks(page) {
        let entries = decoder.decode(&counted, page).await.unwrap();
        for (event, entry) in page.iter().zip(entries) {
            let entry = entry.unwrap();
            let Entry::Event(decoded) = &*entry else {
                panic!("nothing was forgotten")
            };
            assert_eq!(
                (decoded.version, decoded.position),
                (event.version, Some(event.position))
            );
            assert_eq!(decoded.aggregate.balance.unsigned_abs(), event.version.get());
        }
    }
    read.load(Ordering::SeqCst)
}

#[test]
fn a_cache_of_one_stream_serves_many_long_ones() {
    ThreadRuntime.block_on(async {
        let ids = ["a", "b", "c"];
        let store = filled(&ids, 1_200).await;
        // The last of each: bases of more than one page of a load.
        let events = log(&store).await.split_off(3 * 1_190);
        let mut decoder = Typed::<Account>::new().with_cache(NonZeroUsize::MIN);
        decode(store, &mut decoder, &events, 30).await;
    });
}

#[test]
fn what_lies_between_wanted_events_is_read_once() {
    ThreadRuntime.block_on(async {
        let store = filled(&["a"], 600).await;
        let odd = log(&store).await.into_iter().step_by(2).collect::<Vec<_>>();
        let read = decode(store, &mut Typed::new(), &odd, 100).await;
        assert!(read <= 700, "{read} events were read for 300 of 600");
    });
}

#[test]
fn a_life_that_ends_between_wanted_events_leaves_nothing_behind() {
    ThreadRuntime.block_on(async {
        for wanted_before in 1..=2 {
            for wanted in [4, 5] {
                let store = filled(&["a"], 2).await;
                let any: Arc<dyn Store> = Arc::new(store.clone());
                let mut decoder = Typed::<Account>::new();
                let first = log(&store).await;
                decoder
                    .decode(&any, &first[wanted_before - 1..wanted_before])
                    .await
                    .unwrap();
                let accounts = accounts(&store).await;
                accounts.forget("a").await.unwrap();
                for _ in 4..=5 {
                    accounts.send(Deposit("a".to_owned(), 10)).await.unwrap();
                }
                let events = log(&store).await;
                let decoded = decoder.decode(&any, &events[wanted - 1..wanted]).await.unwrap();
                let Entry::Event(event) = &**decoded[0].as_ref().unwrap() else {
                    panic!("it is of the new life")
                };
                let balance = 10 * (i64::try_from(wanted).unwrap() - 3);
                assert_eq!(event.aggregate.balance, balance);
                let before = event.previous.as_ref().map(|account| account.balance);
                assert_eq!(before, (wanted == 5).then_some(10));
                // Of the old life nothing can be told any more.
                let old = decoder.decode(&any, &first[1..2]).await.unwrap();
                assert!(matches!(&**old[0].as_ref().unwrap(), Entry::Forgotten(_)));
            }
        }
    });
}
