use asynx_nats_testing::Servers;
use bench_workload::{Arguments, Report, run};

use super::servers::store;
use crate::orders::{Orders, open};

/// Clients that send, on servers that have nothing yet.
pub(crate) async fn send(arguments: &Arguments, report: &mut Report) {
    let count = arguments.get("servers", 1);
    let servers = Servers::start(count, "");
    let orders = Orders(open(store(&servers, count).await).await);
    let measured = run(&orders, &arguments.load()).await;
    report.figure("send_per_s", measured.per_second());
}
