use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::AppendGroup;
use asynx_core::{Category, Runtime, Store};

use super::{AnyTransactions, Capabilities};
use crate::ThreadRuntime;

/// How the laws get at a store.
///
/// Nothing here is tied to a runtime. By default tasks are threads; a store that needs tokio or smol is put
/// [`On`](crate::hosts::On) one of the [`hosts`](crate::hosts), or says so itself by [`runtime`](Self::runtime) and
/// [`block_on`](Self::block_on).
pub trait StoreFixture: Send + Sync + 'static {
    /// Kept until the check has ended: a temporary directory, say, or the right to use a server.
    type Guard: Send;
    /// The store.
    type Store: Store;

    /// Opens the store: a new one, or another handle to a database that all checks share.
    ///
    /// A server that is missing is no reason to skip: panic, with the one line that mends it.
    fn open(&self) -> impl Future<Output = (Self::Guard, Self::Store)> + Send;

    /// Opens another handle to the data of a store as another process would, sharing nothing with it but the data, where
    /// [`Capabilities::with_another_handle`] declares it. A store that several processes may use at once must offer
    /// this: what one of them was answered has to hold for all. Only the checks that need it ask for it.
    fn another(&self, store: &Self::Store) -> impl Future<Output = Option<Self::Store>> + Send {
        let _ = store;
        std::future::ready(None)
    }

    /// What the store can do; all of [`Capabilities::all_of_a_store`] unless told.
    fn capabilities(&self) -> Capabilities {
        Capabilities::all_of_a_store()
    }

    /// Names the fixture in messages.
    fn name(&self) -> String {
        std::any::type_name::<Self>().to_owned()
    }

    /// Where checks get tasks, sleep and entropy from.
    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(ThreadRuntime)
    }

    /// Runs a check to its end on the calling thread.
    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        ThreadRuntime.block_on(check)
    }

    /// The most time that one check may take; 30 seconds unless told. Waits for what may still happen are fractions
    /// of it.
    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Appends that are under way for as long as a check wants, where
    /// [`Capabilities::with_slow_transactions`] declares them. A store whose log could skip what commits late must
    /// offer this, or its most important law is not tested.
    fn slow_transactions(&self, store: &Self::Store) -> Option<Arc<dyn SlowTransactions>> {
        let _ = store;
        None
    }

    /// The transactions of a store, where [`Capabilities::with_transactions`] declares them;
    /// [`WithTransactions`](super::WithTransactions) offers them.
    fn transactions(&self, store: &Self::Store) -> Option<Arc<dyn AnyTransactions>> {
        let _ = store;
        None
    }

    /// Taking leases away, where [`Capabilities::with_lost_leases`] declares it.
    fn lease_loser(&self, store: &Self::Store) -> Option<Arc<dyn LeaseLoser>> {
        let _ = store;
        None
    }
}

/// Stages appends that are under way.
#[async_trait]
pub trait SlowTransactions: Send + Sync + 'static {
    /// Begins a transaction in which the events of a group are appended as the store itself appends them, and leaves
    /// it open. Panics when that cannot be done.
    async fn append(&self, group: &AppendGroup) -> Box<dyn HeldAppend>;
}

/// An append that is under way. Dropping it rolls it back.
#[async_trait]
pub trait HeldAppend: Send + Sync {
    /// Lets it succeed.
    async fn commit(self: Box<Self>);

    /// Lets it fail.
    async fn roll_back(self: Box<Self>);
}

/// Takes leases of sole writers away.
#[async_trait]
pub trait LeaseLoser: Send + Sync + 'static {
    /// Ends what holds the lease of a category, as a lost connection would.
    async fn lose(&self, category: &Category);
}
