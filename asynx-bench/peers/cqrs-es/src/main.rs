//! `bench-cqrs-es SCENARIO key=value ...`: cqrs-es with its memory store and with postgres-es.

mod orders;
mod reading;

use bench_workload::{Arguments, Report, run};
use cqrs_es::mem_store::MemStore;
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{CqrsFramework, EventStore};
use postgres_es::{PostgresEventRepository, default_postgress_pool};

use crate::orders::{Orders, Purchase};

/// The same in all programs: that of the system makes threads wait for each other, which is none of theirs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() {
    let arguments = Arguments::read();
    let report = &mut Report::open();
    match &*arguments.scenario {
        "memory-send" => {
            let store = MemStore::default();
            send(
                Orders::new(CqrsFramework::new(store.clone(), vec![], ()), store),
                &arguments,
                report,
            )
            .await;
        }
        "postgres-send" => send(postgres().await, &arguments, report).await,
        "postgres-replay" => reading::replay(&arguments, report).await,
        "postgres-catchup" => reading::catch_up(&arguments, report).await,
        unknown => panic!("there is no scenario `{unknown}`"),
    }
}

async fn send<S>(orders: Orders<S>, arguments: &Arguments, report: &mut Report)
where
    S: EventStore<Purchase> + 'static,
    S::AC: Send,
{
    let measured = run(&orders, &arguments.load()).await;
    report.figure("send_per_s", measured.per_second());
}

/// As its guide has it: its own pool of ten connections, its tables, no snapshots.
pub(crate) async fn postgres() -> Orders<PersistedEventStore<PostgresEventRepository, Purchase>> {
    let pool = default_postgress_pool(&Arguments::database()).await;
    sqlx::query(EVENTS).execute(&pool).await.unwrap();
    let store = || PersistedEventStore::new_event_store(PostgresEventRepository::new(pool.clone()));
    Orders::new(CqrsFramework::new(store(), vec![], ()), store())
}

/// The table as the project's `db/init.sql` makes it.
const EVENTS: &str = "create table events (
    aggregate_type text not null,
    aggregate_id text not null,
    sequence bigint check (sequence >= 0) not null,
    event_type text not null,
    event_version text not null,
    payload json not null,
    metadata json not null,
    primary key (aggregate_type, aggregate_id, sequence)
)";
