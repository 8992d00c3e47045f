use std::sync::Arc;
use std::time::Duration;

use asynx_core::Runtime;
use asynx_core::bus::Hooks;

use super::Host;
use crate::conformance::bus::{BusFixture, Probe};
use crate::conformance::{AnyTransactions, Capabilities, LeaseLoser, SlowTransactions, StoreFixture};

/// A fixture of a store or a bus on a host: `On(Tokio::threads(), Files)`.
#[derive(Debug, Clone, Copy)]
pub struct On<H, F>(
    /// What its checks run on.
    pub H,
    /// The fixture.
    pub F,
);

impl<H: Host, F: StoreFixture> StoreFixture for On<H, F> {
    type Guard = F::Guard;
    type Store = F::Store;

    fn open(&self) -> impl Future<Output = (F::Guard, F::Store)> + Send {
        self.1.open()
    }

    fn another(&self, store: &F::Store) -> impl Future<Output = Option<F::Store>> + Send {
        self.1.another(store)
    }

    fn capabilities(&self) -> Capabilities {
        self.1.capabilities()
    }

    fn name(&self) -> String {
        StoreFixture::name(&self.1)
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        self.0.runtime()
    }

    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        self.0.block_on(check)
    }

    fn patience(&self) -> Duration {
        StoreFixture::patience(&self.1)
    }

    fn slow_transactions(&self, store: &F::Store) -> Option<Arc<dyn SlowTransactions>> {
        self.1.slow_transactions(store)
    }

    fn lease_loser(&self, store: &F::Store) -> Option<Arc<dyn LeaseLoser>> {
        self.1.lease_loser(store)
    }

    fn transactions(&self, store: &F::Store) -> Option<Arc<dyn AnyTransactions>> {
        self.1.transactions(store)
    }
}

impl<H: Host, F: BusFixture> BusFixture for On<H, F> {
    type Guard = F::Guard;
    type Bus = F::Bus;

    fn open(&self, runtime: Arc<dyn Runtime>, hooks: Hooks<Probe>) -> impl Future<Output = (F::Guard, F::Bus)> + Send {
        self.1.open(runtime, hooks)
    }

    fn name(&self) -> String {
        BusFixture::name(&self.1)
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        self.0.runtime()
    }

    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        self.0.block_on(check)
    }

    fn patience(&self) -> Duration {
        BusFixture::patience(&self.1)
    }
}

/// Makes the tests of a store or a bus on every runtime: plain threads, tokio with many threads, tokio with one thread,
/// and smol, each in a module of its own. Needs the features `tokio` and `smol`.
///
/// ```
/// use asynx_store_memory::MemoryStore;
/// use asynx_testkit::conformance::InMemory;
///
/// asynx_testkit::on_every_runtime!(store_conformance!(InMemory(MemoryStore::new)));
/// ```
#[cfg(all(feature = "tokio", feature = "smol"))]
#[macro_export]
macro_rules! on_every_runtime {
    ($conformance:ident!($fixture:expr)) => {
        $crate::on_every_runtime! { $conformance $fixture,
            on_threads: $crate::ThreadRuntime;
            on_tokio_with_threads: $crate::hosts::Tokio::threads();
            on_tokio_with_one_thread: $crate::hosts::Tokio::one_thread();
            on_smol: $crate::hosts::Smol;
        }
    };
    ($conformance:ident $fixture:expr, $($module:ident: $host:expr;)*) => {
        $(mod $module {
            #[allow(unused_imports, reason = "a fixture may name what is in scope where the macro is")]
            use super::*;

            $crate::$conformance!($crate::hosts::On($host, $fixture));
        })*
    };
}
