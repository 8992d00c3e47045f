use std::time::Instant;

use asynx::store::PostgresStore;
use bench_workload::{Action, Arguments, Report, System as _, median, time};

use super::bare::Bare;
use crate::orders::{Orders, open};

const ORDERS: usize = 100;

/// One client that waits for each answer; and a bare insert of one row, by turns.
pub(crate) async fn lonely(arguments: &Arguments, report: &mut Report) {
    let url = Arguments::database();
    let store = PostgresStore::connect(&url).await.unwrap();
    let mut bare = Bare::connect(&url, 0, ORDERS).await;
    let orders = Orders(open(store).await);
    let (mut sends, mut inserts) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    let mut events = 0;
    // The orders' first events are the warm-up.
    while begun.elapsed() < arguments.seconds() || events < 3 {
        let (mut sent, mut inserted) = (Vec::new(), Vec::new());
        for order in 0..ORDERS {
            let id = format!("ORD-{order:04}");
            let (_, took) = time(orders.send(&id, Action::at(events))).await;
            sent.push(took.as_secs_f64() * 1e6);
        }
        for _ in 0..ORDERS {
            let ((), took) = time(bare.insert()).await;
            inserted.push(took.as_secs_f64() * 1e6);
        }
        events += 1;
        sends.push(median(&mut sent));
        inserts.push(median(&mut inserted));
    }
    report.figure("send_us", median(&mut sends[1..]));
    report.figure("insert_us", median(&mut inserts[1..]));
}
