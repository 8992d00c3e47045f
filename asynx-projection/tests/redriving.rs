//! Giving a projection events again that it has put aside.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use asynx::store::MemoryStore;
use asynx_core::Position;
use asynx_projection::{
    Batch, Detached, EngineError, Entry, HandlerError, Projection, ProjectionHandle, State, Transactional,
    TransactionalProjection, Typed,
};
use asynx_store_memory::MemoryTransaction;
use asynx_testkit::ThreadRuntime;
use common::{Account, Deposit, accounts, engine, quick, until};

const LONG: Duration = Duration::from_secs(10);

fn run(test: impl Future<Output = ()>) {
    ThreadRuntime.block_on(test);
}

async fn deposit(store: &MemoryStore, ids: &[&str]) {
    let accounts = accounts(store).await;
    for id in ids {
        accounts.send(Deposit((*id).to_owned(), 1)).await.unwrap();
    }
    accounts.shutdown(LONG).await.unwrap();
}

/// Sends a mail for each event that is not replayed. It cannot read those of "b" while it is ill, and hangs if told so.
#[derive(Clone, Default)]
struct Mails(Arc<Inside>);

#[derive(Default)]
struct Inside {
    sent: Mutex<Vec<String>>,
    given: Mutex<Vec<(String, bool)>>,
    ill: AtomicBool,
    hangs: AtomicBool,
}

impl Mails {
    fn ill() -> Self {
        let mails = Self::default();
        mails.0.ill.store(true, Ordering::SeqCst);
        mails
    }

    fn recover(&self) {
        self.0.ill.store(false, Ordering::SeqCst);
    }

    fn sent(&self) -> Vec<String> {
        self.0.sent.lock().unwrap().clone()
    }

