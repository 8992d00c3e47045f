//! What the memory store does beyond the laws.

use std::time::Duration;

use asynx_core::store::{AppendError, AppendGroup, ForgetPolicy, HeadQuery, Load, LogFilter, LogQuery};
use asynx_core::{Runtime, Store, StreamId, Version};
use asynx_store_memory::MemoryStore;
use asynx_testkit::{ThreadRuntime, samples};
use futures::FutureExt;
use futures::future::join;

fn stream(id: impl AsRef<str>) -> StreamId {
    StreamId::parse("memory", id.as_ref()).expect("a valid id")
}

/// No call of the memory store waits.
fn now<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("the memory store never waits")
}

#[test]
fn clones_share_their_data() {
    let (store, clone) = (MemoryStore::new(), MemoryStore::new());
    let other = store.clone();
    now(store.append(&stream("a"), samples::event(1))).unwrap();
    assert_eq!(now(other.count(&stream("a"), Version::FIRST)).unwrap(), 1);
    assert_eq!(now(clone.count(&stream("a"), Version::FIRST)).unwrap(), 0);
    assert_eq!(format!("{other:?}"), "MemoryStore { streams: 1, events: 1, .. }");
}

#[test]
fn a_group_is_stored_wholly_or_not_at_all() {
    let store = MemoryStore::new();
    let a = stream("a");
    let twice = samples::event(2).event_id;
    let gap = vec![samples::event(1), samples::event(3)];
    let equal_ids = vec![
        samples::event(1),
        samples::with_id(2, twice),
        samples::with_id(3, twice),
    ];
    for (events, fits) in [
        (
            gap,
            (|e| matches!(e, AppendError::NotApplied(error) if !error.is_transient())) as fn(&AppendError) -> bool,
        ),
        (equal_ids, |e| matches!(e, AppendError::Duplicate { .. })),
    ] {
        let group = AppendGroup {
            stream: a.clone(),
            events,
        };
        let outcome = now(store.append_batch(&[group])).remove(0);
        assert!(outcome.stopped.as_ref().is_some_and(fits), "{outcome:?}");
        assert!(outcome.applied.is_empty());
        assert_eq!(now(store.count(&a, Version::FIRST)).unwrap(), 0);
    }
}

#[test]
fn waiting_for_the_log_ends_with_the_next_append() {
    let store = MemoryStore::new();
    let log = store.log().unwrap();
    let at_start = log.changed(None);
    let write = async {
        ThreadRuntime.sleep(Duration::from_millis(10)).await;
        store.append(&stream("a"), samples::event(1)).await.unwrap()
    };
    let (position, ()) = ThreadRuntime.block_on(join(write, at_start));
    assert_eq!(log.changed(None).now_or_never(), Some(()));
    assert_eq!(log.changed(position).now_or_never(), None);
    // A refused append wakes nobody.
    let mut waiting = log.changed(position);
    assert_eq!((&mut waiting).now_or_never(), None);
    assert!(now(store.append(&stream("a"), samples::event(1))).is_err());
    assert_eq!((&mut waiting).now_or_never(), None);
    now(store.append(&stream("a"), samples::event(2))).unwrap();
    assert_eq!(waiting.now_or_never(), Some(()));
}

#[test]
fn the_living_are_not_erased() {
    let store = MemoryStore::new();
    let a = stream("a");
    let erase = Store::erase(&store).unwrap();
    let through = |version| erase.erase_through(&a, Version::new(version).unwrap(), ForgetPolicy::EraseAll);
    assert!(now(through(1)).is_ok(), "nothing is there to be erased");
    now(store.append_batch(&[samples::group(&a, 1, 2)]));
    assert!(!now(through(1)).unwrap_err().is_transient());
    now(store.append(&a, samples::tombstone(3))).unwrap();
    now(store.append(&a, samples::event(4))).unwrap();
    assert!(now(through(4)).is_err());
    assert_eq!(now(store.count(&a, Version::FIRST)).unwrap(), 4);
    now(through(3)).unwrap();
    assert_eq!(now(store.count(&a, Version::FIRST)).unwrap(), 1);
}

#[test]
fn the_end_of_the_log_stays_when_its_events_go() {
    let store = MemoryStore::new();
    let log = store.log().unwrap();
    let position = now(store.append(&stream("a"), samples::event(1))).unwrap();
    now(Store::delete(&store, &stream("a"))).unwrap();
    assert_eq!(now(log.end()).unwrap(), position);
    let query = LogQuery {
        after: position,
        filter: LogFilter::default(),
        max_events: 1,
        max_bytes: 1,
    };
    let page = now(log.read(&query)).unwrap();
    assert!(page.events.is_empty() && page.at_end && page.next == position);
}

#[test]
fn many_and_long_streams_are_no_burden() {
    const STREAMS: u64 = 50_000;
    const EVENTS: u64 = 10_000;
    let store = MemoryStore::new();
    let event = samples::event(1);
    let groups = (0..STREAMS).map(|n| AppendGroup {
        stream: stream(n.to_string()),
        events: vec![event.clone()],
    });
    let groups: Vec<_> = groups.collect();
    let outcomes = now(store.append_batch(&groups));
    assert!(outcomes.iter().all(|outcome| outcome.stopped.is_none()));
    let long = samples::group(&stream("long"), 1, EVENTS);
    now(store.append_batch(std::slice::from_ref(&long)));
    // Each of these would take minutes if it looked at more than it gives.
    for n in 0..EVENTS {
        let id = long.events[n as usize].event_id;
        let head = HeadQuery {
            stream: stream("long"),
            event_id: Some(id),
        };
        let head = now(store.heads(&[head])).unwrap().remove(0);
        assert_eq!(head.found.map(|found| found.version), Version::new(n + 1));
        let load = Load {
            stream: stream("long"),
            from: Version::new(n + 1),
            snapshot: None,
            limit: 1,
        };
        assert_eq!(now(store.load(&[load])).unwrap()[0].events[0].version.get(), n + 1);
        assert_eq!(now(store.count(&stream(n.to_string()), Version::FIRST)).unwrap(), 1);
    }
}
