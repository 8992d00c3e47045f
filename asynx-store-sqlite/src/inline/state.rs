use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock};

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, LogEvent};
use asynx_core::{Runtime, Store, StoreError};
use asynx_lanes::inline::{InlineSet, Roster, Route, Work};
use asynx_lanes::{LaneOptions, Lanes};

use crate::database::Database;
use crate::error::is_busy;
use crate::{SqliteStore, SqliteTransaction};

/// The inline projections of this process, and what it knows of those of the file.
#[derive(Default)]
pub(crate) struct Inline {
    pub(crate) set: InlineSet<SqliteTransaction>,
    pub(super) without: HashSet<String>,
    roster: RwLock<Arc<Roster>>,
}

impl Inline {
    pub(crate) fn new(set: InlineSet<SqliteTransaction>, without: HashSet<String>) -> Self {
        Self {
            set,
            without,
            roster: RwLock::default(),
        }
    }

    pub(crate) fn roster(&self) -> Arc<Roster> {
        self.roster.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn know(&self, roster: Roster) {
        let mut known = self.roster.write().unwrap_or_else(PoisonError::into_inner);
        if roster.changes >= known.changes {
            *known = Arc::new(roster);
        }
    }
}

/// What inline projections read the store by: it has no lanes of its own.
pub(crate) fn reading(database: &Arc<Database>, runtime: &Arc<dyn Runtime>) -> Arc<dyn Store> {
    let refusing = || {
        Lanes::new(runtime.clone(), LaneOptions::default(), |groups: Arc<[AppendGroup]>| {
            Box::pin(async move {
                let error = StoreError::permanent("an inline projection appends no events");
                vec![GroupOutcome::none(AppendError::NotApplied(error)); groups.len()]
            })
        })
    };
    Arc::new(SqliteStore::of(
        Arc::clone(database),
        refusing(),
        refusing(),
        None,
        Arc::clone(runtime),
    ))
}

impl Database {
    pub(super) fn work<'a>(&'a self, store: &'a Arc<dyn Store>, events: &'a [LogEvent]) -> Work<'a> {
        Work {
            runtime: &self.patience.runtime,
            store,
            events,
            timeout: None,
            replayed: false,
            undone: "nothing was written",
            is_transient: |cause: &(dyn Error + 'static)| cause.downcast_ref().is_some_and(is_busy),
        }
    }
}

impl SqliteStore {
    /// Appends groups, those of each category by its route.
    pub(crate) async fn append_by_route(&self, groups: Vec<AppendGroup>) -> Vec<GroupOutcome> {
        let roster = self.database().inline.roster();
        let mut outcomes: Vec<Option<GroupOutcome>> = vec![None; groups.len()];
        let (mut plain, mut inline) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        for (at, group) in groups.into_iter().enumerate() {
            let route = match roster.route(&group.stream.category) {
                Route::Plain => &mut plain,
                Route::Inline => &mut inline,
                Route::Refused(error) => {
                    outcomes[at] = Some(GroupOutcome::none(AppendError::NotApplied(error)));
                    continue;
                }
            };
            route.0.push(at);
            route.1.push(group);
        }
        let (of_plain, of_inline) = futures::join!(self.lanes().append(plain.1), self.inline_lanes().append(inline.1));
        let answered = plain.0.into_iter().zip(of_plain);
        for (at, outcome) in answered.chain(inline.0.into_iter().zip(of_inline)) {
            outcomes[at] = Some(outcome);
        }
        let lost = || GroupOutcome::none(AppendError::Unknown(StoreError::permanent("the append had no outcome")));
        let outcomes = outcomes.into_iter();
        outcomes.map(|outcome| outcome.unwrap_or_else(lost)).collect()
    }
}
