//! `bench-asynx-allocations SCENARIO key=value ...`: how often memory is allocated for a command. A program of its own, since
//! counting takes time.

// Each program uses a part of it.
#[expect(dead_code, reason = "the other program uses the rest")]
mod orders;

use std::alloc::System;
use std::hint::black_box;
use std::sync::Arc;

use asynx::store::MemoryStore;
use bench_workload::{Action, Arguments, Order, Report, System as _};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::sync::Barrier;

use crate::orders::{Orders, open};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const WARM_UP: u64 = 500;
const COUNTED: u64 = 2_000;
/// Of each client.
const ORDERS: u64 = 15;

#[tokio::main]
async fn main() {
    let arguments = Arguments::read();
    assert_eq!(arguments.scenario, "memory-send");
    let clients = arguments.get("clients", 64_u64);
    let orders = Orders(open(MemoryStore::new()).await);
    let barrier = Arc::new(Barrier::new(clients as usize + 1));
    let sending: Vec<_> = (0..clients)
        .map(|client| tokio::spawn(send(client, orders.clone(), barrier.clone())))
        .collect();
    barrier.wait().await;
    let region = Region::new(COUNTING);
    barrier.wait().await;
    barrier.wait().await;
    let counted = region.change();
    for client in sending {
        client.await.unwrap();
    }
    let sent = (clients * COUNTED) as f64;
    let report = &mut Report::open();
    let allocations = counted.allocations + counted.reallocations;
    report.figure("allocations", allocations as f64 / sent);
    report.figure("bytes", counted.bytes_allocated as f64 / sent);
    report.figure("allocations_of_the_command", of_the_command());
}

/// Sends, with a halt before and after what is counted.
async fn send(client: u64, orders: Orders, barrier: Arc<Barrier>) {
    let ids: Vec<String> = (0..ORDERS).map(|order| format!("ORD-{client:04}-{order:04}")).collect();
    for step in 0..WARM_UP + COUNTED {
        if step == WARM_UP {
            barrier.wait().await;
            barrier.wait().await;
        }
        let (order, events) = (step % ORDERS, step / ORDERS);
        orders.send(&ids[order as usize], Action::at(events)).await;
    }
    barrier.wait().await;
}

/// What the id and the new state take, which are the user's own.
fn of_the_command() -> f64 {
    const ROUNDS: usize = 1_000;
    let id = "ORD-0000-0001".to_owned();
    let order = Order::placed(&id);
    let action = Action::always(1);
    let region = Region::new(COUNTING);
    for _ in 0..ROUNDS {
        black_box((black_box(&id).clone(), action.emit(&id, Some(black_box(&order)))));
    }
    let counted = region.change();
    (counted.allocations + counted.reallocations) as f64 / ROUNDS as f64
}
