use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, PoisonError, RwLock};

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, LogEvent};
use asynx_core::{Store, StoreError};
use asynx_lanes::inline::{InlineSet, Roster, Route, Work};
use asynx_lanes::{LaneOptions, Lanes};
use sqlx::{Postgres, Transaction};

use crate::PostgresStore;
use crate::error::is_transient;
use crate::store::Shared;

pub(crate) type Tx = Transaction<'static, Postgres>;

/// The inline projections of this process, and what it knows of those of the database.
pub(crate) struct Inline {
    pub(crate) set: InlineSet<Tx>,
    pub(super) without: HashSet<String>,
    roster: RwLock<Arc<Roster>>,
}

impl Inline {
    pub(crate) fn new(set: InlineSet<Tx>, without: HashSet<String>) -> Self {
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
pub(crate) struct Reading;

impl Reading {
    pub(crate) fn of(shared: &Arc<Shared>) -> Arc<dyn Store> {
        let refusing = || {
            Lanes::new(
                shared.runtime.clone(),
                LaneOptions::default(),
                |groups: Arc<[AppendGroup]>| {
                    Box::pin(async move {
                        let error = StoreError::permanent("an inline projection appends no events");
                        let refused = GroupOutcome::none(AppendError::NotApplied(error));
                        vec![refused; groups.len()]
                    })
                },
            )
        };
        Arc::new(PostgresStore::of(shared.clone(), refusing(), refusing(), None))
    }
}

impl Shared {
    pub(super) fn work<'a>(&'a self, store: &'a Arc<dyn Store>, events: &'a [LogEvent]) -> Work<'a> {
        Work {
            runtime: &self.runtime,
            store,
            events,
            timeout: None,
            replayed: false,
            undone: "nothing was written",
            is_transient: |cause: &(dyn Error + 'static)| cause.downcast_ref().is_some_and(is_transient),
        }
    }
}

impl PostgresStore {
    /// Appends groups, those of each category by its route.
    pub(crate) async fn append_by_route(&self, groups: Vec<AppendGroup>) -> Vec<GroupOutcome> {
        let roster = self.shared.inline.roster();
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
        let (of_plain, of_inline) = futures::join!(self.lanes.append(plain.1), self.inline_lanes.append(inline.1));
        for (at, outcome) in plain
            .0
            .into_iter()
            .zip(of_plain)
            .chain(inline.0.into_iter().zip(of_inline))
        {
            outcomes[at] = Some(outcome);
        }
        let lost = || GroupOutcome::none(AppendError::Unknown(StoreError::permanent("the append had no outcome")));
        outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(lost))
            .collect()
    }
}
