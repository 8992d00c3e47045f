//! Versions that take each other's place while several processes look on.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod common;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use asynx::store::MemoryStore;
use asynx_core::store::{AppendError, Checkpoint, Checkpoints, EventLog, Leases, NewEvent, Parking, StoredEvent};
use asynx_core::{Position, Runtime, Store, StoreError, StreamId, Version};
use asynx_projection::{
    Batch, Detached, Engine, Entry, HandlerError, Projection, State, Transactional, TransactionalProjection, Typed,
    in_use, running, wait_for,
};
use asynx_store_memory::MemoryTransaction;
use asynx_testkit::ThreadRuntime;
use common::{Account, Deposit, Failing, InTransaction, Model, accounts, engine, quick, runtime, until};
use futures::channel::oneshot;

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

/// Remembers its effects: what was not replayed.
#[derive(Clone, Default)]
struct Effects(Arc<Mutex<Vec<String>>>);

impl Effects {
    fn get(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn of(batch: &Batch<'_, Entry<Account>>) -> Vec<String> {
        let lines = batch
            .iter()
            .map(|entry| format!("{} {}", entry.aggregate_id(), entry.version()));
        lines.filter(|_| !batch.is_replayed()).collect()
    }
}

#[async_trait]
impl Projection for Effects {
    type Decode = Typed<Account>;

    async fn handle(&self, batch: Batch<'_, Entry<Account>>) -> Result<(), HandlerError> {
        self.0.lock().unwrap().extend(Self::of(&batch));
        Ok(())
    }
}

#[async_trait]
impl TransactionalProjection<MemoryTransaction> for Effects {
    type Decode = Typed<Account>;

    async fn handle(
        &self,
        transaction: &mut MemoryTransaction,
        batch: Batch<'_, Entry<Account>>,
    ) -> Result<(), HandlerError> {
        let (effects, lines) = (self.0.clone(), Self::of(&batch));
        transaction.change(move || effects.lock().unwrap().extend(lines));
        Ok(())
    }
}

/// The store as a process sees it that is slow to claim a reader.
#[derive(Clone)]
struct SlowClaim {
    base: MemoryStore,
    reader: &'static str,
    /// Tells that the claim begins, and lets it go on.
    gate: Arc<Mutex<Option<Gate>>>,
}

type Gate = (oneshot::Sender<()>, oneshot::Receiver<()>);

#[async_trait]
impl Checkpoints for SlowClaim {
    async fn get(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError> {
        Checkpoints::get(&self.base, reader).await
    }

    async fn claim(&self, reader: &str) -> Result<Checkpoint, StoreError> {
        let gate = match reader == self.reader {
            true => self.gate.lock().unwrap().take(),
            false => None,
        };
        if let Some((here, go)) = gate {
            here.send(()).unwrap();
            go.await.unwrap();
        }
        self.base.claim(reader).await
    }

    async fn put(&self, reader: &str, position: Option<Position>, fence: u64) -> Result<bool, StoreError> {
        self.base.put(reader, position, fence).await
    }

    async fn remove(&self, reader: &str, fence: u64) -> Result<bool, StoreError> {
        self.base.remove(reader, fence).await
    }
}

#[async_trait]
impl Store for SlowClaim {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        self.base.append(stream, event).await
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.base.read_from(stream, from).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.base.read_range(stream, from, count).await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        Store::count(&self.base, stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        Store::delete(&self.base, stream).await
    }

    fn log(&self) -> Option<&dyn EventLog> {
        self.base.log()
    }

    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        Some(self)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Store::leases(&self.base)
    }

