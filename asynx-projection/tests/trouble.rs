//! What an operator sees of trouble, and what it leads to.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use asynx::store::MemoryStore;
use asynx_core::store::LogEvent;
use asynx_core::{Category, Error, Store};
use asynx_projection::{
    Batch, Decode, Decoded, Detached, HandlerError, Projection, State, SubscribeOptions, Typed, Untyped, subscribe,
};
use asynx_testkit::ThreadRuntime;
use common::{Deposit, Failing, Model, accounts, engine, quick, runtime, until};
use futures::StreamExt;

const LONG: Duration = Duration::from_secs(10);

fn run(test: impl Future<Output = ()>) {
    ThreadRuntime.block_on(test);
}

async fn deposit(store: &MemoryStore, id: &str) {
    let accounts = accounts(store).await;
    accounts.send(Deposit(id.to_owned(), 1)).await.unwrap();
    accounts.shutdown(LONG).await.unwrap();
}

#[test]
fn a_projection_that_cannot_handle_the_newest_event_is_not_called_live() {
    run(async {
        let (store, model) = (MemoryStore::new(), Model::default());
        let engine = engine(&store);
        let handle = engine
            .run("balances", quick(), Typed::new, Detached(model.clone()))
            .unwrap();
        until("live", || handle.status().state == State::Live).await;
        model.fail("a", u32::MAX, Failing::Transient);
        deposit(&store, "a").await;
        until("it failed", || handle.status().failures > 2).await;
        let status = handle.status();
        assert_eq!(status.state, State::CatchingUp);
        assert!(status.lag > Some(Duration::ZERO), "{:?}", status.lag);
        model.fail("a", 0, Failing::Transient);
        until("live again", || handle.status().state == State::Live).await;
        assert_eq!(handle.status().lag, Some(Duration::ZERO));
        engine.stop(LONG).await;
    });
}

/// Panics at first, and leaves out an event when it is told to.
struct Clumsy {
    panics: Arc<AtomicUsize>,
    leaves_out: bool,
}

#[async_trait]
impl Decode for Clumsy {
    type Entry = LogEvent;

    fn category(&self) -> Option<Category> {
        None
    }

    async fn decode(&mut self, store: &Arc<dyn Store>, page: &[LogEvent]) -> Result<Vec<Decoded<LogEvent>>, Error> {
        let less = |panics: usize| panics.checked_sub(1);
        if self
            .panics
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok()
        {
            panic!("on purpose");
        }
        let mut entries = Untyped.decode(store, page).await?;
        if self.leaves_out {
            entries.pop();
        }
        Ok(entries)
    }
}

#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

#[async_trait]
impl Projection for Counting {
    type Decode = Clumsy;

    async fn handle(&self, batch: Batch<'_, LogEvent>) -> Result<(), HandlerError> {
        self.0.fetch_add(batch.len(), Ordering::SeqCst);
        Ok(())
    }
}

#[test]
fn a_decoder_that_panics_ends_nothing() {
    run(async {
        let store = MemoryStore::new();
        deposit(&store, "a").await;
        let engine = engine(&store);
        let (counting, panics) = (Counting::default(), Arc::new(AtomicUsize::new(3)));
        let decode = move || Clumsy {
            panics: panics.clone(),
            leaves_out: false,
        };
        let handle = engine
            .run("counting", quick(), decode, Detached(counting.clone()))
            .unwrap();
        until("handled", || counting.0.load(Ordering::SeqCst) == 1).await;
        assert!(handle.status().last_error.unwrap().contains("on purpose"));
        assert!(engine.stop(LONG).await);
    });
}

#[test]
fn a_decoder_that_leaves_events_out_is_found_out() {
    run(async {
        let store = MemoryStore::new();
        deposit(&store, "a").await;
        deposit(&store, "b").await;
        let decode = Clumsy {
            panics: Arc::default(),
            leaves_out: true,
        };
        let store: Arc<dyn Store> = Arc::new(store);
        let mut events = subscribe(store, runtime(), decode, SubscribeOptions::default());
        assert!(events.next().await.unwrap().is_err());
        assert!(events.next().await.is_none());
    });
}
