//! `bench-eventcore SCENARIO key=value ...`: eventcore with its memory store and with eventcore-postgres.

mod orders;
mod reading;

use bench_workload::{Arguments, Report, run};
use eventcore_memory::InMemoryEventStore;
use eventcore_postgres::PostgresEventStore;
use eventcore_types::EventStore;

use crate::orders::Orders;

/// The same in all programs: that of the system makes threads wait for each other, which is none of theirs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() {
    let arguments = Arguments::read();
    let report = &mut Report::open();
    match &*arguments.scenario {
        "memory-send" => send(Orders::new(InMemoryEventStore::new()), &arguments, report).await,
        "postgres-send" => send(postgres().await, &arguments, report).await,
        "postgres-replay" => reading::replay(&arguments, report).await,
        "postgres-catchup" => reading::catch_up(&arguments, report).await,
        unknown => panic!("there is no scenario `{unknown}`"),
    }
}

async fn send<S: EventStore + Send + Sync + 'static>(orders: Orders<S>, arguments: &Arguments, report: &mut Report) {
    let measured = run(&orders, &arguments.load()).await;
    report.figure("send_per_s", measured.per_second());
}

/// With its defaults: a pool of ten connections, no snapshots of command states.
pub(crate) async fn postgres() -> Orders<PostgresEventStore> {
    let store = PostgresEventStore::new(Arguments::database()).await.unwrap();
    store.migrate().await;
    Orders::new(store)
}
