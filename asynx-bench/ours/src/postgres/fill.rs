//! Events that are there before something is measured.

use bench_workload::{Action, System as _};
use sqlx::postgres::PgPoolOptions;

use crate::orders::Orders;

const SIDE_BY_SIDE: u64 = 256;

/// Sends what makes so many streams of so many events.
pub(super) async fn streams(orders: &Orders, streams: u64, events: u64) {
    let workers = (0..SIDE_BY_SIDE.min(streams)).map(|worker| {
        let orders = orders.clone();
        tokio::spawn(async move {
            for stream in (worker..streams).step_by(SIDE_BY_SIDE as usize) {
                let id = format!("ORD-{stream:07}");
                for event in 0..events {
                    orders.send(&id, Action::at(event)).await;
                }
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
}

/// Writes events of earlier transactions into the tables, in streams of 100: so many could not be sent in time.
pub(super) async fn old_events(url: &str, events: i64) {
    const STREAM: i64 = 100;
    let pool = PgPoolOptions::new().max_connections(1).connect(url).await.unwrap();
    sqlx::query(
        "insert into asynx.heads (category, aggregate_id, version)
         select 'order', 'OLD-' || lpad(n::text, 9, '0'), $2 from generate_series(1, $1 / $2) n",
    )
    .bind(events)
    .bind(STREAM)
    .execute(&pool)
    .await
    .unwrap();
    let record = super::bare::record().await;
    sqlx::query(
        "insert into asynx.events (epoch, tx, seq, category, aggregate_id, version, event_id, event_name, occurred_at, record)
         select 0, 3, n, 'order', 'OLD-' || lpad((1 + n / $2)::text, 9, '0'), 1 + n % $2,
             ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'QuantityChanged', 1700000000000000 + n, $3
         from generate_series(0, $1 - 1) n",
    )
    .bind(events)
    .bind(STREAM)
    .bind(&record[..])
    .execute(&pool)
    .await
    .unwrap();
    for sql in [
        "vacuum analyze asynx.events",
        "vacuum analyze asynx.heads",
        "checkpoint",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    pool.close().await;
}
