use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::{ParkedEvent, Transactions};
use asynx_core::{Position, Runtime, StoreError};

use super::{Capabilities, LeaseLoser, SlowTransactions, StoreFixture};

/// The [`Transactions`] of any store, for checks that know no types.
#[async_trait]
pub trait AnyTransactions: Send + Sync + 'static {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn AnyTransaction>, StoreError>;
}

/// A transaction of any store. Dropping it rolls it back.
#[async_trait]
pub trait AnyTransaction: Send {
    /// [`Transactions::move_in`].
    async fn move_in(
        &mut self,
        reader: &str,
        from: Option<Position>,
        to: Option<Position>,
        fence: u64,
    ) -> Result<bool, StoreError>;

    /// [`Transactions::park_in`].
    async fn park_in(&mut self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError>;

    /// [`Transactions::unpark_in`].
    async fn unpark_in(&mut self, reader: &str, position: Position) -> Result<bool, StoreError>;

    /// [`Transactions::commit`].
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// The fixture of a store that has [`Transactions`]: `WithTransactions(InMemory(MemoryStore::new))`.
#[derive(Debug, Clone, Copy)]
pub struct WithTransactions<F>(
    /// The fixture of the store.
    pub F,
);

impl<F: StoreFixture> StoreFixture for WithTransactions<F>
where
    F::Store: Transactions<Transaction: 'static> + Clone,
{
    type Guard = F::Guard;
    type Store = F::Store;

    fn open(&self) -> impl Future<Output = (F::Guard, F::Store)> + Send {
        self.0.open()
    }

    fn another(&self, store: &F::Store) -> impl Future<Output = Option<F::Store>> + Send {
        self.0.another(store)
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities().with_transactions()
    }

    fn name(&self) -> String {
        self.0.name()
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        self.0.runtime()
    }

    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        self.0.block_on(check)
    }

    fn patience(&self) -> std::time::Duration {
        self.0.patience()
    }

    fn slow_transactions(&self, store: &F::Store) -> Option<Arc<dyn SlowTransactions>> {
        self.0.slow_transactions(store)
    }

    fn lease_loser(&self, store: &F::Store) -> Option<Arc<dyn LeaseLoser>> {
        self.0.lease_loser(store)
    }

    fn transactions(&self, store: &F::Store) -> Option<Arc<dyn AnyTransactions>> {
        Some(Arc::new(Of(Arc::new(store.clone()))))
    }
}

struct Of<S>(Arc<S>);

#[async_trait]
impl<S: Transactions<Transaction: 'static>> AnyTransactions for Of<S> {
    async fn begin(&self) -> Result<Box<dyn AnyTransaction>, StoreError> {
        let transaction = self.0.begin().await?;
        let store = Arc::clone(&self.0);
        Ok(Box::new(Open { store, transaction }))
    }
}

struct Open<S: Transactions> {
    store: Arc<S>,
    transaction: S::Transaction,
}

#[async_trait]
impl<S: Transactions> AnyTransaction for Open<S> {
    async fn move_in(
        &mut self,
        reader: &str,
        from: Option<Position>,
        to: Option<Position>,
        fence: u64,
    ) -> Result<bool, StoreError> {
        let transaction = &mut self.transaction;
        self.store.move_in(transaction, reader, from, to, fence).await
    }

    async fn park_in(&mut self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError> {
        self.store.park_in(&mut self.transaction, reader, event).await
    }

    async fn unpark_in(&mut self, reader: &str, position: Position) -> Result<bool, StoreError> {
        self.store.unpark_in(&mut self.transaction, reader, position).await
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.store.commit(self.transaction).await
    }
}
