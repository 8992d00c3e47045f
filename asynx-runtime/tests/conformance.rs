//! Every runtime keeps every law.

use std::sync::Arc;

use asynx_core::Runtime;
use asynx_runtime::{SmolRuntime, TokioRuntime};
use asynx_testkit::conformance::runtime::RuntimeFixture;
use asynx_testkit::{ThreadRuntime, runtime_conformance};
use futures::channel::oneshot;
use tokio::runtime::Builder;

/// A function that starts a runtime, and whether that ends with its guard.
struct Fixture<G, R>(fn() -> (G, R), bool);

impl<G: Send + 'static, R: Runtime> RuntimeFixture for Fixture<G, R> {
    type Guard = G;
    type Runtime = R;

    fn open(&self) -> (G, R) {
        (self.0)()
    }

    fn ends(&self) -> bool {
        self.1
    }

    fn name(&self) -> String {
        std::any::type_name::<R>().to_owned()
    }
}

/// Runs something when it is dropped.
struct Stop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for Stop<F> {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|stop| stop());
    }
}

/// Polls on a thread of its own until the guard is dropped, and then ends what was polled.
fn on_a_thread(poll: impl FnOnce(oneshot::Receiver<()>) -> bool + Send + 'static) -> impl FnOnce() {
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || poll(stopped));
    move || {
        drop(stop);
        thread.join().expect("the thread that polls does not panic");
    }
}

fn tokio_threads() -> (Stop<impl FnOnce()>, TokioRuntime) {
    let tokio = Builder::new_multi_thread().worker_threads(2).enable_time().build();
    let tokio = tokio.expect("tokio starts");
    let runtime = TokioRuntime::new(tokio.handle().clone());
    (Stop(Some(|| tokio.shutdown_background())), runtime)
}

fn tokio_current_thread() -> (Stop<impl FnOnce()>, TokioRuntime) {
    let tokio = Builder::new_current_thread().enable_time().build();
    let tokio = tokio.expect("tokio starts");
    let runtime = TokioRuntime::new(tokio.handle().clone());
    let stop = on_a_thread(move |stopped| tokio.block_on(stopped).is_err());
    (Stop(Some(stop)), runtime)
}

fn smol_executor() -> (Stop<impl FnOnce()>, SmolRuntime) {
    let executor = Arc::new(smol::Executor::new());
    let runtime = SmolRuntime::with_executor(Arc::clone(&executor));
    let stop = on_a_thread(move |stopped| smol::block_on(executor.run(stopped)).is_err());
    (Stop(Some(stop)), runtime)
}

mod on_tokio_with_threads {
    super::runtime_conformance!(super::Fixture(super::tokio_threads, true));
}
mod on_tokio_with_one_thread {
    super::runtime_conformance!(super::Fixture(super::tokio_current_thread, true));
}
mod on_smol {
    super::runtime_conformance!(super::Fixture(|| ((), super::SmolRuntime::new()), false));
}
mod on_an_executor_of_smol {
    super::runtime_conformance!(super::Fixture(super::smol_executor, false));
}
mod on_threads {
    super::runtime_conformance!(super::Fixture(|| ((), super::ThreadRuntime), false));
}
