//! What lanes promise, each with an append that the test holds in its hands.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome};
use asynx_core::{Position, Runtime, Store, StoreError, StreamId, Timestamp, Version};
use asynx_lanes::{LaneOptions, Lanes};
use asynx_store_memory::MemoryStore;
use asynx_testkit::{ThreadRuntime, samples};
use futures::FutureExt;
use futures::channel::{mpsc, oneshot};
use futures::executor::block_on;
use futures::future::{BoxFuture, join, join_all};
use futures::stream::StreamExt;

fn stream(id: impl ToString) -> StreamId {
    StreamId::parse("lane", &id.to_string()).expect("a valid id")
}

fn applied(group: &AppendGroup) -> GroupOutcome {
    GroupOutcome {
        applied: vec![None; group.events.len()],
        stopped: None,
    }
}

fn refused() -> GroupOutcome {
    GroupOutcome::none(AppendError::NotApplied(StoreError::permanent("refused")))
}

fn is_unknown(outcome: &GroupOutcome) -> bool {
    outcome.applied.is_empty() && matches!(outcome.stopped, Some(AppendError::Unknown(_)))
}

/// An append that is under way until the test answers it.
struct Held {
    groups: Arc<[AppendGroup]>,
    answer: oneshot::Sender<Vec<GroupOutcome>>,
}

impl Held {
    fn versions(&self) -> Vec<(String, u64)> {
        let first = |group: &AppendGroup| (group.stream.aggregate_id.to_string(), group.events[0].version.get());
        self.groups.iter().map(first).collect()
    }

    fn succeed(self) {
        let outcomes = self.groups.iter().map(applied).collect();
        let _ = self.answer.send(outcomes);
    }
}

fn held(options: LaneOptions) -> (Lanes, mpsc::UnboundedReceiver<Held>) {
    let (begun, appends) = mpsc::unbounded();
    let lanes = Lanes::new(Arc::new(ThreadRuntime), options, move |groups| {
        let (answer, outcomes) = oneshot::channel();
        let _ = begun.unbounded_send(Held { groups, answer });
        outcomes.map(Result::unwrap_or_default).boxed()
    });
    (lanes, appends)
}

fn next(appends: &mut mpsc::UnboundedReceiver<Held>) -> Held {
    block_on(appends.next()).expect("the lanes are alive")
}

/// Waits long enough for an append that should not be to show.
fn nothing_begins(appends: &mut mpsc::UnboundedReceiver<Held>) {
    block_on(ThreadRuntime.sleep(Duration::from_millis(30)));
    assert!(appends.try_recv().is_err(), "an append began that should have waited");
}

/// Calls and polls once, so that the call's groups are in the queue.
fn call(lanes: &Lanes, groups: Vec<AppendGroup>) -> BoxFuture<'static, Vec<GroupOutcome>> {
    let lanes = lanes.clone();
    let mut calling = async move { lanes.append(groups).await }.boxed();
    assert!((&mut calling).now_or_never().is_none());
    calling
}

fn one(id: impl ToString, version: u64) -> Vec<AppendGroup> {
    vec![samples::group(&stream(id), version, 1)]
}

#[test]
fn what_waits_is_appended_together_in_order() {
    let (lanes, mut appends) = held(LaneOptions::default().with_lanes(1));
    let lonely = call(&lanes, one("a", 1));
    let first = next(&mut appends);
    assert_eq!(first.versions(), [("a".to_owned(), 1)]);
    let waiting = ["b", "c", "d"].map(|id| call(&lanes, one(id, 1)));
    nothing_begins(&mut appends);
    first.succeed();
    assert_eq!(block_on(lonely)[0].applied.len(), 1);
    let second = next(&mut appends);
    assert_eq!(second.versions(), ["b", "c", "d"].map(|id| (id.to_owned(), 1)));
    second.succeed();
    for outcomes in block_on(join_all(waiting)) {
        assert!(outcomes[0].stopped.is_none());
    }
}

#[test]
fn as_many_appends_are_in_flight_as_there_are_lanes() {
    let (lanes, mut appends) = held(LaneOptions::default().with_lanes(3));
    let calls: Vec<_> = (0..5).map(|id| call(&lanes, one(id, 1))).collect();
    let begun: Vec<_> = (0..3).map(|_| next(&mut appends)).collect();
    nothing_begins(&mut appends);
    begun.into_iter().for_each(Held::succeed);
    next(&mut appends).succeed();
    drop(calls);
}

