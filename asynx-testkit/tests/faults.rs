//! What each fault does to a store and to its answers.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::store::{AppendError, GroupOutcome, Snapshot};
use asynx_core::{Runtime, SchemaVersion, Store, StreamId, Version};
use asynx_store_memory::MemoryStore;
use asynx_testkit::faults::{AfterCrash, Fault, FaultPlan, FaultyStore, Rule};
use asynx_testkit::layers::Call;
use asynx_testkit::{ThreadRuntime, samples};
use bytes::Bytes;
use futures::future::{self, Either, poll_immediate};

const SHORT: Duration = Duration::from_millis(20);

fn stream(id: &str) -> StreamId {
    StreamId::parse("fault", id).expect("a valid id")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    ThreadRuntime.block_on(future)
}

/// A faulty store and what is really stored.
fn faulty(rule: Rule) -> (FaultyStore<MemoryStore>, MemoryStore) {
    planned(FaultPlan::seeded(1).with(rule))
}

fn planned(plan: FaultPlan) -> (FaultyStore<MemoryStore>, MemoryStore) {
    let memory = MemoryStore::new();
    let store = FaultyStore::new(memory.clone(), plan, Arc::new(ThreadRuntime));
    (store, memory)
}

fn count(store: &MemoryStore, id: &str) -> u64 {
    block_on(store.count(&stream(id), Version::FIRST)).expect("memory can be read")
}

fn append(store: &FaultyStore<MemoryStore>, id: &str, version: u64) -> Result<(), AppendError> {
    block_on(store.append(&stream(id), samples::event(version))).map(drop)
}

/// Whether a future is still without an answer after a while.
fn hangs<T>(future: impl Future<Output = T> + Unpin) -> bool {
    let patience = ThreadRuntime.sleep(SHORT * 2);
    matches!(block_on(future::select(future, patience)), Either::Right(_))
}

#[test]
fn without_rules_nothing_happens() {
    let (store, memory) = planned(FaultPlan::seeded(1));
    assert!(append(&store, "a", 1).is_ok());
    assert_eq!(count(&memory, "a"), 1);
}

#[test]
fn slow_calls_are_made_after_a_while() {
    let (store, memory) = faulty(Rule::always(Fault::Slow(SHORT)).on([Call::Append]));
    let a = stream("a");
    let mut slow = store.append(&a, samples::event(1));
    assert!(block_on(poll_immediate(&mut slow)).is_none());
    assert_eq!(count(&memory, "a"), 0);
    assert!(block_on(slow).is_ok());
    assert_eq!(count(&memory, "a"), 1);
}

#[test]
fn failing_before_stores_nothing() {
    let (store, memory) = faulty(Rule::nth(1, Fault::FailBefore));
    let error = append(&store, "a", 1).unwrap_err();
    assert!(matches!(error, AppendError::NotApplied(source) if source.is_transient()));
    assert_eq!(count(&memory, "a"), 0);
    assert!(append(&store, "a", 1).is_ok());
}

#[test]
fn refusing_is_permanent() {
    let (store, memory) = faulty(Rule::always(Fault::Refuse).on(Call::WRITES));
    let outcomes =
        block_on(store.append_batch(&[samples::group(&stream("a"), 1, 1), samples::group(&stream("b"), 1, 1)]));
    assert_eq!(outcomes.len(), 2);
    for outcome in &outcomes {
        assert!(matches!(&outcome.stopped, Some(AppendError::NotApplied(error)) if !error.is_transient()));
    }
    assert!(!block_on(store.delete(&stream("a"))).unwrap_err().is_transient());
    assert_eq!(count(&memory, "a") + count(&memory, "b"), 0);
}

