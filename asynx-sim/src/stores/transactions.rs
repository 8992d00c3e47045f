use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome};
use asynx_core::{Runtime, StoreError, StreamId};

/// Appends as a naive database does: a transaction has its number when it begins to write, locks each head it moves
/// until its end, and looks at the newest head once it has the lock. The log is ordered by transaction.
///
/// Nothing here keeps the order of transactions and the order of versions the same but the lanes above it.
pub(crate) struct Transactions {
    runtime: Arc<dyn Runtime>,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    last_transaction: u64,
    heads: BTreeMap<StreamId, u64>,
    locked: BTreeMap<StreamId, u64>,
    /// Transaction, stream, version.
    log: Vec<(u64, StreamId, u64)>,
}

impl Transactions {
    pub(crate) fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self {
            runtime,
            tables: Mutex::default(),
        }
    }

    /// All that is stored, in the order in which readers of the log see it.
    pub(crate) fn log(&self) -> Vec<(u64, StreamId, u64)> {
        let mut log = self.lock().log.clone();
        // Stable: within a transaction it stays.
        log.sort_by_key(|(transaction, ..)| *transaction);
        log
    }

    pub(crate) async fn append(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        self.wait(300).await;
        if self.runtime.entropy().is_multiple_of(40) {
            let error = StoreError::transient("on purpose");
            return vec![GroupOutcome::none(AppendError::NotApplied(error)); groups.len()];
        }
        let transaction = {
            let mut tables = self.lock();
            tables.last_transaction += 1;
            tables.last_transaction
        };
        let mut ordered: Vec<usize> = (0..groups.len()).collect();
        ordered.sort_by_key(|at| &groups[*at].stream);
        let mut won = vec![false; groups.len()];
        for at in ordered {
            let group = &groups[at];
            self.take(&group.stream, transaction).await;
            self.wait(100).await;
            let base = group.events.first().map_or(0, |event| event.version.get() - 1);
            won[at] = self.lock().heads.get(&group.stream).copied().unwrap_or(0) == base;
        }
        self.wait(500).await;
        let mut tables = self.lock();
        for (group, _) in groups.iter().zip(&won).filter(|(_, won)| **won) {
            for event in &group.events {
                tables.heads.insert(group.stream.clone(), event.version.get());
                tables
                    .log
                    .push((transaction, group.stream.clone(), event.version.get()));
            }
        }
        tables.locked.retain(|_, owner| *owner != transaction);
        let outcomes = groups.iter().zip(won).map(|(group, won)| {
            if won {
                return GroupOutcome {
                    applied: vec![None; group.events.len()],
                    stopped: None,
                };
            }
            GroupOutcome::none(AppendError::Conflict)
        });
        outcomes.collect()
    }

    async fn take(&self, stream: &StreamId, transaction: u64) {
        loop {
            {
                let mut tables = self.lock();
                if *tables.locked.entry(stream.clone()).or_insert(transaction) == transaction {
                    return;
                }
            }
            self.wait(100).await;
        }
    }

    async fn wait(&self, most: u64) {
        let time = Duration::from_micros(1 + self.runtime.entropy() % most);
        self.runtime.sleep(time).await;
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
