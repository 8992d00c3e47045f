//! The in-process bus keeps every law, on every runtime.
use asynx_bus::InProcessBus;
use asynx_core::{Runtime, bus::Hooks};
use asynx_testkit::conformance::bus::{BusFixture, Probe};
use std::sync::Arc;
struct InProcess;
impl BusFixture for InProcess {
    type Guard = ();
    type Bus = InProcessBus<Probe>;
    async fn open(&self, runtime: Arc<dyn Runtime>, hooks: Hooks<Probe>) -> ((), InProcessBus<Probe>) {
        ((), InProcessBus::new(runtime, hooks))
    }
}
asynx_testkit::on_every_runtime!(bus_conformance!(InProcess));
