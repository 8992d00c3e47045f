//! A small domain, and read models that remember what they were given.
#![allow(dead_code, reason = "each test file uses a part")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asynx::store::MemoryStore;
use asynx::{Aggregate, Asynx, Command};
use asynx_core::Runtime;
use asynx_projection::{
    Batch, Engine, Entry, HandlerError, Projection, ProjectionOptions, TransactionalProjection, Typed,
};
use asynx_store_memory::MemoryTransaction;
use asynx_testkit::ThreadRuntime;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) balance: i64,
}

impl Aggregate for Account {
    const CATEGORY: &'static str = "account";
}

pub(crate) struct Deposit(pub(crate) String, pub(crate) i64);

#[derive(Debug, thiserror::Error)]
#[error("never")]
pub(crate) struct Never;

impl Command<Account> for Deposit {
    type Rejection = Never;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.0).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "Deposited".into()
    }

    fn validate(&self, _: Option<&Account>) -> Result<(), Never> {
        Ok(())
    }

    fn emit(&self, current: Option<&Account>) -> Account {
        Account {
            balance: current.map_or(0, |account| account.balance) + self.1,
        }
    }
}

pub(crate) fn runtime() -> Arc<dyn Runtime> {
    Arc::new(ThreadRuntime)
}

pub(crate) async fn accounts(store: &MemoryStore) -> Asynx<Account> {
    Asynx::<Account>::builder()
        .store(store.clone())
        .runtime(ThreadRuntime)
        .on_forget(|_| async {})
        .build()
        .await
        .expect("the memory store suits")
}

pub(crate) fn engine(store: &MemoryStore) -> Engine {
    Engine::builder(store.clone(), runtime())
        .build()
        .expect("the memory store suits")
}

pub(crate) fn quick() -> ProjectionOptions {
    ProjectionOptions::new()
        .with_poll_interval(Duration::from_millis(20))
        .with_lease_time(Duration::from_millis(300))
        .with_backoff(Duration::from_millis(1), Duration::from_millis(10))
        .with_timeout(Duration::from_secs(5))
}

/// What was handled, as "id version balance", and how to fail.
#[derive(Clone, Default)]
pub(crate) struct Model(pub(crate) Arc<Inside>);

#[derive(Default)]
pub(crate) struct Inside {
    pub(crate) seen: Mutex<Vec<String>>,
    pub(crate) balances: Mutex<BTreeMap<String, i64>>,
    /// For each id, how often it fails, and how.
    pub(crate) failing: Mutex<BTreeMap<String, (u32, Failing)>>,
    pub(crate) batches: Mutex<Vec<usize>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Failing {
    Transient,
    Permanent,
    Unknown,
    Panic,
    Hang,
    Block,
}

impl Model {
    pub(crate) fn fail(&self, id: &str, times: u32, how: Failing) {
        self.0
            .failing
            .lock()
            .expect("no panic")
            .insert(id.to_owned(), (times, how));
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.0.seen.lock().expect("no panic").clone()
    }

    pub(crate) fn balance(&self, id: &str) -> Option<i64> {
        self.0.balances.lock().expect("no panic").get(id).copied()
    }

    async fn trouble(&self, entry: &Entry<Account>) -> Result<(), HandlerError> {
        let how = {
            let mut failing = self.0.failing.lock().expect("no panic");
            match failing.get_mut(entry.aggregate_id().as_str()) {
                Some((times, how)) if *times > 0 => {
                    *times -= 1;
                    *how
                }
                _ => return Ok(()),
            }
        };
        match how {
            Failing::Transient => Err(HandlerError::transient("come again")),
            Failing::Permanent => Err(HandlerError::permanent("not this one")),
            Failing::Unknown => Err("hm".into()),
            Failing::Panic => panic!("on purpose"),
            Failing::Hang => std::future::pending().await,
            Failing::Block => {
                futures::executor::block_on(ThreadRuntime.sleep(Duration::from_secs(2)));
                Err("late".into())
            }
        }
    }

    fn note(&self, entry: &Entry<Account>) {
        let id = entry.aggregate_id().to_string();
        let line = match entry {
            Entry::Event(event) => format!("{id} {} {}", event.version, event.aggregate.balance),
            _ => format!("{id} {} forgotten", entry.version()),
        };
        self.0.seen.lock().expect("no panic").push(line);
        let mut balances = self.0.balances.lock().expect("no panic");
        match entry {
            Entry::Event(event) => balances.insert(id, event.aggregate.balance),
            _ => balances.remove(&id),
        };
    }
}

#[async_trait::async_trait]
impl Projection for Model {
    type Decode = Typed<Account>;

    async fn handle(&self, batch: Batch<'_, Entry<Account>>) -> Result<(), HandlerError> {
        for entry in batch.iter() {
            self.trouble(entry).await?;
        }
        self.0.batches.lock().expect("no panic").push(batch.len());
        batch.iter().for_each(|entry| self.note(entry));
        Ok(())
    }
}

/// The same in a transaction.
pub(crate) struct InTransaction(pub(crate) Model);

#[async_trait::async_trait]
impl TransactionalProjection<MemoryTransaction> for InTransaction {
    type Decode = Typed<Account>;

    async fn handle(
        &self,
        transaction: &mut MemoryTransaction,
        batch: Batch<'_, Entry<Account>>,
    ) -> Result<(), HandlerError> {
        for entry in batch.iter() {
            self.0.trouble(entry).await?;
            let (model, entry) = (self.0.clone(), entry.clone());
            transaction.change(move || model.note(&entry));
        }
        Ok(())
    }
}

/// Waits for something that will be so soon.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        ThreadRuntime.sleep(Duration::from_millis(5)).await;
    }
    panic!("never so: {what}");
}