#[test]
fn failing_after_stores_and_loses_the_answer() {
    let (store, memory) = faulty(Rule::always(Fault::FailAfter).on(Call::APPENDS));
    assert!(matches!(append(&store, "a", 1), Err(AppendError::Unknown(_))));
    let outcomes = block_on(store.append_batch(&[samples::group(&stream("b"), 1, 2)]));
    assert!(
        matches!(&outcomes[..], [GroupOutcome { stopped: Some(AppendError::Unknown(_)), applied }] if applied.is_empty())
    );
    assert_eq!((count(&memory, "a"), count(&memory, "b")), (1, 2));
}

#[test]
fn what_is_applied_later_is_not_there_at_once() {
    let (store, memory) = faulty(Rule::always(Fault::ApplyLater(SHORT)).on([Call::AppendBatch, Call::Count]));
    let outcomes = block_on(store.append_batch(&[samples::group(&stream("a"), 1, 2)]));
    assert!(matches!(outcomes[0].stopped, Some(AppendError::Unknown(_))));
    assert_eq!(count(&memory, "a"), 0);
    assert!(block_on(store.count(&stream("a"), Version::FIRST)).is_err());
    block_on(ThreadRuntime.sleep(SHORT * 5));
    assert_eq!(count(&memory, "a"), 2);
}

#[test]
fn what_is_held_is_applied_when_the_test_says_so() {
    let (store, memory) = faulty(Rule::nth(1, Fault::Hold).on(Call::APPENDS));
    assert!(matches!(append(&store, "a", 1), Err(AppendError::Unknown(_))));
    assert_eq!(count(&memory, "a"), 0);
    let faults = store.faults();
    faults.heal();
    block_on(faults.apply_held());
    assert_eq!(count(&memory, "a"), 1);
    block_on(faults.apply_held());
    assert_eq!(count(&memory, "a"), 1);
}

#[test]
fn conflicts_store_nothing_and_concern_appends_only() {
    let (store, memory) = faulty(Rule::always(Fault::Conflict));
    assert!(matches!(append(&store, "a", 1), Err(AppendError::Conflict)));
    assert_eq!(count(&memory, "a"), 0);
    assert!(block_on(store.count(&stream("a"), Version::FIRST)).is_ok());
}

#[test]
fn cut_groups_keep_a_prefix() {
    let (store, memory) = faulty(Rule::always(Fault::Cut));
    let groups: Vec<_> = (0..20).map(|n| samples::group(&stream(&n.to_string()), 1, 4)).collect();
    let outcomes = block_on(store.append_batch(&groups));
    assert_eq!(outcomes.len(), 20);
    let mut lengths: Vec<usize> = Vec::new();
    for (n, outcome) in outcomes.iter().enumerate() {
        assert!(matches!(&outcome.stopped, Some(AppendError::NotApplied(error)) if error.is_transient()));
        assert_eq!(count(&memory, &n.to_string()), outcome.applied.len() as u64);
        lengths.push(outcome.applied.len());
    }
    lengths.sort_unstable();
    lengths.dedup();
    assert_eq!(lengths, [0, 1, 2, 3], "all lengths short of the whole come about");
}

#[test]
fn reordered_calls_overtake_each_other() {
    let (store, memory) = faulty(Rule::always(Fault::Reorder(SHORT)).on([Call::Append]));
    let appends = (0..8).map(|n| {
        let (store, id) = (store.clone(), stream(&n.to_string()));
        async move { store.append(&id, samples::event(1)).await }
    });
    let positions = block_on(future::join_all(appends));
    let positions: Vec<_> = positions
        .into_iter()
        .map(|position| position.unwrap().unwrap())
        .collect();
    assert!(!positions.is_sorted(), "{positions:?}");
    assert_eq!((0..8).map(|n| count(&memory, &n.to_string())).sum::<u64>(), 8);
}

#[test]
fn after_a_crash_nothing_answers() {
    let (store, memory) = faulty(Rule::nth(2, Fault::CrashAfter));
    let a = stream("a");
    assert!(append(&store, "a", 1).is_ok());
    assert!(hangs(store.append(&a, samples::event(2))));
    assert!(store.faults().is_crashed());
    assert_eq!(count(&memory, "a"), 2);
    assert!(hangs(store.count(&a, Version::FIRST)));
    store.faults().heal();
    assert!(append(&store, "a", 3).is_ok());
}

