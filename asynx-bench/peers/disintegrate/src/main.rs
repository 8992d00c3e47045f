//! `bench-disintegrate SCENARIO key=value ...`: disintegrate with disintegrate-postgres.

mod orders;
mod reading;

use bench_workload::{Arguments, Report, run};

/// The same in all programs: that of the system makes threads wait for each other, which is none of theirs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() {
    let arguments = Arguments::read();
    let report = &mut Report::open();
    match &*arguments.scenario {
        "postgres-send" => {
            let measured = run(&orders::open().await, &arguments.load()).await;
            report.figure("send_per_s", measured.per_second());
        }
        "postgres-catchup" => reading::catch_up(&arguments, report).await,
        unknown => panic!("there is no scenario `{unknown}`"),
    }
}
