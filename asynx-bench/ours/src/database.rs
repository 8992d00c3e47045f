//! Databases for single runs: each begins with an empty one, so that none pays for what another left.

use bench_workload::Arguments;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Makes one, and prints what the server is.
pub(crate) async fn create(arguments: &Arguments) {
    let name = arguments.get("name", String::new());
    let mut server = PgConnection::connect(&Arguments::database()).await.unwrap();
    let fsync: String = sqlx::query_scalar("show fsync").fetch_one(&mut server).await.unwrap();
    let commit: String = sqlx::query_scalar("show synchronous_commit")
        .fetch_one(&mut server)
        .await
        .unwrap();
    assert_eq!((&*fsync, &*commit), ("on", "on"), "what is told to be durable must be");
    let version: String = sqlx::query_scalar("show server_version")
        .fetch_one(&mut server)
        .await
        .unwrap();
    server
        .execute(AssertSqlSafe(format!("create database {name}")))
        .await
        .unwrap();
    // What earlier runs wrote is on disk before this one begins.
    server.execute("checkpoint").await.unwrap();
    println!("{version}");
}

pub(crate) async fn remove(arguments: &Arguments) {
    let name = arguments.get("name", String::new());
    let mut server = PgConnection::connect(&Arguments::database()).await.unwrap();
    server
        .execute(AssertSqlSafe(format!("drop database {name} with (force)")))
        .await
        .unwrap();
}
