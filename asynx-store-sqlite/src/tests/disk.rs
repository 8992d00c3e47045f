//! What is told when the disk is full.

use std::sync::Arc;

use asynx_core::store::{AppendError, GroupOutcome};
use asynx_core::{StoreError, StreamId, Version};
use asynx_runtime::TokioRuntime;
use asynx_testkit::samples;
use sqlx::AssertSqlSafe;

use crate::SqliteOptions;
use crate::database::Database;
use crate::statement::{Values, run};

async fn in_memory() -> Arc<Database> {
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    let options = SqliteOptions::new();
    let database = Database::open("a database".into(), None, &options, runtime);
    Arc::new(database.await.unwrap())
}

/// SQLite's own end of the disk.
async fn allow(database: &Database, pages: u64) {
    let mut held = database.writer.take().await.unwrap();
    let limit = AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    run(held.connection().unwrap(), limit, Values::default()).await.unwrap();
}

fn stream() -> StreamId {
    StreamId::parse("disk", "a").unwrap()
}

async fn append(database: &Arc<Database>, version: u64) -> GroupOutcome {
    let events = vec![samples::carrying(version, &"x".repeat(2000))];
    let group = asynx_core::store::AppendGroup {
        stream: stream(),
        events,
    };
    let groups = Arc::new([
        group,
        samples::group(&StreamId::parse("disk", "b").unwrap(), version, 1),
    ]);
    Arc::clone(database).append(groups).await.remove(0)
}

fn is_full(error: &StoreError) {
    let told = "the disk is full: nothing more can be written to a database; free some space";
    assert_eq!(error.to_string(), told);
    assert!(!error.is_transient());
    assert!(std::error::Error::source(error).is_some());
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_of_the_append_is_stored() {
    let database = in_memory().await;
    allow(&database, 60).await;
    let mut stored = 0;
    let error = loop {
        match append(&database, stored + 1).await {
            GroupOutcome { stopped: None, .. } => stored += 1,
            GroupOutcome { stopped, .. } => break stopped.unwrap(),
        }
    };
    let AppendError::NotApplied(error) = error else {
        panic!("{error:?}")
    };
    is_full(&error);
    assert!(stored > 10, "{stored}");
    for id in ["a", "b"] {
        let stream = StreamId::parse("disk", id).unwrap();
        assert_eq!(database.count(&stream, Version::FIRST).await.unwrap(), stored);
    }
    // Other writes say the same.
    let put = "BEGIN IMMEDIATE; INSERT INTO asynx_snapshots VALUES (1, 1, 1, ?); COMMIT";
    is_full(
        &database
            .write(put, Values::default().blob(&[0; 9000]))
            .await
            .unwrap_err(),
    );
    // And as soon as there is space it goes on.
    allow(&database, 1000).await;
    let outcome = append(&database, stored + 1).await;
    assert!(outcome.stopped.is_none(), "{outcome:?}");
}
