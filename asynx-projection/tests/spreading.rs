//! Partitions in several processes.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod common;

use std::num::NonZeroUsize;
use std::time::Duration;

use asynx::store::MemoryStore;
use asynx_projection::{AndWaitFor, Detached, Engine, ProjectionHandle, ProjectionOptions, State, Typed};
use asynx_testkit::ThreadRuntime;
use common::{Deposit, Failing, Model, accounts, engine, quick, until};

const LONG: Duration = Duration::from_secs(10);

fn run(test: impl Future<Output = ()>) {
    ThreadRuntime.block_on(test);
}

fn parted(partitions: usize) -> ProjectionOptions {
    quick().with_partitions(NonZeroUsize::new(partitions).unwrap())
}

fn begin(engine: &Engine, options: ProjectionOptions, model: &Model) -> ProjectionHandle {
    engine
        .run("balances", options, Typed::new, Detached(model.clone()))
        .unwrap()
}

fn serving(handle: &ProjectionHandle) -> usize {
    let parts = handle.partitions();
    parts.iter().filter(|part| part.state == State::Live).count()
}

#[test]
fn a_process_that_is_paused_leaves_its_partitions_to_others() {
    run(async {
        let (store, model) = (MemoryStore::new(), Model::default());
        let engines = [engine(&store), engine(&store)];
        let [one, two] = engines.each_ref().map(|engine| begin(engine, parted(6), &model));
        until("each has half", || serving(&one) == 3 && serving(&two) == 3).await;
        one.pause();
        until("the other has all", || serving(&two) == 6).await;
        one.resume();
        until("each has half again", || serving(&one) == 3 && serving(&two) == 3).await;
        for engine in engines {
            engine.stop(LONG).await;
        }
    });
}

#[test]
fn partitions_are_handed_over_however_seldom_new_events_are_looked_for() {
    run(async {
        let (store, model) = (MemoryStore::new(), Model::default());
        let options = || parted(4).with_poll_interval(Duration::from_secs(3600));
        let (first, second) = (engine(&store), engine(&store));
        let one = begin(&first, options(), &model);
        until("one has all", || serving(&one) == 4).await;
        let two = begin(&second, options(), &model);
        until("each has half", || serving(&one) == 2 && serving(&two) == 2).await;
        first.stop(LONG).await;
        second.stop(LONG).await;
    });
}

#[test]
fn what_one_has_written_is_soon_read_wherever_its_partition_runs() {
    run(async {
        let (store, model) = (MemoryStore::new(), Model::default());
        let options = || parted(2).with_lease_time(Duration::from_secs(4));
        let engines = [engine(&store), engine(&store)];
        let [one, two] = engines.each_ref().map(|engine| begin(engine, options(), &model));
        until("each has one", || serving(&one) == 1 && serving(&two) == 1).await;
        let accounts = accounts(&store).await;
        for number in 0..8 {
            let deposit = Deposit(format!("a{number}"), 1);
            accounts
                .send(deposit)
                .and_wait_for(&one, Duration::from_millis(700))
                .await
                .unwrap();
            assert_eq!(model.seen().len(), number + 1);
        }
        // And everything up to there, in all partitions.
        let last = accounts.send(Deposit("a0".into(), 1)).await.unwrap().position.unwrap();
        one.wait_for(last, Duration::from_millis(700)).await.unwrap();
        for engine in engines {
            engine.stop(LONG).await;
        }
    });
}

#[test]
fn what_is_ahead_of_all_partitions_is_added_up() {
    run(async {
        let (store, model) = (MemoryStore::new(), Model::default());
        let accounts = accounts(&store).await;
        for number in 0..40 {
            accounts.send(Deposit(format!("a{number}"), 1)).await.unwrap();
            model.fail(&format!("a{number}"), u32::MAX, Failing::Transient);
        }
        let engine = engine(&store);
        let handle = begin(&engine, parted(4), &model);
        let stuck = || handle.partitions().iter().all(|part| part.failures > 0);
        until("all partitions are stuck", stuck).await;
        until("they are counted", || handle.status().remaining == Some(40)).await;
        engine.stop(Duration::ZERO).await;
    });
}
