//! `bench-asynx SCENARIO key=value ...`: asynx, and the raw limits of what it stands on.

mod database;
mod jetstream;
mod memory;
mod orders;
mod pieces;
mod postgres;
mod publish;
mod sqlite;

use bench_workload::{Arguments, Report};

/// The same in all programs: that of the system makes threads wait for each other, which is none of theirs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() {
    let arguments = Arguments::read();
    let report = &mut Report::open();
    match &*arguments.scenario {
        "create-database" => database::create(&arguments).await,
        "remove-database" => database::remove(&arguments).await,
        "memory-send" => memory::send(&arguments, report).await,
        "hot" => memory::hot(&arguments, report).await,
        "get-cached" => memory::get_cached(&arguments, report).await,
        "replay" => memory::replay(&arguments, report).await,
        "diff" => pieces::diff(&arguments, report),
        "publish" => publish::publish(&arguments, report).await,
        "postgres-send" => postgres::send(&arguments, report).await,
        "postgres-statement" => postgres::statement(&arguments, report).await,
        "postgres-lonely" => postgres::lonely(&arguments, report).await,
        "postgres-replay" => postgres::replay(&arguments, report).await,
        "postgres-catchup" => postgres::catch_up(&arguments, report).await,
        "postgres-projection" => postgres::projection(&arguments, report).await,
        "jetstream-send" => jetstream::send(&arguments, report).await,
        "jetstream-raw" => jetstream::raw(&arguments, report).await,
        "sqlite-send" => sqlite::send(&arguments, report).await,
        "sqlite-raw" => sqlite::raw(&arguments, report).await,
        unknown => panic!("there is no scenario `{unknown}`"),
    }
}
