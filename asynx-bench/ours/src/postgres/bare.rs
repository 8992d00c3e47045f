//! Statements in a bare loop: no library around them.

use asynx::Store as _;
use asynx::store::{LogQuery, MemoryStore, PostgresOptions};
use asynx_store_postgres::{BareAppend, bare_append};
use bench_workload::{Action, System as _};
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use crate::orders::{Orders, open};

/// Rows into the table of events and nothing else: no heads, no ids looked up, nobody answered.
const UNNEST: &str = "
    insert into asynx.events (epoch, tx, seq, category, aggregate_id, version, event_id, event_name, occurred_at, record)
    select 0, pg_current_xact_id()::text::bigint, ord, category, aggregate_id, version, event_id, event_name, occurred_at, record
    from unnest($1::text[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::bigint[], $7::bytea[]) with ordinality
        as t(category, aggregate_id, version, event_id, event_name, occurred_at, record, ord)";
const INSERT: &str = "
    insert into asynx.events (epoch, tx, seq, category, aggregate_id, version, event_id, event_name, occurred_at, record)
    values (0, pg_current_xact_id()::text::bigint, 1, $1, $2, $3, $4, $5, $6, $7)";
const NAME: &str = "QuantityChanged";

/// A connection with streams of its own.
pub(super) struct Bare {
    connection: PgConnection,
    append: BareAppend,
    number: usize,
    record: Vec<u8>,
    /// The version of each stream that appends move.
    appended: Vec<i64>,
    /// The same for rows that are only inserted.
    inserted: Vec<i64>,
    next: usize,
}

impl Bare {
    pub(super) async fn connect(url: &str, number: usize, streams: usize) -> Self {
        let append = bare_append(&PostgresOptions::new()).unwrap();
        let mut connection = PgConnection::connect(url).await.unwrap();
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(append.settings.clone())))
            .await
            .unwrap();
        Self {
            connection,
            append,
            number,
            record: record().await,
            appended: vec![0; streams],
            inserted: vec![0; streams],
            next: 0,
        }
    }

    /// One append of so many streams, an event each.
    pub(super) async fn append(&mut self, batch: usize) {
        let at: Vec<usize> = (0..batch).map(|n| (self.next + n) % self.appended.len()).collect();
        self.next = (self.next + batch) % self.appended.len();
        let ids: Vec<String> = at.iter().map(|at| format!("APP-{:02}-{at:05}", self.number)).collect();
        let expected: Vec<i64> = at.iter().map(|&at| self.appended[at]).collect();
        let last: Vec<i64> = expected.iter().map(|version| version + 1).collect();
        let rows = sqlx::query(AssertSqlSafe(self.append.batch.as_str()))
            .bind(vec!["order"; batch])
            .bind(&ids)
            .bind(&expected)
            .bind(&last)
            .bind(vec![0_i64; batch])
            .bind(&last)
            .bind((0..batch).map(|_| Uuid::now_v7()).collect::<Vec<_>>())
            .bind(vec![NAME; batch])
            .bind(vec![1_700_000_000_000_000_i64; batch])
            .bind(vec![&self.record[..]; batch])
            // So often inline projections were noted.
            .bind(0_i64)
            .fetch_all(&mut self.connection)
            .await
            .unwrap();
        let applied = rows.iter().filter(|row| row.get::<bool, _>(1)).count();
        assert_eq!(applied, batch, "every event is applied");
        for at in at {
            self.appended[at] += 1;
        }
    }

    /// One insert of so many rows.
    pub(super) async fn unnest(&mut self, batch: usize) {
        let at: Vec<usize> = (0..batch).map(|n| (self.next + n) % self.inserted.len()).collect();
        self.next = (self.next + batch) % self.inserted.len();
        let versions: Vec<i64> = at.iter().map(|&at| self.inserted[at] + 1).collect();
        let done = sqlx::query(UNNEST)
            .bind(vec!["order"; batch])
            .bind(
                at.iter()
                    .map(|at| format!("ROW-{:02}-{at:05}", self.number))
                    .collect::<Vec<_>>(),
            )
            .bind(&versions)
            .bind((0..batch).map(|_| Uuid::now_v7()).collect::<Vec<_>>())
            .bind(vec![NAME; batch])
            .bind(vec![1_700_000_000_000_000_i64; batch])
            .bind(vec![&self.record[..]; batch])
            .execute(&mut self.connection)
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), batch as u64);
        for at in at {
            self.inserted[at] += 1;
        }
    }

    /// One row, in its own transaction.
    pub(super) async fn insert(&mut self) {
        let at = self.next % self.inserted.len();
        self.next += 1;
        self.inserted[at] += 1;
        let done = sqlx::query(INSERT)
            .bind("order")
            .bind(format!("ROW-{:02}-{at:05}", self.number))
            .bind(self.inserted[at])
            .bind(Uuid::now_v7())
            .bind(NAME)
            .bind(1_700_000_000_000_000_i64)
            .bind(&self.record[..])
            .execute(&mut self.connection)
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 1);
    }
}

/// What asynx stores for a changed quantity.
pub(super) async fn record() -> Vec<u8> {
    let store = MemoryStore::new();
    let orders = Orders(open(store.clone()).await);
    for event in 0..2 {
        orders.send("ORD-0000-0000001", Action::at(event)).await;
    }
    let query = LogQuery {
        after: None,
        filter: Default::default(),
        max_events: 2,
        max_bytes: 1 << 20,
    };
    let page = store.log().unwrap().read(&query).await.unwrap();
    page.events[1].record.clone().unwrap().to_vec()
}
