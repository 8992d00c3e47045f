//! What ids may do to subjects: nothing.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod server;

use asynx_core::store::{ForgetPolicy, LogFilter, LogQuery};
use asynx_core::{Store as _, StreamId, Version};
use asynx_store_jetstream::JetStreamOptions;
use asynx_testkit::samples;
use server::{Opens as _, Servers, TOKIO};

/// Ids that subjects would take for wildcards, for several tokens, or for the end of the line.
const ODD: &[&str] = &[
    "*", ">", "a", "a.b", "a.*", "a.>", " ", "a b", "\r\n", "=2A", "🦀", "..", "$SYS.>",
];

#[test]
fn to_forget_or_delete_one_touches_no_other() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let store = servers.store(JetStreamOptions::new()).await;
        for (n, policy) in [ForgetPolicy::KeepRows, ForgetPolicy::EraseAll].into_iter().enumerate() {
            let stream = |id: &str| StreamId::parse(&format!("*.{n}"), id).unwrap();
            for id in ODD {
                store.append_batch(&[samples::group(&stream(id), 1, 2)]).await;
            }
            for (gone, id) in ODD.iter().enumerate() {
                store.append(&stream(id), samples::tombstone(3)).await.unwrap();
                let erase = store.erase().unwrap();
                erase
                    .erase_through(&stream(id), Version::FIRST.plus(2), policy)
                    .await
                    .unwrap();
                if gone % 3 == 2 {
                    store.delete(&stream(id)).await.unwrap();
                }
                for (other, id) in ODD.iter().enumerate() {
                    let left = store.read_from(&stream(id), Version::FIRST).await.unwrap().len();
                    assert_eq!(left, if other > gone { 2 } else { 0 }, "{id:?} after {:?}", ODD[gone]);
                }
            }
        }
    });
}

/// Rows of erased events are found by the bucket of their sequence: over several buckets, for readers that were behind.
#[test]
fn what_was_erased_far_back_is_given_without_its_record() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let store = servers.store(JetStreamOptions::new()).await;
        let forgotten = StreamId::parse("long", "forgotten").unwrap();
        let mut version = 1;
        for filler in 0..12 {
            store.append_batch(&[samples::group(&forgotten, version, 7)]).await;
            version += 7;
            let filler = StreamId::parse("long", &format!("filler-{filler}")).unwrap();
            let outcome = store.append_batch(&[samples::group(&filler, 1, 400)]).await.remove(0);
            assert!(outcome.stopped.is_none(), "{outcome:?}");
        }
        let query = |after, max_events| LogQuery {
            after,
            filter: LogFilter::default(),
            max_events,
            max_bytes: usize::MAX,
        };
        let before = all(&store, &query).await;
        assert_eq!(before.len(), 12 * 407);
        store.append(&forgotten, samples::tombstone(version)).await.unwrap();
        let through = Version::new(version).unwrap();
        let erase = store.erase().unwrap();
        erase
            .erase_through(&forgotten, through, ForgetPolicy::KeepRows)
            .await
            .unwrap();
        let after = all(&store, &query).await;
        assert_eq!(after.len(), before.len() + 1);
        for (before, after) in before.iter().zip(&after) {
            assert_eq!((before.position, before.event_id), (after.position, after.event_id));
            assert_eq!(after.record.is_none(), after.stream == forgotten);
        }
        erase
            .erase_through(&forgotten, through, ForgetPolicy::EraseAll)
            .await
            .unwrap();
        let left = all(&store, &query).await;
        let left: Vec<_> = left.iter().filter(|event| event.stream == forgotten).collect();
        assert_eq!(left.len(), 1);
        assert!(left[0].event_name.is_tombstone() && left[0].record.is_none());
    });
}

/// Whoever resumes an erasure may do so beside others.
#[test]
fn several_may_erase_the_same_at_once() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let store = servers.store(JetStreamOptions::new()).await;
        for round in 0..5 {
            let stream = StreamId::parse("beside", &format!("{round}")).unwrap();
            store.append_batch(&[samples::group(&stream, 1, 30)]).await;
            store.append(&stream, samples::tombstone(31)).await.unwrap();
            let erasers = (0..4).map(|_| {
                let (store, stream) = (store.clone(), stream.clone());
                TOKIO.spawn(async move {
                    let (erase, through) = (store.erase().unwrap(), Version::FIRST.plus(30));
                    while let Err(error) = erase.erase_through(&stream, through, ForgetPolicy::KeepRows).await {
                        assert!(error.is_transient(), "{error:?}");
                    }
                })
            });
            for eraser in erasers.collect::<Vec<_>>() {
                eraser.await.unwrap();
            }
            let pending = store.erase().unwrap().pending(&stream.category).await.unwrap();
            assert!(pending.is_empty(), "{pending:?}");
            let filter = LogFilter {
                streams: vec![stream.clone()],
                ..LogFilter::default()
            };
            let query = |after, max_events| LogQuery {
                after,
                filter: filter.clone(),
                max_events,
                max_bytes: usize::MAX,
            };
            let left = all(&store, &query).await;
            assert_eq!(left.len(), 31);
            assert!(left.iter().all(|event| event.record.is_none()));
        }
    });
}

/// A purge leaves bytes in the server's files until it makes them anew.
#[test]
fn the_payload_of_a_forgotten_event_is_not_on_the_disk_any_more() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let store = servers.store(JetStreamOptions::new()).await;
        let stream = StreamId::parse("personal", "a").unwrap();
        for version in 1..=20 {
            let secret = format!("Ada Lovelace {version:02} {}", "x".repeat(500));
            store
                .append(&stream, samples::carrying(version, &secret))
                .await
                .unwrap();
            let filler = samples::carrying(version, &"y".repeat(20_000));
            store
                .append(&StreamId::parse("personal", "b").unwrap(), filler)
                .await
                .unwrap();
        }
        let is_there = async || {
            // The server writes what it has taken a moment later.
            tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
            (1..=20).any(|version| servers.have_on_disk(format!("Ada Lovelace {version:02}").as_bytes()))
        };
        assert!(is_there().await);
        store.append(&stream, samples::tombstone(21)).await.unwrap();
        let (erase, through) = (store.erase().unwrap(), Version::FIRST.plus(20));
        erase
            .erase_through(&stream, through, ForgetPolicy::KeepRows)
            .await
            .unwrap();
        assert!(!is_there().await);
    });
}

async fn all(
    store: &asynx_store_jetstream::JetStreamStore,
    query: &impl Fn(Option<asynx_core::Position>, usize) -> LogQuery,
) -> Vec<asynx_core::store::LogEvent> {
    let (mut events, mut after) = (Vec::new(), None);
    loop {
        let page = store.log().unwrap().read(&query(after, 300)).await.unwrap();
        events.extend(page.events);
        after = page.next;
        if page.at_end {
            return events;
        }
    }
}
