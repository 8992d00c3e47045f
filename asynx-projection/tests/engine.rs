//! What an engine promises of the projections that it runs.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod common;

use std::num::NonZeroUsize;
use std::time::Duration;

use asynx::Asynx;
use asynx::store::{ForgetPolicy, MemoryStore};
use asynx_core::Runtime;
use asynx_projection::{
    AndWaitFor, Detached, EngineError, OnPoison, ProjectionHandle, State, Transactional, Typed, WaitFor, wait_for,
};
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
        let event = accounts
            .send(Deposit("a".into(), 1))
            .and_wait_for(&handle, LONG)
            .await
            .unwrap();
        assert_eq!(model.balance("a"), Some(17));
        event.wait_for(&handle, LONG).await.unwrap();
        let beyond = asynx_core::Position::new([0, 0, u64::MAX]);
        let never = handle.wait_for(beyond, Duration::from_millis(20)).await;
        assert!(matches!(never, Err(EngineError::Behind { .. })));
        let any: std::sync::Arc<dyn asynx_core::Store> = std::sync::Arc::new(store.clone());
        let position = event.position.unwrap();
        wait_for(&any, &ThreadRuntime, "balances", position, LONG)
            .await
            .unwrap();
        let nobody = wait_for(&any, &ThreadRuntime, "nobody", position, Duration::from_millis(20)).await;
        assert!(matches!(nobody, Err(EngineError::Behind { .. })));
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

#[test]
fn trouble_of_one_affects_no_other_and_is_seen() {
    for failing in [Failing::Hang, Failing::Block, Failing::Transient] {
        run(async {
            let store = MemoryStore::new();
            let (sick, sound) = (Model::default(), Model::default());
            fill(&store, &["a", "b"], 1).await;
            sick.fail("b", 2, failing);
            let engine = engine(&store);
            let quick = quick().with_timeout(Duration::from_millis(100)).with_attempts(9);
            let one = engine
                .run("sick", quick.clone(), Typed::new, Detached(sick.clone()))
                .unwrap();
            let other = engine.run("sound", quick, Typed::new, Detached(sound.clone())).unwrap();
            live(&other, 2).await;
            until("the operator sees it", || one.status().last_error.is_some()).await;
            live(&one, 2).await;
            assert_eq!(sick.seen(), ["a 1 1", "b 1 1"], "{failing:?}");
            assert!(one.status().failures > 0 && other.status().failures == 0);
            engine.stop(LONG).await;
        });
    }
}

#[test]
fn it_halts_where_it_is_told_to_and_is_resumed() {
    run(both(async |store, model, begin| {
        fill(&store, &["a", "b", "c"], 1).await;
        model.fail("b", u32::MAX, Failing::Unknown);
        let engine = engine(&store);
        let options = quick().with_on_poison(OnPoison::Halt).with_attempts(3);
        let handle = begin(&engine, options);
        until("failed", || handle.status().state == State::Failed).await;
        assert_eq!(model.seen(), ["a 1 1"]);
        let said = handle.status().last_error.unwrap();
        assert!(said.contains("Deposited of account/b"), "{said}");
        model.fail("b", 0, Failing::Unknown);
        handle.resume();
        live(&handle, 3).await;
        assert_eq!(model.seen(), ["a 1 1", "b 1 1", "c 1 1"]);
        engine.stop(LONG).await;
    }));
}

#[test]
fn it_pauses_and_goes_on() {
    run(both(async |store, model, begin| {
        fill(&store, &["a"], 1).await;
        let engine = engine(&store);
        let handle = begin(&engine, quick());
        live(&handle, 1).await;
        handle.pause();
        until("paused", || handle.status().state == State::Paused).await;
        fill(&store, &["a"], 1).await;
        ThreadRuntime.sleep(Duration::from_millis(60)).await;
        assert_eq!(model.seen().len(), 1);
        handle.resume();
        live(&handle, 1).await;
        until("handled", || model.seen().len() == 2).await;
        engine.stop(LONG).await;
    }));
}