#[test]
fn a_stream_is_under_way_once() {
    let (lanes, mut appends) = held(LaneOptions::default().with_lanes(4));
    let first = call(&lanes, one("a", 1));
    let second = call(&lanes, one("a", 2));
    let mut both = one("a", 3);
    both.extend(one("b", 1));
    let third = call(&lanes, both);
    // Each lane is a thread: which of them is first is open.
    let mut begun = [next(&mut appends), next(&mut appends)];
    begun.sort_by_key(Held::versions);
    let [a1, b1] = begun;
    assert_eq!(
        (a1.versions(), b1.versions()),
        (vec![("a".into(), 1)], vec![("b".into(), 1)])
    );
    nothing_begins(&mut appends);
    b1.succeed();
    nothing_begins(&mut appends);
    a1.succeed();
    let a2 = next(&mut appends);
    assert_eq!(a2.versions(), [("a".to_owned(), 2)]);
    nothing_begins(&mut appends);
    a2.succeed();
    let a3 = next(&mut appends);
    assert_eq!(a3.versions(), [("a".to_owned(), 3)]);
    a3.succeed();
    let (first, (second, third)) = block_on(join(first, join(second, third)));
    assert_eq!((first.len(), second.len(), third.len()), (1, 1, 2));
}

#[test]
fn an_append_obeys_its_limits() {
    let options = LaneOptions::default().with_lanes(1).with_max_events(3);
    let bytes = samples::group(&stream("x"), 1, 1).events[0].record.len();
    for options in [options.clone(), options.with_max_events(100).with_max_bytes(3 * bytes)] {
        let (lanes, mut appends) = held(options);
        let blocker = call(&lanes, one("blocker", 1));
        let begun = next(&mut appends);
        let mut calls: Vec<_> = (0..4).map(|id| call(&lanes, one(id, 1))).collect();
        calls.push(call(&lanes, vec![samples::group(&stream("large"), 1, 9)]));
        calls.push(call(&lanes, one("last", 1)));
        begun.succeed();
        let sizes: Vec<_> = (0..4)
            .map(|_| {
                let append = next(&mut appends);
                let size = append.groups.len();
                append.succeed();
                size
            })
            .collect();
        assert_eq!(sizes, [3, 1, 1, 1], "a group that is too large goes alone");
        block_on(join(blocker, join_all(calls)));
    }
}

#[test]
fn a_dropped_call_appends_only_what_a_lane_has_taken() {
    let (lanes, mut appends) = held(LaneOptions::default().with_lanes(1));
    let taken = call(&lanes, one("taken", 1));
    let begun = next(&mut appends);
    let waiting = call(&lanes, one("waiting", 1));
    let kept = call(&lanes, one("kept", 1));
    drop((taken, waiting));
    begun.succeed();
    let second = next(&mut appends);
    assert_eq!(second.versions(), [("kept".to_owned(), 1)]);
    second.succeed();
    block_on(kept);
}

/// Refuses every append that holds a bad event, as a database refuses a statement.
fn refusing(seen: &Arc<Mutex<Vec<usize>>>, transient: bool) -> Lanes {
    let seen = seen.clone();
    Lanes::new(
        Arc::new(ThreadRuntime),
        LaneOptions::default().with_lanes(1),
        move |groups| {
            seen.lock().expect("no panic holds it").push(groups.len());
            let bad = |group: &AppendGroup| group.events.iter().any(|event| event.event_name.as_str() == "Bad");
            let outcomes = if !groups.iter().any(bad) {
                groups.iter().map(applied).collect()
            } else if transient {
                let error = StoreError::transient("come again");
                vec![GroupOutcome::none(AppendError::NotApplied(error)); groups.len()]
            } else {
                vec![refused(); groups.len()]
            };
            async move { outcomes }.boxed()
        },
    )
}

#[test]
fn a_bad_event_fails_alone_with_what_follows_on_it() {
    let seen = Arc::default();
    let lanes = refusing(&seen, false);
    let mut groups: Vec<_> = (0..8).map(|id| samples::group(&stream(id), 1, 5)).collect();
    groups[6].events[3] = samples::named(4, "Bad");
    let outcomes = block_on(lanes.append(groups));
    for (id, outcome) in outcomes.iter().enumerate() {
        let stopped = matches!(outcome.stopped, Some(AppendError::NotApplied(_)));
        assert_eq!(
            (outcome.applied.len(), stopped),
            if id == 6 { (3, true) } else { (5, false) },
            "group {id}"
        );
    }
}