    async fn send(&self, batch: Batch<'_, Entry<Account>>) -> Result<(), HandlerError> {
        for entry in batch.iter() {
            let id = entry.aggregate_id().to_string();
            if id == "b" && self.0.ill.load(Ordering::SeqCst) {
                return Err(HandlerError::permanent("ill"));
            }
            if id == "b" && self.0.hangs.load(Ordering::SeqCst) {
                self.0.given.lock().unwrap().push((id, batch.is_replayed()));
                std::future::pending::<()>().await;
            }
        }
        for entry in batch.iter() {
            let id = entry.aggregate_id().to_string();
            self.0.given.lock().unwrap().push((id.clone(), batch.is_replayed()));
            if !batch.is_replayed() {
                self.0.sent.lock().unwrap().push(id);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Projection for Mails {
    type Decode = Typed<Account>;

    async fn handle(&self, batch: Batch<'_, Entry<Account>>) -> Result<(), HandlerError> {
        self.send(batch).await
    }
}

#[async_trait]
impl TransactionalProjection<MemoryTransaction> for Mails {
    type Decode = Typed<Account>;

    async fn handle(&self, _: &mut MemoryTransaction, batch: Batch<'_, Entry<Account>>) -> Result<(), HandlerError> {
        self.send(batch).await
    }
}

async fn parked(handle: &ProjectionHandle) -> Position {
    until("it is put aside", || handle.status().parked == 1).await;
    handle.parked(None, 10).await.unwrap()[0].position
}

#[test]
fn a_handler_that_hangs_is_given_up_and_the_event_stays_aside() {
    run(async {
        let store = MemoryStore::new();
        deposit(&store, &["a", "b"]).await;
        let engine = engine(&store);
        let options = || quick().with_timeout(Duration::from_millis(100));
        let (one, two) = (Mails::ill(), Mails::ill());
        let transactional = Transactional {
            transactions: store.clone(),
            projection: two.clone(),
        };
        let detached = engine
            .run("detached", options(), Typed::new, Detached(one.clone()))
            .unwrap();
        let transactional = engine.run("exactly", options(), Typed::new, transactional).unwrap();
        for (handle, mails) in [(detached, one), (transactional, two)] {
            let position = parked(&handle).await;
            mails.0.hangs.store(true, Ordering::SeqCst);
            mails.recover();
            let error = handle.redrive(position).await.unwrap_err();
            assert!(error.to_string().contains("not done within"), "{error}");
            mails.0.hangs.store(false, Ordering::SeqCst);
            handle.redrive(position).await.unwrap();
            assert_eq!(mails.sent(), ["a", "b"]);
        }
        engine.stop(LONG).await;
    });
}

#[test]
fn of_two_at_once_one_is_told_to_wait() {
    run(async {
        let store = MemoryStore::new();
        deposit(&store, &["a", "b"]).await;
        let engines = [engine(&store), engine(&store)];
        let mails = Mails::ill();
        let begin = |at: usize| {
            let options = quick().with_timeout(Duration::from_millis(500));
            engines[at]
                .run("mails", options, Typed::new, Detached(mails.clone()))
                .unwrap()
        };
        let handles = [begin(0), begin(1)];
        until("it is put aside", || {
            handles.iter().any(|handle| handle.status().parked == 1)
        })
        .await;
        let position = handles[0].parked(None, 10).await.unwrap()[0].position;
        mails.0.hangs.store(true, Ordering::SeqCst);
        mails.recover();
        let begun = || mails.0.given.lock().unwrap().iter().any(|(id, _)| id == "b");
        let first = handles[0].redrive(position);
        let second = async {
            until("the first has begun", begun).await;
            handles[1].redrive(position).await
        };
        let (first, second) = futures::join!(first, second);
        assert!(matches!(first, Err(EngineError::StillPoison { .. })), "{first:?}");
        assert!(matches!(second, Err(EngineError::Busy { .. })), "{second:?}");
        mails.0.hangs.store(false, Ordering::SeqCst);
        handles[1].redrive(position).await.unwrap();
        assert_eq!(mails.sent(), ["a", "b"]);
        for engine in engines {
            engine.stop(LONG).await;
        }
    });
}

#[test]
fn an_event_that_an_earlier_version_was_given_is_replayed() {
    run(async {
        let store = MemoryStore::new();
        deposit(&store, &["a", "b"]).await;
        let engine = engine(&store);
        let (first, second) = (Mails::default(), Mails::ill());
        let old = engine
            .run("mails", quick(), Typed::new, Detached(first.clone()))
            .unwrap();
        until("live", || old.status().handled == 2).await;
        let options = || quick().with_version(2);
        let new = engine
            .run("mails", options(), Typed::new, Detached(second.clone()))
            .unwrap();
        let position = parked(&new).await;
        new.switch(LONG).await.unwrap();
        old.remove().await.unwrap();
        second.recover();
        new.redrive(position).await.unwrap();
        assert_eq!(second.sent(), [""; 0], "the first one has sent it");
        // What comes after the switch is nobody else's.
        second.0.ill.store(true, Ordering::SeqCst);
        deposit(&store, &["b"]).await;
        until("it is put aside", || new.status().parked == 2).await;
        let position = new.parked(None, 10).await.unwrap()[0].position;
        second.recover();
        new.redrive(position).await.unwrap();
        assert_eq!(second.sent(), ["b"]);
        engine.stop(LONG).await;
    });
}

#[test]
fn a_version_that_was_replaced_is_given_nothing_again() {
    run(async {
        let store = MemoryStore::new();
        deposit(&store, &["a", "b"]).await;
        let engine = engine(&store);
        let (first, second) = (Mails::ill(), Mails::default());
        let old = engine
            .run("mails", quick(), Typed::new, Detached(first.clone()))
            .unwrap();
        let position = parked(&old).await;
        let new = engine
            .run("mails", quick().with_version(2), Typed::new, Detached(second.clone()))
            .unwrap();
        new.switch(LONG).await.unwrap();
        until("in use", || new.status().state == State::Live).await;
        first.recover();
        let refused = old.redrive(position).await;
        assert!(
            matches!(refused, Err(EngineError::Replaced { by: 2, .. })),
            "{refused:?}"
        );
        assert_eq!(first.sent(), ["a"]);
        engine.stop(LONG).await;
    });
}
