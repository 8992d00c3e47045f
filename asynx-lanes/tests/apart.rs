//! Finding the group that is to blame: by appending each alone, for as long as there is time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome};
use asynx_core::{Runtime, StoreError, StreamId};
use asynx_lanes::inline::apart;
use asynx_lanes::{LaneOptions, Lanes};
use asynx_testkit::{ThreadRuntime, samples};
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::BoxFuture;

/// What was tried: how many groups, and how many events.
type Tries = Mutex<Vec<(usize, usize)>>;

fn group(id: &str, events: u64) -> AppendGroup {
    let stream = StreamId::parse("apart", id).expect("a valid id");
    samples::group(&stream, 1, events)
}

/// Refuses what holds one of these versions of the stream `bad`.
fn try_append<'a>(
    tries: &'a Tries,
    bad: &[u64],
    error: fn() -> StoreError,
) -> impl Fn(Arc<[AppendGroup]>) -> BoxFuture<'a, Result<Vec<GroupOutcome>, StoreError>> + use<'a> {
    let bad: Arc<HashSet<u64>> = Arc::new(bad.iter().copied().collect());
    move |groups| {
        let bad = Arc::clone(&bad);
        async move {
            let events = groups.iter().map(|group| group.events.len()).sum();
            tries.lock().expect("nobody panics").push((groups.len(), events));
            let is_bad = |group: &AppendGroup| {
                let versions = group.events.iter().map(|event| event.version.get());
                group.stream.aggregate_id.as_str() == "bad"
                    && versions.into_iter().any(|version| bad.contains(&version))
            };
            if groups.iter().any(is_bad) {
                return Err(error());
            }
            let applied = groups.iter().map(|group| GroupOutcome {
                applied: vec![None; group.events.len()],
                stopped: None,
            });
            Ok(applied.collect())
        }
        .boxed()
    }
}

fn told(outcomes: &[GroupOutcome]) -> Vec<(usize, Option<bool>)> {
    let told = outcomes.iter().map(|outcome| {
        let transient = match &outcome.stopped {
            None => None,
            Some(AppendError::NotApplied(error)) => Some(error.is_transient()),
            Some(other) => panic!("{other}"),
        };
        (outcome.applied.len(), transient)
    });
    told.collect()
}

fn refused() -> StoreError {
    StoreError::permanent("refused")
}

fn busy() -> StoreError {
    StoreError::transient("busy")
}

#[test]
fn one_to_blame_fails_alone_and_what_comes_before_the_bad_event_is_stored() {
    let tries = Tries::default();
    let groups: Arc<[AppendGroup]> = Arc::new([group("a", 2), group("bad", 5), group("b", 1)]);
    let outcomes = block_on(apart(groups, &try_append(&tries, &[4], refused), &|| true));
    assert_eq!(told(&outcomes), [(2, None), (3, Some(false)), (1, None)]);
    // All; each alone; of the bad one 1-2, 3-5, 3, 4-5, 4.
    let tries = tries.into_inner().expect("nobody panicked");
    assert_eq!(
        tries,
        [(3, 8), (1, 2), (1, 5), (1, 2), (1, 3), (1, 1), (1, 2), (1, 1), (1, 1)]
    );
}

#[test]
fn what_may_go_away_is_not_divided() {
    let tries = Tries::default();
    let outcomes = block_on(apart(
        Arc::new([group("bad", 4)]),
        &try_append(&tries, &[4], busy),
        &|| true,
    ));
    assert_eq!(told(&outcomes), [(0, Some(true))]);
    assert_eq!(tries.into_inner().expect("nobody panicked").len(), 1);
}

#[test]
fn what_there_is_no_time_for_may_be_tried_again() {
    let tries = Tries::default();
    let groups: Arc<[AppendGroup]> = Arc::new([group("a", 1), group("bad", 4), group("b", 1)]);
    let has_time = || tries.lock().expect("nobody panics").len() < 2;
    let outcomes = block_on(apart(groups, &try_append(&tries, &[1], refused), &has_time));
    assert_eq!(told(&outcomes), [(1, None), (0, Some(true)), (0, Some(true))]);
}

#[test]
fn lanes_leave_it_to_the_function_where_they_are_told_so() {
    for (options, calls) in [
        (LaneOptions::default(), 7),
        (LaneOptions::default().without_halves(), 1),
    ] {
        let tries = Arc::new(Tries::default());
        let counted = Arc::clone(&tries);
        let runtime: Arc<dyn Runtime> = Arc::new(ThreadRuntime);
        let lanes = Lanes::new(runtime, options, move |groups: Arc<[AppendGroup]>| {
            counted.lock().expect("nobody panics").push((groups.len(), 0));
            let refused = GroupOutcome::none(AppendError::NotApplied(refused()));
            Box::pin(async move { vec![refused; groups.len()] })
        });
        let groups = ["a", "b", "c", "d"].map(|id| group(id, 1));
        let outcomes = block_on(lanes.append(groups.to_vec()));
        assert_eq!(told(&outcomes), [(0, Some(false)); 4]);
        assert_eq!(tries.lock().expect("nobody panicked").len(), calls);
    }
}