#[test]
fn one_process_at_a_time_runs_it_and_another_takes_over() {
    run(both(async |store, model, begin| {
        let engines = [engine(&store), engine(&store), engine(&store)];
        let handles: Vec<_> = engines.iter().map(|engine| begin(engine, quick())).collect();
        for round in 0..3 {
            fill(&store, &["a", "b"], 2).await;
            until("all is handled", || model.seen().len() == 4 * (round + 1)).await;
            // What was handled is told a little later.
            let serving = || {
                handles
                    .iter()
                    .filter(|handle| handle.status().state == State::Live)
                    .count()
            };
            until("one serves", || serving() > 0).await;
            assert_eq!(serving(), 1);
            let at = handles
                .iter()
                .position(|handle| handle.status().state == State::Live)
                .unwrap();
            handles[at].stop().await;
        }
        let mut seen = model.seen();
        seen.dedup();
        assert_eq!(seen.len(), 12, "nothing twice, since all stopped in order");
    }));
}

#[test]
fn partitions_are_spread_and_keep_each_aggregate_in_order() {
    run(both(async |store, model, begin| {
        let ids: Vec<String> = (0..20).map(|id| format!("a{id}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        fill(&store, &ids, 2).await;
        let options = quick().with_partitions(NonZeroUsize::new(6).unwrap());
        let first = engine(&store);
        let one = begin(&first, options.clone());
        let serving = |handle: &ProjectionHandle| {
            handle
                .partitions()
                .iter()
                .filter(|part| part.state == State::Live)
                .count()
        };
        until("one has all", || serving(&one) == 6).await;
        let second = engine(&store);
        let two = begin(&second, options);
        until("each has half", || serving(&one) == 3 && serving(&two) == 3).await;
        fill(&store, &ids, 2).await;
        until("all is handled", || model.seen().len() >= 80).await;
        first.stop(LONG).await;
        until("the other has all", || serving(&two) == 6).await;
        fill(&store, &ids, 1).await;
        until("all is handled", || model.seen().len() >= 100).await;
        for id in ids {
            let own: Vec<String> = model
                .seen()
                .into_iter()
                .filter(|line| line.starts_with(&format!("{id} ")))
                .collect();
            let versions: Vec<&str> = own.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
            assert_eq!(versions, ["1", "2", "3", "4", "5"], "{id}");
        }
        second.stop(LONG).await;
    }));
}

#[test]
fn forgetting_reaches_it_live_and_in_catch_up() {
    run(both(async |store, model, begin| {
        fill(&store, &["a", "b"], 2).await;
        let engine = engine(&store);
        let handle = begin(&engine, quick());
        live(&handle, 4).await;
        let accounts = accounts(&store).await;
        accounts.forget("a").await.unwrap();
        accounts.send(Deposit("a".into(), 7)).await.unwrap();
        until("handled", || model.seen().len() == 6).await;
        assert_eq!(model.seen()[4..], ["a 3 forgotten", "a 4 7"]);
        let late = Model::default();
        let again = engine.run("late", quick(), Typed::new, Detached(late.clone())).unwrap();
        live(&again, 6).await;
        let expected = [
            "a 1 forgotten",
            "b 1 1",
            "a 2 forgotten",
            "b 2 3",
            "a 3 forgotten",
            "a 4 7",
        ];
        assert_eq!(late.seen(), expected);
        engine.stop(LONG).await;
    }));
}

#[test]
fn a_new_version_is_built_beside_the_old_one_and_takes_its_place() {
    run(both(async |store, model, begin| {
        fill(&store, &["a", "b"], 3).await;
        let engine = engine(&store);
        let old = begin(&engine, quick());
        live(&old, 6).await;
        let before = model.seen().len();
        let new = begin(&engine, quick().with_version(2));
        until("ready", || new.status().state == State::Ready).await;
        assert_eq!(new.status().handled, 6);
        assert_eq!(model.seen().len(), before + 6, "built while the old one serves");
        assert_eq!(old.status().state, State::Live);
        fill(&store, &["a"], 1).await;
        new.switch(LONG).await.unwrap();
        until("the new one serves", || new.status().state == State::Live).await;
        until("the old one has gone", || old.status().state == State::Replaced).await;
        let (olds, news) = (old.status().handled, new.status().handled);
        fill(&store, &["b"], 1).await;
        until("handled", || new.status().handled == news + 1).await;
        assert_eq!(old.status().handled, olds);
        assert!(matches!(
            old.switch(LONG).await,
            Err(EngineError::Replaced { by: 2, .. })
        ));
        assert!(matches!(new.remove().await, Err(EngineError::StillInUse { .. })));
        old.remove().await.unwrap();
        engine.stop(LONG).await;
    }));
}

/// Counts its effects.
#[derive(Clone, Default)]
struct Mails(std::sync::Arc<std::sync::Mutex<Vec<(String, bool)>>>);

#[async_trait::async_trait]
impl asynx_projection::Projection for Mails {
    type Decode = Typed<common::Account>;

    async fn handle(
        &self,
        batch: asynx_projection::Batch<'_, asynx_projection::Entry<common::Account>>,
    ) -> Result<(), asynx_projection::HandlerError> {
        let lines = batch.iter().map(|entry| {
            let line = format!("{} {}", entry.aggregate_id(), entry.version());
            (line, batch.is_replayed())
        });
        self.0.lock().unwrap().extend(lines);
        Ok(())
    }
}

#[test]
fn each_effect_happens_once_over_a_switch() {
    run(async {
        let store = MemoryStore::new();
        fill(&store, &["a", "b"], 2).await;
        let engine = engine(&store);
        let (first, second) = (Mails::default(), Mails::default());
        let old = engine
            .run("mails", quick(), Typed::new, Detached(first.clone()))
            .unwrap();
        live(&old, 4).await;
        // The old one is stuck behind; nobody has had the effects of what follows.
        old.pause();
        until("paused", || old.status().state == State::Paused).await;
        fill(&store, &["a", "b"], 2).await;
        let new = engine
            .run("mails", quick().with_version(2), Typed::new, Detached(second.clone()))
            .unwrap();
        until("ready", || new.status().state == State::Ready).await;
        assert_eq!(second.0.lock().unwrap().len(), 4, "no further than the old one");
        new.switch(LONG).await.unwrap();
        live(&new, 8).await;
        let effects = |mails: &Mails| -> Vec<String> {
            let all = mails.0.lock().unwrap().clone();
            all.into_iter()
                .filter(|(_, replayed)| !replayed)
                .map(|(line, _)| line)
                .collect()
        };
        assert_eq!(effects(&first), ["a 1", "b 1", "a 2", "b 2"]);
        assert_eq!(effects(&second), ["a 3", "b 3", "a 4", "b 4"]);
        engine.stop(LONG).await;
    });
}

#[test]
fn what_is_wholly_erased_reaches_one_that_was_behind() {
    run(both(async |store, model, begin| {
        let accounts = Asynx::<common::Account>::builder()
            .store(store.clone())
            .runtime(ThreadRuntime)
            .forget_policy(ForgetPolicy::EraseAll)
            .on_forget(|_| async {})
            .build()
            .await
            .unwrap();
        accounts.send(Deposit("a".into(), 1)).await.unwrap();
        let engine = engine(&store);
        let handle = begin(&engine, quick());
        live(&handle, 1).await;
        handle.pause();
        until("paused", || handle.status().state == State::Paused).await;
        accounts.send(Deposit("a".into(), 1)).await.unwrap();
        accounts.forget("a").await.unwrap();
        accounts.send(Deposit("a".into(), 9)).await.unwrap();
        handle.resume();
        until("handled", || model.seen().len() == 3).await;
        assert_eq!(model.seen(), ["a 1 1", "a 3 forgotten", "a 4 9"]);
        engine.stop(LONG).await;
    }));
}
