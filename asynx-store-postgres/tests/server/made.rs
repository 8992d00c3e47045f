use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::AssertSqlSafe;

use super::{TOKIO, connect, run, url_of};

/// A database or a role of one test, removed at its end.
pub(crate) struct Made {
    kind: &'static str,
    pub(crate) name: String,
}

impl Made {
    pub(crate) async fn database(how: &str) -> Self {
        Self::new("database", how).await
    }

    /// A role whose password is `asynx`.
    pub(crate) async fn role(how: &str) -> Self {
        Self::new("role", &format!("password 'asynx' {how}")).await
    }

    async fn new(kind: &'static str, how: &str) -> Self {
        let name = unique(kind);
        run(&mut connect().await, &format!("create {kind} {name} {how}")).await;
        Self { kind, name }
    }

    /// The server's URL with this role or database.
    pub(crate) fn url(&self) -> String {
        match self.kind {
            "role" => url_of(Some(&self.name), None),
            _ => url_of(None, Some(&self.name)),
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let name = &self.name;
        clean_up(match self.kind {
            "role" => vec![format!("drop owned by {name} cascade"), format!("drop role {name}")],
            _ => vec![format!("drop database if exists {name} with (force)")],
        });
    }
}

/// A name that no other test has.
pub(crate) fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("asynx_test_{what}_{}_{count}", std::process::id())
}

/// Runs statements on a thread of its own: this may be within a task.
pub(crate) fn clean_up(statements: Vec<String>) {
    let cleaned = std::thread::spawn(move || {
        TOKIO.block_on(async {
            let mut connection = connect().await;
            for statement in statements {
                let statement = sqlx::raw_sql(AssertSqlSafe(statement));
                statement.execute(&mut connection).await?;
            }
            Ok::<(), sqlx::Error>(())
        })
    });
    if !std::thread::panicking() {
        let cleaned = cleaned.join().expect("the thread ends");
        cleaned.expect("the server lets the test clean up");
    }
}