#[test]
fn after_a_crash_everything_fails_where_asked_for() {
    let plan = FaultPlan::seeded(1).with(Rule::nth(1, Fault::CrashBefore).on([Call::AppendBatch]));
    let (store, memory) = planned(plan.after_crash(AfterCrash::Fail));
    let outcomes = block_on(store.append_batch(&[samples::group(&stream("a"), 1, 1)]));
    assert!(matches!(outcomes[0].stopped, Some(AppendError::Unknown(_))));
    assert!(matches!(append(&store, "a", 1), Err(AppendError::NotApplied(_))));
    assert!(block_on(store.log().unwrap().end()).is_err());
    assert!(hangs(store.log().unwrap().changed(None)));
    assert_eq!(count(&memory, "a"), 0);
}

#[test]
fn a_crash_loses_the_answers_under_way() {
    let slow = Rule::always(Fault::Slow(SHORT)).on([Call::Append]);
    let plan = FaultPlan::seeded(1)
        .with(slow)
        .with(Rule::nth(1, Fault::CrashBefore).on([Call::Count]));
    let (store, memory) = planned(plan);
    let a = stream("a");
    let mut append = store.append(&a, samples::event(1));
    assert!(block_on(poll_immediate(&mut append)).is_none());
    assert!(hangs(store.count(&a, Version::FIRST)));
    assert!(hangs(append));
    assert_eq!(count(&memory, "a"), 1);
}

#[test]
fn faults_happen_to_capabilities_too() {
    let (store, memory) = faulty(Rule::nth(1, Fault::FailAfter).on([Call::SnapshotPut]));
    let snapshot = Snapshot {
        version: Version::FIRST,
        schema_version: SchemaVersion::FIRST,
        document: Bytes::from_static(b"{}"),
    };
    block_on(async {
        let a = stream("a");
        assert!(store.snapshots().unwrap().put(&a, snapshot).await.is_err());
        assert!(
            memory
                .snapshots()
                .unwrap()
                .get(&a, SchemaVersion::FIRST)
                .await
                .unwrap()
                .is_some()
        );
    });
}

#[test]
fn the_same_seed_gives_the_same_faults() {
    let run = |seed| {
        let (store, _) = planned(FaultPlan::seeded(seed).with(Rule::chance(0.3, Fault::FailBefore)));
        (0..64)
            .map(|n| append(&store, &n.to_string(), 1).is_ok())
            .collect::<Vec<_>>()
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn rules_count_the_calls_they_are_about() {
    let plan = FaultPlan::seeded(1)
        .with(Rule::from_nth(2, Fault::FailBefore).on([Call::Count]))
        .with(Rule::nth(1, Fault::Conflict).on([Call::Append]));
    let (store, _) = planned(plan);
    let a = stream("a");
    assert!(block_on(store.count(&a, Version::FIRST)).is_ok());
    assert!(append(&store, "a", 1).is_err());
    assert!(append(&store, "a", 1).is_ok());
    assert!(block_on(store.count(&a, Version::FIRST)).is_err());
    assert!(block_on(store.count(&a, Version::FIRST)).is_err());
}

#[test]
fn faulty_stores_compose() {
    let plan = |rule| FaultPlan::seeded(1).with(rule);
    let runtime: Arc<dyn Runtime> = Arc::new(ThreadRuntime);
    let inner = FaultyStore::new(
        MemoryStore::new(),
        plan(Rule::nth(2, Fault::FailBefore)),
        Arc::clone(&runtime),
    );
    let outer = FaultyStore::new(inner, plan(Rule::nth(1, Fault::Conflict)), runtime);
    let a = stream("a");
    let append = || block_on(outer.append(&a, samples::event(1)));
    assert!(matches!(append(), Err(AppendError::Conflict)));
    assert!(append().is_ok());
    assert!(matches!(append(), Err(AppendError::NotApplied(_))));
}
