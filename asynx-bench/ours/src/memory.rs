//! On the memory store.

use asynx::Asynx;
use asynx::store::MemoryStore;
use bench_workload::{Action, Arguments, Measured, Report, System as _, median, per_second, run, time};
use futures::StreamExt as _;

use crate::orders::{Orders, Purchase, lengthen, open, open_without_snapshots};

pub(crate) async fn send(arguments: &Arguments, report: &mut Report) {
    let orders = Orders(open(MemoryStore::new()).await);
    let measured = run(&orders, &arguments.load()).await;
    report.figure("send_per_s", measured.per_second());
}

/// Every client sends to one aggregate, which has a long stream already.
pub(crate) async fn hot(arguments: &Arguments, report: &mut Report) {
    let events = arguments.get("events", 10_000);
    let orders = open(MemoryStore::new()).await;
    lengthen(&orders, "ORD-HOT", events).await;
    let measured = send_to_one(&orders, arguments, events).await;
    report.figure("send_per_s", measured.per_second());
    let last = orders.get("ORD-HOT").await.unwrap();
    assert!(
        last.0.lines.iter().any(|line| line.quantity >= 1_000),
        "the orders were not changed"
    );
}

async fn send_to_one(orders: &Asynx<Purchase>, arguments: &Arguments, events: u64) -> Measured {
    let clients = arguments.get("clients", 64);
    let (warm_up, measure) = (std::time::Duration::from_millis(300), arguments.seconds());
    let begun = std::time::Instant::now();
    let sending = (0..clients).map(|client| {
        let orders = Orders(orders.clone());
        tokio::spawn(async move {
            let (mut sent, mut number) = (0, events + client);
            loop {
                let at = begun.elapsed();
                if at > warm_up + measure {
                    return sent;
                }
                orders.send("ORD-HOT", Action::always(number)).await;
                number += clients;
                sent += u64::from(at > warm_up);
            }
        })
    });
    let sending: Vec<_> = sending.collect();
    let mut sent = 0;
    for client in sending {
        sent += client.await.unwrap();
    }
    Measured { sent, time: measure }
}

/// Reads of a state that is cached, one after the other, by the only writer: the store is not asked.
pub(crate) async fn get_cached(arguments: &Arguments, report: &mut Report) {
    const READS: u32 = 1_000;
    let built = Asynx::builder().store(MemoryStore::new()).sole_writer().build().await;
    let orders: Asynx<Purchase> = built.unwrap_or_else(|error| panic!("{error}"));
    lengthen(&orders, "ORD-1", 20).await;
    let begun = std::time::Instant::now();
    let mut each = Vec::new();
    while begun.elapsed() < arguments.seconds() || each.len() < 3 {
        let ((), took) = time(async {
            for _ in 0..READS {
                let order = orders.get("ORD-1").await.unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(order.0.lines.len(), 5);
            }
        })
        .await;
        each.push(took.as_nanos() as f64 / f64::from(READS));
    }
    // The first is the warm-up.
    report.figure("get_ns", median(&mut each[1..]));
}

/// A stream that nobody has loaded yet, without a snapshot.
pub(crate) async fn replay(arguments: &Arguments, report: &mut Report) {
    let events = arguments.get("events", 10_000);
    let store = MemoryStore::new();
    let written = open_without_snapshots(store.clone()).await;
    lengthen(&written, "ORD-1", events).await;
    let expected = written.get("ORD-1").await.unwrap();
    let (mut loads, mut reads) = (Vec::new(), Vec::new());
    let begun = std::time::Instant::now();
    while begun.elapsed() < arguments.seconds() || loads.len() < 4 {
        let cold = open_without_snapshots(store.clone()).await;
        let (loaded, took) = time(cold.get("ORD-1")).await;
        assert_eq!(loaded.unwrap().0, expected.0);
        loads.push(per_second(events, took));

        let (seen, took) = time(cold.history("ORD-1").count()).await;
        assert_eq!(seen as u64, events);
        reads.push(per_second(events, took));
    }
    // The first of each is the warm-up.
    report.figure("load_events_per_s", median(&mut loads[1..]));
    report.figure("history_events_per_s", median(&mut reads[1..]));
}
