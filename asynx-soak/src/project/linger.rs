use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use asynx_core::Runtime as _;
use asynx_testkit::ThreadRuntime;
use tokio::time::{Instant, sleep};

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
/// And whenever it has not for so long: on a slow machine the next time may be far.
const SELDOM: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_millis(60);

static STAYED: Mutex<BTreeMap<String, Instant>> = Mutex::new(BTreeMap::new());

/// Stays for a while, now and then, and says so.
pub(super) async fn linger(amid: Amid, table: &str) {
    let word = amid.word(table);
    if ThreadRuntime.entropy().is_multiple_of(NOW_AND_THEN) || is_due(&word) {
        STAYED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(word.clone(), Instant::now());
        say(&word);
        sleep(LONG).await;
    }
}

fn is_due(word: &str) -> bool {
    let stayed = STAYED.lock().unwrap_or_else(PoisonError::into_inner);
    stayed.get(word).is_none_or(|at| at.elapsed() > SELDOM)
}
