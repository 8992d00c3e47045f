use std::time::Duration;

use asynx_core::Runtime as _;
use asynx_testkit::ThreadRuntime;
use tokio::time::sleep;

use crate::process::say;

/// Where it would hurt most to be killed or paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amid {
    /// A batch is about to be handled.
    Before,
    /// It was handled, and that is not committed or kept yet.
    After,
}

impl Amid {
    /// What a process says when it is there.
    pub(super) fn word(self, table: &str) -> String {
        match self {
            Self::Before => format!("before {table}"),
            Self::After => format!("after {table}"),
        }
    }
}

/// Once in so many times it stays for a while.
const NOW_AND_THEN: u64 = 20;
const LONG: Duration = Duration::from_millis(60);

/// Stays for a while, now and then, and says so.
pub(super) async fn linger(amid: Amid, table: &str) {
    if ThreadRuntime.entropy().is_multiple_of(NOW_AND_THEN) {
        say(&amid.word(table));
        sleep(LONG).await;
    }
}
