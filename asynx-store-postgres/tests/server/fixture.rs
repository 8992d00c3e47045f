use std::sync::{Arc, OnceLock};

use asynx_core::Runtime;
use asynx_runtime::TokioRuntime;
use asynx_store_postgres::PostgresStore;
use asynx_testkit::conformance::{Capabilities, LeaseLoser, SlowTransactions, StoreFixture};

use super::{Holding, Mirror, Schema, TOKIO, lose_leases, prepare};

/// A new schema for each law, all on one server at once.
#[derive(Default)]
pub(crate) struct Fixture {
    holding: OnceLock<Arc<Holding>>,
    losing: OnceLock<Arc<lose_leases::Losing>>,
    inline: bool,
}

impl Fixture {
    /// With an inline projection that wants every event.
    pub(crate) fn inline() -> Self {
        let inline = true;
        Self {
            inline,
            ..Self::default()
        }
    }
}

impl StoreFixture for Fixture {
    type Guard = Schema;
    type Store = PostgresStore;

    async fn open(&self) -> (Schema, PostgresStore) {
        let schema = Schema::new();
        let options = match self.inline {
            true => Mirror::prepare(&schema).await,
            false => schema.options(),
        };
        let store = schema.store_with(options.clone()).await;
        prepare(&schema).await;
        lose_leases::prepare(&schema).await;
        let _ = self.holding.set(Arc::new(Holding::new(&schema, options)));
        let _ = self.losing.set(Arc::new(lose_leases::Losing::new(&schema)));
        (schema, store)
    }

    async fn another(&self, _: &PostgresStore) -> Option<PostgresStore> {
        let options = self.holding.get()?.options();
        let opened = PostgresStore::connect_with(&super::url(), options).await;
        Some(opened.expect("the store opens"))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all_of_a_store()
            .with_slow_transactions()
            .with_another_handle()
            .with_lost_leases()
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(TokioRuntime::new(TOKIO.handle().clone()))
    }

    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        TOKIO.block_on(check)
    }

    fn slow_transactions(&self, _: &PostgresStore) -> Option<Arc<dyn SlowTransactions>> {
        self.holding.get().map(|holding| holding.clone() as _)
    }

    fn lease_loser(&self, _: &PostgresStore) -> Option<Arc<dyn LeaseLoser>> {
        self.losing.get().map(|losing| losing.clone() as _)
    }
}
