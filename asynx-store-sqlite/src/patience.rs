use std::sync::Arc;
use std::time::Duration;

use asynx_core::Runtime;
use sqlx::SqlSafeStr;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::is_busy;
use crate::statement::{Failed, Values, run};

/// How long to try again what other processes hold up.
///
/// Ours, because SQLite's own waits block the connection's thread and all wait for the same times, so that those who
/// met once meet again.
#[derive(Clone)]
pub(crate) struct Patience {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) timeout: Duration,
}

const FIRST_WAIT: Duration = Duration::from_micros(200);
const LONGEST_WAIT: Duration = Duration::from_millis(4);

impl Patience {
    pub(crate) const fn begin(&self) -> Waiting<'_> {
        Waiting {
            patience: self,
            left: self.timeout,
            next: FIRST_WAIT,
        }
    }

    /// Runs a text; again, while its first statement finds the database locked.
    pub(crate) async fn run(
        &self,
        connection: &mut SqliteConnection,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Vec<Vec<SqliteRow>>, Failed> {
        let sql = sql.into_sql_str();
        let mut waiting = self.begin();
        loop {
            match run(connection, sql.clone(), values.clone()).await {
                Err(failed) if failed.after == 0 && is_busy(&failed.error) && waiting.go_on().await => {}
                ended => return ended,
            }
        }
    }
}

/// One time of being patient.
pub(crate) struct Waiting<'a> {
    patience: &'a Patience,
    left: Duration,
    next: Duration,
}

impl Waiting<'_> {
    /// Waits a while, half of it by chance. False where there is no more patience.
    pub(crate) async fn go_on(&mut self) -> bool {
        if self.left.is_zero() {
            return false;
        }
        let runtime = &self.patience.runtime;
        let wait = jittered(self.next, runtime.entropy()).min(self.left);
        self.left -= wait;
        self.next = (self.next * 2).min(LONGEST_WAIT);
        runtime.sleep(wait).await;
        true
    }
}

/// From half of a wait to all of it.
fn jittered(wait: Duration, entropy: u64) -> Duration {
    let half = wait / 2;
    let share = (entropy >> 32) as u32;
    half + half.mul_f64(f64::from(share) / f64::from(u32::MAX))
}
