use asynx::store::PostgresStore;
use bench_workload::{Arguments, Report, run};

use super::fill::old_events;
use crate::orders::{Orders, open};

/// Clients that send, on tables that may have events already.
pub(crate) async fn send(arguments: &Arguments, report: &mut Report) {
    let url = Arguments::database();
    let store = PostgresStore::connect(&url).await.unwrap();
    let existing = arguments.get("existing", 0);
    if existing > 0 {
        old_events(&url, existing).await;
    }
    let orders = Orders(open(store).await);
    let measured = run(&orders, &arguments.load()).await;
    report.figure("send_per_s", measured.per_second());
}
