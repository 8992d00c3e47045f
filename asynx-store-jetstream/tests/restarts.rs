//! Servers that end and come back while events are appended and the log is followed.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use asynx_core::store::{LogFilter, LogQuery};
use asynx_core::{EventId, Store as _};
use asynx_store_jetstream::{JetStreamOptions, JetStreamStore};
use server::{Opens as _, Servers, TOKIO, Writer};

fn options() -> JetStreamOptions {
    JetStreamOptions::new().with_request_timeout(Duration::from_secs(1))
}

/// Writers append until they are told to stop; they give what they were answered.
async fn write(store: JetStreamStore, stop: Arc<AtomicBool>) -> Vec<Writer> {
    let tasks = (0..8).map(|n| {
        let (mut writer, stop) = (Writer::new(&store, "restarts", &format!("{n}")), stop.clone());
        TOKIO.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                writer.append(1 + writer.stored.len() as u64 % 3).await;
            }
            writer
        })
    });
    let mut writers = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        writers.push(task.await.unwrap());
    }
    writers
}

/// Follows the log until it was told to stop and has come to the end.
async fn follow(store: JetStreamStore, stop: Arc<AtomicBool>) -> Vec<EventId> {
    let (mut given, mut after) = (Vec::new(), None);
    loop {
        let query = LogQuery {
            after,
            filter: LogFilter::default(),
            max_events: 100,
            max_bytes: 1 << 20,
        };
        let stopped = stop.load(Ordering::SeqCst);
        match store.log().unwrap().read(&query).await {
            Ok(page) => {
                given.extend(page.events.iter().map(|event| event.event_id));
                after = page.next;
                if page.at_end && stopped {
                    return given;
                }
                if page.at_end {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            Err(error) if error.is_transient() => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("following the log: {error}"),
        }
    }
}

async fn check(writers: &[Writer], given: &[EventId]) {
    let mut times = BTreeMap::new();
    for id in given {
        *times.entry(*id).or_insert(0) += 1;
    }
    let mut stored = 0;
    for writer in writers {
        writer.check().await;
        assert!(!writer.stored.is_empty());
        for event in &writer.stored {
            let version = event.version;
            assert_eq!(
                times.get(&event.event_id),
                Some(&1),
                "version {version} of {} in the log",
                writer.stream
            );
            stored += 1;
        }
    }
    assert_eq!(given.len(), stored, "the log gives what nobody was told is stored");
    let unknown: usize = writers.iter().map(|writer| writer.unknown).sum();
    println!("{stored} events stored, {unknown} outcomes unknown at first");
}

#[test]
fn one_server_that_is_killed_under_load_loses_nothing() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let store = servers.store(options()).await;
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let written = TOKIO.spawn(write(store.clone(), stop.clone()));
        let followed = TOKIO.spawn(follow(store.clone(), done.clone()));
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(2_000)).await;
            servers.kill(0);
            tokio::time::sleep(Duration::from_millis(100)).await;
            servers.start_again(0);
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        stop.store(true, Ordering::SeqCst);
        let writers = written.await.unwrap();
        done.store(true, Ordering::SeqCst);
        check(&writers, &followed.await.unwrap()).await;
    });
}

#[test]
fn a_cluster_whose_servers_are_killed_in_turn_loses_nothing() {
    TOKIO.block_on(async {
        let servers = Servers::start(3, "");
        let store = servers.store(options().with_replicas(3)).await;
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let written = TOKIO.spawn(write(store.clone(), stop.clone()));
        let followed = TOKIO.spawn(follow(store.clone(), done.clone()));
        for n in 0..3 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            servers.kill(n);
            tokio::time::sleep(Duration::from_secs(3)).await;
            servers.start_again(n);
            // The next one is killed when this one is of use again: two of three are needed at any time.
            tokio::time::sleep(Duration::from_secs(6)).await;
        }
        stop.store(true, Ordering::SeqCst);
        let writers = written.await.unwrap();
        done.store(true, Ordering::SeqCst);
        check(&writers, &followed.await.unwrap()).await;
    });
}