    fn parking(&self) -> Option<&dyn Parking> {
        Store::parking(&self.base)
    }
}

#[test]
fn a_process_that_was_about_to_run_the_old_version_does_not_go_on_after_a_switch() {
    run(async {
        let store = MemoryStore::new();
        fill(&store, &["a"], 2).await;
        let before = engine(&store);
        let first = Effects::default();
        let old = before
            .run("mails", quick(), Typed::new, Detached(first.clone()))
            .unwrap();
        until("handled", || first.get().len() == 2).await;
        old.stop().await;

        let ((here, is_here), (go, gone)) = (oneshot::channel(), oneshot::channel());
        let slow = SlowClaim {
            base: store.clone(),
            reader: "mails@1",
            gate: Arc::new(Mutex::new(Some((here, gone)))),
        };
        let late = Engine::builder(slow, runtime()).build().unwrap();
        let options = quick().with_lease_time(Duration::from_secs(20));
        let old = late.run("mails", options, Typed::new, Detached(first.clone())).unwrap();
        is_here.await.unwrap();

        let other = engine(&store);
        let second = Effects::default();
        let new = other
            .run("mails", quick().with_version(2), Typed::new, Detached(second.clone()))
            .unwrap();
        new.switch(LONG).await.unwrap();
        go.send(()).unwrap();
        until("it knows", || {
            matches!(old.status().state, State::Replaced | State::Live)
        })
        .await;
        fill(&store, &["a"], 1).await;
        until("handled", || second.get().len() == 1).await;
        ThreadRuntime.sleep(Duration::from_millis(100)).await;
        assert_eq!(first.get(), ["a 1", "a 2"]);
        assert_eq!(second.get(), ["a 3"]);
        assert_eq!(old.status().state, State::Replaced);
        late.stop(LONG).await;
        other.stop(LONG).await;
    });
}

#[test]
fn a_switch_that_has_not_ended_can_be_taken_back() {
    run(async {
        let store = MemoryStore::new();
        fill(&store, &["a"], 2).await;
        let other = engine(&store);
        let first = Effects::default();
        // So long that nothing mends itself.
        let options = || quick().with_lease_time(Duration::from_secs(20));
        let old = other
            .run("mails", options(), Typed::new, Detached(first.clone()))
            .unwrap();
        until("handled", || first.get().len() == 2).await;

        let ((here, is_here), (_go, gone)) = (oneshot::channel(), oneshot::channel());
        let slow = SlowClaim {
            base: store.clone(),
            reader: "mails@1",
            gate: Arc::new(Mutex::new(Some((here, gone)))),
        };
        let dying = Engine::builder(slow, runtime()).build().unwrap();
        let second = Effects::default();
        let new = dying
            .run("mails", options().with_version(2), Typed::new, Detached(second.clone()))
            .unwrap();
        until("ready", || new.status().state == State::Ready).await;
        let switching = Box::pin(new.switch(LONG));
        futures::future::select(switching, is_here).await;
        let anywhere: Arc<dyn Store> = Arc::new(store.clone());
        let used = in_use(&anywhere, "mails").await.unwrap().unwrap();
        assert_eq!((used.version, used.successor), (1, Some(2)));
        dying.stop(LONG).await;

        old.switch(LONG).await.unwrap();
        fill(&store, &["a"], 1).await;
        until("handled", || first.get().len() == 3).await;
        assert_eq!(second.get(), [""; 0]);
        other.stop(LONG).await;
    });
}

#[test]
fn a_version_that_another_process_builds_can_be_switched_to() {
    run(async {
        let store = MemoryStore::new();
        fill(&store, &["a", "b"], 3).await;
        let (builder, operator) = (engine(&store), engine(&store));
        let model = Model::default();
        let old = operator
            .run("balances", quick(), Typed::new, Detached(model.clone()))
            .unwrap();
        until("handled", || old.status().handled == 6).await;
        let options = || quick().with_version(2);
        let built = builder
            .run("balances", options(), Typed::new, Detached(model.clone()))
            .unwrap();
        until("ready", || built.status().state == State::Ready).await;
        let looked_at = operator
            .run("balances", options(), Typed::new, Detached(model.clone()))
            .unwrap();
        looked_at.switch(LONG).await.unwrap();
        until("in use", || built.status().state == State::Live).await;
        until("the old one has gone", || old.status().state == State::Replaced).await;
        builder.stop(LONG).await;
        operator.stop(LONG).await;
    });
}

#[test]
fn another_number_of_partitions_under_the_same_version_is_refused() {
    run(async {
        let store = MemoryStore::new();
        fill(&store, &["a", "b"], 1).await;
        let engine = engine(&store);
        let model = Model::default();
        let begin = |options| {
            let projection = InTransaction(model.clone());
            let transactions = store.clone();
            let transactional = Transactional {
                transactions,
                projection,
            };
            engine.run("balances", options, Typed::new, transactional).unwrap()
        };
        let one = begin(quick());
        until("handled", || one.status().handled == 2).await;
        one.stop().await;
        let two = begin(quick().with_partitions(NonZeroUsize::new(2).unwrap()));
        until("failed", || two.status().state == State::Failed).await;
        let said = two.status().last_error.unwrap();
        assert!(
            said.contains("1 partition") && said.contains("raise the version"),
            "{said}"
        );
        assert_eq!(model.seen().len(), 2, "nothing is handled again");
        two.stop().await;
        let three = begin(quick().with_version(2).with_partitions(NonZeroUsize::new(2).unwrap()));
        three.switch(LONG).await.unwrap();
        until("live", || three.status().state == State::Live).await;
        engine.stop(LONG).await;
    });
}

#[test]
fn a_version_that_is_rebuilt_with_another_number_of_partitions_is_refused() {
    run(async {
        let store = MemoryStore::new();
        fill(&store, &["a", "b", "c"], 2).await;
        let engines = [engine(&store), engine(&store)];
        let models = [Model::default(), Model::default()];
        let begin = |at: usize, version, partitions| {
            let options = quick()
                .with_version(version)
                .with_partitions(NonZeroUsize::new(partitions).unwrap());
            let detached = Detached(models[at].clone());
            engines[at].run("balances", options, Typed::new, detached).unwrap()
        };
        let old = begin(0, 1, 1);
        until("live", || old.status().state == State::Live).await;
        let two = begin(0, 2, 2);
        until("ready", || two.status().state == State::Ready).await;
        let three = begin(1, 2, 3);
        until("failed", || three.status().state == State::Failed).await;
        let said = three.status().last_error.unwrap();
        assert!(
            said.contains("2 partition") && said.contains("raise the version"),
            "{said}"
        );
        assert!(models[1].seen().is_empty(), "nothing is handled twice");
        three.stop().await;
        // Its number goes with the version, whoever removes it.
        two.stop().await;
        three.remove().await.unwrap();
        let four = begin(1, 2, 4);
        four.switch(LONG).await.unwrap();
        until("live", || four.status().state == State::Live).await;
        assert_eq!(models[1].seen().len(), 6, "it is rebuilt from the beginning");
        for engine in engines {
            engine.stop(LONG).await;
        }
    });
}

/// The transactional way is that of an outbox.
#[test]
fn effects_in_the_transaction_happen_once_over_a_switch() {
    run(async {
        let store = MemoryStore::new();
        fill(&store, &["a", "b"], 2).await;
        let engine = engine(&store);
        let begin = |options, projection| {
            let transactions = store.clone();
            let transactional = Transactional {
                transactions,
                projection,
            };
            engine.run("outbox", options, Typed::new, transactional).unwrap()
        };
        let (first, second) = (Effects::default(), Effects::default());
        let old = begin(quick(), first.clone());
        until("handled", || first.get().len() == 4).await;
        old.pause();
        until("paused", || old.status().state == State::Paused).await;
        fill(&store, &["a", "b"], 2).await;
        let new = begin(quick().with_version(2), second.clone());
        until("ready", || new.status().state == State::Ready).await;
        new.switch(LONG).await.unwrap();
        until("live", || new.status().handled == 8).await;
        assert_eq!(first.get(), ["a 1", "b 1", "a 2", "b 2"]);
        assert_eq!(second.get(), ["a 3", "b 3", "a 4", "b 4"]);
        engine.stop(LONG).await;
    });
}

#[test]
fn an_operator_is_told_what_is_in_use_and_what_runs_where() {
    run(async {
        let store = MemoryStore::new();
        let anywhere: Arc<dyn Store> = Arc::new(store.clone());
        assert_eq!(in_use(&anywhere, "who@home").await.unwrap(), None);
        fill(&store, &["a", "b"], 2).await;
        let end = store.log().unwrap().end().await.unwrap();
        let engine = Engine::builder(store.clone(), runtime())
            .with_holder("p1")
            .build()
            .unwrap();
        let begin = |options| {
            let detached = Detached(Model::default());
            engine.run("who@home", options, Typed::new, detached).unwrap()
        };
        let old = begin(quick());
        until("live", || old.status().state == State::Live).await;
        let two = NonZeroUsize::new(2).unwrap();
        let new = begin(quick().with_version(2).with_partitions(two));
        until("ready", || new.status().state == State::Ready).await;
        let used = in_use(&anywhere, "who@home").await.unwrap().unwrap();
        assert_eq!((used.version, used.partitions, used.position), (1, 1, end));
        let runs = running(&anywhere, &*runtime()).await.unwrap();
        let runs: Vec<_> = runs
            .iter()
            .map(|run| (&*run.name, run.version, run.partition, run.partitions, &*run.holder))
            .collect();
        let own = |version, partition, partitions| ("who@home", version, partition, partitions, "p1");
        assert_eq!(runs, [own(1, 0, 1), own(2, 0, 2), own(2, 1, 2)]);
        new.switch(LONG).await.unwrap();
        let used = in_use(&anywhere, "who@home").await.unwrap().unwrap();
        assert_eq!((used.version, used.partitions, used.before), (2, 2, Some(1)));
        assert_eq!((used.furthest, used.successor), (end, None));
        // What passes by is kept now and then.
        let clock = runtime();
        let everything = wait_for(&anywhere, &*clock, "who@home", end.unwrap(), LONG);
        everything.await.unwrap();
        assert_eq!(in_use(&anywhere, "who@home").await.unwrap().unwrap().position, end);
        engine.stop(LONG).await;
        assert!(running(&anywhere, &*runtime()).await.unwrap().is_empty());
    });
}

#[test]
fn of_a_version_that_was_removed_nothing_stays_parked() {
    run(async {
        let store = MemoryStore::new();
        fill(&store, &["a", "b", "c"], 1).await;
        let engine = engine(&store);
        let model = Model::default();
        for id in ["a", "b"] {
            model.fail(id, u32::MAX, Failing::Permanent);
        }
        let begin = |version| {
            let options = quick().with_version(version);
            engine
                .run("balances", options, Typed::new, Detached(model.clone()))
                .unwrap()
        };
        let old = begin(1);
        until("handled", || old.status().parked == 2 && old.status().handled == 1).await;
        let new = begin(2);
        new.switch(LONG).await.unwrap();
        old.remove().await.unwrap();
        assert!(old.parked(None, 10).await.unwrap().is_empty());
        assert_eq!(new.parked(None, 10).await.unwrap().len(), 2);
        engine.stop(LONG).await;
    });
}
