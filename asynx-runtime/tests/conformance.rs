//! Every runtime keeps every law.
use asynx_runtime::{SmolRuntime, TokioRuntime};
use asynx_testkit::{ThreadRuntime, conformance::runtime::RuntimeFixture, runtime_conformance};
use tokio::runtime::{Builder, Runtime};

macro_rules! conforms {
    ($name:ident, $runtime:ty, $guard:ty, $ends:literal, $open:expr) => {
        mod $name {
            use super::*;
            struct Fixture;
            impl RuntimeFixture for Fixture {
                type Guard = $guard;
                type Runtime = $runtime;
                fn open(&self) -> ($guard, $runtime) {
                    $open
                }
                fn ends(&self) -> bool {
                    $ends
                }
            }
            runtime_conformance!(Fixture);
        }
    };
}

conforms!(on_tokio, TokioRuntime, Stops, true, {
    let tokio = Builder::new_multi_thread().worker_threads(2).enable_time().build();
    let tokio = tokio.expect("tokio starts");
    let runtime = TokioRuntime::new(tokio.handle().clone());
    (Stops(Some(tokio)), runtime)
});
conforms!(on_smol, SmolRuntime, (), false, ((), SmolRuntime::new()));
conforms!(on_threads, ThreadRuntime, (), false, ((), ThreadRuntime));

/// Does not wait for tasks.
struct Stops(Option<Runtime>);

impl Drop for Stops {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}