#[test]
fn what_may_succeed_later_is_not_tried_again() {
    let seen = Arc::default();
    let lanes = refusing(&seen, true);
    let mut groups = one("good", 1);
    groups.push(AppendGroup {
        stream: stream("bad"),
        events: vec![samples::named(1, "Bad")],
    });
    let outcomes = block_on(lanes.append(groups));
    assert!(outcomes.iter().all(|outcome| outcome.stopped.is_some()));
    assert_eq!(*seen.lock().unwrap(), [2]);
}

#[test]
fn whatever_the_store_does_every_caller_is_answered_and_the_lane_goes_on() {
    type Answer = fn(&[AppendGroup]) -> BoxFuture<'static, Vec<GroupOutcome>>;
    let bad: [Answer; 4] = [
        |_| panic!("before the future"),
        |_| async { panic!("within the future") }.boxed(),
        |_| futures::future::pending().boxed(),
        |_| async { Vec::new() }.boxed(),
    ];
    let options = LaneOptions::default()
        .with_lanes(1)
        .with_timeout(Duration::from_millis(20));
    for (at, answer) in bad.into_iter().enumerate() {
        let lanes = Lanes::new(Arc::new(ThreadRuntime), options.clone(), move |groups| {
            if groups.iter().any(|group| group.stream == stream("bad")) {
                return answer(&groups);
            }
            async move { groups.iter().map(applied).collect() }.boxed()
        });
        assert!(is_unknown(&block_on(lanes.append(one("bad", 1)))[0]), "answer {at}");
        assert!(
            block_on(lanes.append(one("good", 1)))[0].stopped.is_none(),
            "answer {at}"
        );
    }
}

/// Drops every task, as a runtime does that has ended.
struct Ended;

impl Runtime for Ended {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        drop(task);
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        futures::future::pending().boxed()
    }

    fn now(&self) -> Timestamp {
        ThreadRuntime.now()
    }

    fn entropy(&self) -> u64 {
        1
    }
}

#[test]
fn a_dropped_task_is_an_unknown_outcome() {
    let lanes = Lanes::new(
        Arc::new(Ended),
        LaneOptions::default().with_lanes(1),
        |_| unreachable!(),
    );
    for _ in 0..2 {
        let outcomes = block_on(lanes.append(one("a", 1)));
        assert!(is_unknown(&outcomes[0]), "{outcomes:?}");
    }
}

#[test]
fn no_groups_have_no_outcomes() {
    let (lanes, _appends) = held(LaneOptions::default());
    assert!(block_on(lanes.append(Vec::new())).is_empty());
}

#[test]
fn many_callers_lose_nothing() {
    const STREAMS: u64 = 6;
    const EVENTS: u64 = 60;
    let store = MemoryStore::new();
    let under_way = Arc::new(Mutex::new(HashSet::new()));
    let (inner, active) = (store.clone(), under_way.clone());
    let options = LaneOptions::default().with_lanes(3).with_max_events(4);
    let lanes = Lanes::new(Arc::new(ThreadRuntime), options, move |groups| {
        let (store, active) = (inner.clone(), active.clone());
        async move {
            for group in &*groups {
                assert!(active.lock().unwrap().insert(group.stream.clone()), "twice under way");
            }
            ThreadRuntime.sleep(Duration::from_micros(200)).await;
            let outcomes = store.append_batch(&groups).await;
            for group in &*groups {
                active.lock().unwrap().remove(&group.stream);
            }
            outcomes
        }
        .boxed()
    });
    let writers: Vec<_> = (0..STREAMS)
        .map(|id| {
            let lanes = lanes.clone();
            std::thread::spawn(move || {
                // Pipelined: all are sent before the first is answered.
                let calls = (1..=EVENTS).map(|version| lanes.append(one(id, version)));
                let outcomes = block_on(join_all(calls));
                outcomes.into_iter().map(|mut one| one.remove(0)).collect::<Vec<_>>()
            })
        })
        .collect();
    for (id, writer) in writers.into_iter().enumerate() {
        let outcomes = writer.join().unwrap();
        let positions: Vec<Option<Position>> = outcomes.iter().flat_map(|outcome| outcome.applied.clone()).collect();
        assert_eq!(
            positions.len() as u64,
            EVENTS,
            "{:?}",
            outcomes.iter().find(|one| one.stopped.is_some())
        );
        assert!(positions.is_sorted(), "in the order of the calls");
        assert_eq!(block_on(store.count(&stream(id), Version::FIRST)).unwrap(), EVENTS);
    }
}
