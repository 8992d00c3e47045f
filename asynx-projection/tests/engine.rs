//! What an engine promises of the projections that it runs.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod common;

use std::num::NonZeroUsize;
use std::time::Duration;

use asynx::store::MemoryStore;
use asynx_projection::{Detached, EngineError, ProjectionHandle, State, Transactional, Typed};
use asynx_testkit::ThreadRuntime;
use common::{Deposit, Failing, InTransaction, Model, accounts, engine, quick, until};

const LONG: Duration = Duration::from_secs(10);

fn run(test: impl Future<Output = ()>) {
    ThreadRuntime.block_on(test);
}

async fn fill(store: &MemoryStore, ids: &[&str], each: i64) {
    let accounts = accounts(store).await;
    for amount in 1..=each {
        for id in ids {
            accounts.send(Deposit((*id).to_owned(), amount)).await.unwrap();
        }
    }
    accounts.shutdown(LONG).await.unwrap();
}

async fn live(handle: &ProjectionHandle, count: u64) {
    until("live", || {
        let status = handle.status();
        status.state == State::Live && status.handled + status.parked >= count
    })
    .await;
}

/// Both lifecycles, one after the other.
async fn both(
    test: impl AsyncFn(
        MemoryStore,
        Model,
        &dyn Fn(&asynx_projection::Engine, asynx_projection::ProjectionOptions) -> ProjectionHandle,
    ),
) {
    for transactional in [false, true] {
        let (store, model) = (MemoryStore::new(), Model::default());
        let begin = |engine: &asynx_projection::Engine, options| {
            let begun = if transactional {
                let transactional = Transactional {
                    transactions: store.clone(),
                    projection: InTransaction(model.clone()),
                };
                engine.run("balances", options, Typed::new, transactional)
            } else {
                engine.run("balances", options, Typed::new, Detached(model.clone()))
            };
            begun.unwrap()
        };
        test(store.clone(), model.clone(), &begin).await;
    }
}

#[test]
fn it_catches_up_and_follows_in_order() {
    run(both(async |store, model, begin| {
        fill(&store, &["a", "b"], 3).await;
        let engine = engine(&store);
        let handle = begin(&engine, quick().with_batch(NonZeroUsize::new(4).unwrap()));
        live(&handle, 6).await;
        assert_eq!(model.seen(), ["a 1 1", "b 1 1", "a 2 3", "b 2 3", "a 3 6", "b 3 6"]);
        let accounts = accounts(&store).await;
        let event = accounts.send(Deposit("a".into(), 10)).await.unwrap();
        handle.wait_for(event.position.unwrap(), LONG).await.unwrap();
        assert_eq!(model.balance("a"), Some(16));
        assert!(engine.stop(LONG).await);
        assert_eq!(handle.status().state, State::Stopped);
    }));
}

#[test]
fn it_goes_on_where_it_was() {
    run(both(async |store, model, begin| {
        fill(&store, &["a"], 3).await;
        let first = engine(&store);
        live(&begin(&first, quick()), 3).await;
        assert!(first.stop(LONG).await);
        fill(&store, &["a"], 2).await;
        let second = engine(&store);
        live(&begin(&second, quick()), 2).await;
        assert_eq!(model.seen(), ["a 1 1", "a 2 3", "a 3 6", "a 4 7", "a 5 9"]);
        second.stop(LONG).await;
    }));
}

#[test]
fn a_poison_event_is_found_put_aside_and_given_again() {
    for failing in [Failing::Permanent, Failing::Unknown, Failing::Panic] {
        run(both(async |store, model, begin| {
            fill(&store, &["a", "b", "c", "d", "e"], 1).await;
            model.fail("c", u32::MAX, failing);
            let engine = engine(&store);
            let handle = begin(&engine, quick());
            live(&handle, 5).await;
            assert_eq!(model.seen(), ["a 1 1", "b 1 1", "d 1 1", "e 1 1"]);
            let parked = handle.parked(None, 10).await.unwrap();
            assert_eq!(parked.len(), 1);
            assert_eq!(
                (parked[0].stream.aggregate_id.as_str(), parked[0].version.get()),
                ("c", 1)
            );
            let attempts = if matches!(failing, Failing::Permanent) { 1 } else { 5 };
            assert_eq!(parked[0].attempts, attempts, "{}", parked[0].error);
            let again = handle.redrive(parked[0].position).await;
            assert!(matches!(again, Err(EngineError::StillPoison { .. })), "{again:?}");
            model.fail("c", 0, failing);
            handle.redrive(parked[0].position).await.unwrap();
            assert_eq!(model.balance("c"), Some(1));
            assert!(handle.parked(None, 10).await.unwrap().is_empty());
            let gone = handle.redrive(parked[0].position).await;
            assert!(matches!(gone, Err(EngineError::NotParked { .. })));
            engine.stop(LONG).await;
        }));
    }
}
