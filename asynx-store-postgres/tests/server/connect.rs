use std::sync::LazyLock;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

/// One for all tests of a file, whose connections outlive each of them.
pub(crate) static TOKIO: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Runtime::new().expect("a tokio runtime"));

/// The URL of the server: `cargo xtask test` starts one.
pub(crate) fn url() -> String {
    std::env::var("ASYNX_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "these tests need PostgreSQL: run `cargo xtask test`, or set ASYNX_TEST_POSTGRES to the URL of a server \
             where schemas may be made, such as postgres://postgres@localhost/postgres"
        )
    })
}

/// The same with another role, whose password is `asynx`, or another database.
pub(crate) fn url_of(role: Option<&str>, database: Option<&str>) -> String {
    let mut options: PgConnectOptions = url().parse().expect("a URL");
    if let Some(role) = role {
        options = options.username(role).password("asynx");
    }
    if let Some(database) = database {
        options = options.database(database);
    }
    // What sqlx adds, other programs do not know.
    let whole = options.to_url_lossy().to_string();
    let address = whole.split('?').next().unwrap_or_default();
    match url().split_once('?') {
        Some((_, query)) => format!("{address}?{query}"),
        None => address.to_owned(),
    }
}

pub(crate) async fn connect() -> PgConnection {
    connect_to(&url()).await
}

pub(crate) async fn connect_to(url: &str) -> PgConnection {
    let connected = PgConnection::connect(url).await;
    connected.expect("the server takes connections")
}

pub(crate) async fn run(connection: &mut PgConnection, sql: &str) {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    sql.execute(connection).await.expect("the statement runs");
}

/// Waits for a backend that a lock of this connection blocks.
pub(crate) async fn blocked_by(connection: &mut PgConnection) -> i32 {
    // Not pg_stat_activity, which stays the same within a transaction.
    let blocked =
        "select pid from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid)) limit 1";
    loop {
        let pid = sqlx::query_scalar(blocked).fetch_optional(&mut *connection).await;
        match pid.expect("the server tells what is blocked") {
            Some(pid) => return pid,
            None => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
}
