//! Typed inline projections: the states around each event, whatever was rolled back and whoever else writes.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic fails the test, which spawns where it stands"
)]

mod server;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use asynx::projection::{Batch, Entry, HandlerError, Inline, TransactionalProjection, Typed};
use asynx_store_postgres::{PostgresOptions, PostgresStore};
use futures::future::join_all;
use server::{Count, Counter, Schema, connect, counters, run, soon, url};
use sqlx::{AssertSqlSafe, Postgres, Transaction};

type Tx = Transaction<'static, Postgres>;

/// A row for each counter, as the last event left it.
struct Counts {
    table: String,
    fails: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl TransactionalProjection<Tx> for Counts {
    type Decode = Typed<Counter>;

    async fn handle(&self, transaction: &mut Tx, batch: Batch<'_, Entry<Counter>>) -> Result<(), HandlerError> {
        for entry in batch.iter() {
            let Some(event) = entry.event() else {
                let gone = format!("delete from {} where id = $1", self.table);
                let gone = sqlx::query(AssertSqlSafe(gone)).bind(entry.aggregate_id().as_str());
                gone.execute(&mut **transaction).await?;
                continue;
            };
            let before = event.previous.as_ref().map_or(0, |before| before.count);
            if before + 1 != event.aggregate.count {
                return Err(HandlerError::permanent(
                    "the states around the event do not follow each other",
                ));
            }
            let row = format!(
                "insert into {} values ($1, $2, $3, $4) on conflict (id) do update
                 set version = excluded.version, count = excluded.count, by = excluded.by",
                self.table
            );
            sqlx::query(AssertSqlSafe(row))
                .bind(event.aggregate_id.as_str())
                .bind(event.version.as_i64())
                .bind(event.aggregate.count as i64)
                .bind(&event.aggregate.by)
                .execute(&mut **transaction)
                .await?;
        }
        match self.fails.load(Ordering::Relaxed) {
            true => Err(HandlerError::permanent("it fails for now")),
            false => Ok(()),
        }
    }
}

async fn make_table(schema: &Schema) {
    let sql = "create schema if not exists {schema};
        create table {schema}.counts (id text primary key, version bigint, count bigint, by text[])";
    run(&mut connect().await, &schema.fill(sql)).await;
}

fn counting(schema: &Schema, fails: &Arc<AtomicBool>) -> PostgresOptions {
    let counts = Counts {
        table: schema.fill("{schema}.counts"),
        fails: fails.clone(),
    };
    schema.options().with_inline(Inline::new("counts", Typed::new, counts))
}

async fn row(schema: &Schema, id: &str) -> Option<(i64, i64, Vec<String>)> {
    let sql = schema.fill("select version, count, by from {schema}.counts where id = $1");
    let row = sqlx::query_as(AssertSqlSafe(sql)).bind(id);
    row.fetch_optional(&mut connect().await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_count_and_every_answer_is_seen_at_once() {
    let schema = Arc::new(Schema::new());
    make_table(&schema).await;
    let fails = Arc::new(AtomicBool::new(false));
    let mut counting_tasks = Vec::new();
    for process in 0..3 {
        let store = schema.store_with(counting(&schema, &fails)).await;
        let handle = counters(&store).await;
        for task in 0..4 {
            let (handle, schema) = (handle.clone(), schema.clone());
            counting_tasks.push(tokio::spawn(async move {
                for round in 0..8 {
                    let id = format!("c{}", (task + round) % 5);
                    let event = handle.send(Count(id.clone(), format!("p{process}"))).await.unwrap();
                    let (version, count, by) = row(&schema, &id).await.unwrap();
                    assert!(version >= event.version.as_i64(), "{version} < {}", event.version);
                    assert_eq!((version, count as usize), (count, by.len()));
                }
            }));
        }
    }
    for counted in soon(join_all(counting_tasks)).await {
        counted.unwrap();
    }
    let sum = "select sum(count)::bigint from {schema}.counts";
    let sum: i64 = sqlx::query_scalar(AssertSqlSafe(schema.fill(sum)))
        .fetch_one(&mut connect().await)
        .await
        .unwrap();
    assert_eq!(sum, 3 * 4 * 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rolled_back_is_not_folded() {
    let schema = Schema::new();
    make_table(&schema).await;
    let (fails, never) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let one = counters(&schema.store_with(counting(&schema, &fails)).await).await;
    let other = counters(&schema.store_with(counting(&schema, &never)).await).await;
    let count = |by: &str| Count("c".to_owned(), by.to_owned());
    // Long, so that a patch never is the whole state.
    let first = "first ".repeat(100);
    one.send(count(&first)).await.unwrap();

    fails.store(true, Ordering::Relaxed);
    let refused = one.send(count("lost")).await.unwrap_err();
    let mut said = refused.to_string();
    let mut cause = refused.source();
    while let Some(error) = cause {
        said += &format!(": {error}");
        cause = error.source();
    }
    assert!(
        said.contains("the inline projection \"counts\" failed at Counted") && said.contains("it fails for now"),
        "{said}"
    );
    assert_eq!(refused.applied(), asynx::Applied::No, "{said}");
    fails.store(false, Ordering::Relaxed);

    // The version that it was for goes to somebody else, whose event this process never folds.
    other.send(count("other")).await.unwrap();
    one.send(count("third")).await.unwrap();
    let by = [&*first, "other", "third"].map(str::to_owned).to_vec();
    assert_eq!(row(&schema, "c").await.unwrap(), (3, 3, by));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_is_gone_and_a_new_life_is_told() {
    let schema = Schema::new();
    make_table(&schema).await;
    let fails = Arc::new(AtomicBool::new(false));
    let store = schema.store_with(counting(&schema, &fails)).await;
    let handle = counters(&store).await;
    let count = |by: &str| Count("c".to_owned(), by.to_owned());
    handle.send(count("a")).await.unwrap();
    handle.send(count("b")).await.unwrap();
    handle.forget("c").await.unwrap();
    assert_eq!(row(&schema, "c").await, None);
    handle.send(count("new")).await.unwrap();
    assert_eq!(row(&schema, "c").await.unwrap().1, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_built_of_states_too() {
    let schema = Schema::new();
    make_table(&schema).await;
    let plain = counters(&schema.store().await).await;
    for by in ["a", "b", "c"] {
        plain.send(Count("old".to_owned(), by.to_owned())).await.unwrap();
    }
    plain.send(Count("gone".to_owned(), "a".to_owned())).await.unwrap();
    plain.forget("gone").await.unwrap();
    let fails = Arc::new(AtomicBool::new(false));
    soon(PostgresStore::build_inline(&url(), &counting(&schema, &fails)))
        .await
        .unwrap();
    assert_eq!(row(&schema, "old").await.unwrap().1, 3);
    assert_eq!(row(&schema, "gone").await, None);
    let handle = counters(&schema.store_with(counting(&schema, &fails)).await).await;
    handle.send(Count("old".to_owned(), "d".to_owned())).await.unwrap();
    assert_eq!(row(&schema, "old").await.unwrap().1, 4);
}
