use std::sync::Arc;

use asynx_core::StoreError;
use asynx_core::store::{AppendError, AppendGroup, GroupOutcome};
use asynx_lanes::inline::changed;
use sqlx::sqlite::SqliteRow;

use crate::database::Database;
use crate::inline::{Failed, Way};
use crate::plan::{Looked, Plan};
use crate::statement::Values;
use crate::write::Uncommitted;
use crate::{insert, json, row};

/// Begins, and asks all that decides: who holds leases, where the log ends, the last stream's number, of each event
/// how far its stream has come and whether that has its id already, and how often the inline projections changed. Unknown
/// streams give nothing.
///
/// One row, since each row is a message from the connection's thread. `CROSS JOIN` and `INDEXED BY` leave the planner no
/// choice: statistics that were taken while the tables were small must not make it scan them.
pub(crate) const LOOK: &str = "BEGIN IMMEDIATE;
SELECT (
    SELECT l.category FROM json_each(?1) AS f CROSS JOIN asynx_leases AS l
    WHERE l.category = f.value ->> 0 AND l.generation <> f.value ->> 1
), (
    SELECT seq FROM sqlite_sequence WHERE name = 'asynx_events'
), (
    SELECT max(stream) FROM asynx_streams
), (
    SELECT json_group_array(json_array(q.key, s.stream, s.version, e.version))
    FROM json_each(?2) AS q
    CROSS JOIN asynx_streams AS s INDEXED BY asynx_streams_by_name
        ON s.category = q.value ->> 0 AND s.aggregate_id = q.value ->> 1
    LEFT JOIN asynx_events AS e INDEXED BY asynx_events_by_id
        ON e.event_id = unhex(q.value ->> 2) AND e.stream = s.stream
), (
    SELECT changes FROM asynx_inline_changes WHERE only_row = 1
)";

impl Database {
    /// Appends groups of different streams in one transaction, each wholly or not at all (S1-S6).
    ///
    /// Where it fails, it fails for all of them: the lanes then find out which one is to blame.
    pub(crate) async fn append(self: Arc<Self>, groups: Arc<[AppendGroup]>) -> Vec<GroupOutcome> {
        let error = match self.try_append(&groups, Way::Plain).await {
            Ok(outcomes) => return outcomes,
            Err(Failed::All(error)) => error,
            Err(Failed::One(error)) => AppendError::NotApplied(error),
        };
        groups.iter().map(|_| GroupOutcome::none(error.clone())).collect()
    }

    pub(crate) async fn try_append(&self, groups: &[AppendGroup], way: Way<'_>) -> Result<Vec<GroupOutcome>, Failed> {
        let roster = self.inline.roster();
        if let Some(objection) = roster.objection(groups, matches!(way, Way::Inline(_))) {
            return Err(Failed::One(objection));
        }
        let values = Values::default()
            .text(self.leases.fences(groups))
            .text(questions(groups));
        let begun = self.begin(LOOK, values).await;
        let (writing, answers) = begun.map_err(not_applied)?;
        let looked = row::only(&answers).and_then(|answer| {
            let changes = row::number(answer, 4)?;
            Ok((changes, self.looked(answer, groups)?))
        });
        let plan = match looked {
            Ok((changes, looked)) if changes == roster.changes => Plan::new(groups, &looked),
            Ok(_) => {
                writing.roll_back().await;
                self.learn().await.map_err(not_applied)?;
                return Err(not_applied(changed()));
            }
            Err(error) => {
                writing.roll_back().await;
                return Err(not_applied(error));
            }
        };
        if plan.is_empty() {
            writing.roll_back().await;
            return Ok(plan.into_outcomes());
        }
        if let Way::Inline(store) = way {
            self.commit_inline(writing, &plan, store).await?;
            return Ok(plan.into_outcomes());
        }
        match insert::commit(writing, &plan).await {
            Ok(()) => {
                self.growth.announce();
                Ok(plan.into_outcomes())
            }
            Err(Uncommitted::No(error)) => Err(not_applied(error)),
            Err(Uncommitted::Unknown(error)) => Err(Failed::All(AppendError::Unknown(error))),
        }
    }

    /// Reads the answer; nothing may be stored under a lease that somebody else was given meanwhile.
    fn looked(&self, answer: &SqliteRow, groups: &[AppendGroup]) -> Result<Looked, StoreError> {
        if let Some(category) = row::optional_text(answer, 0)? {
            self.leases.lose(&category);
            return Err(StoreError::permanent(format!(
                "the lease of {category:?} was taken over by another process: nothing is appended under it any more"
            )));
        }
        Looked::read(answer, groups)
    }
}

fn not_applied(error: StoreError) -> Failed {
    Failed::All(AppendError::NotApplied(error))
}

/// One entry per event: its stream and its id.
fn questions(groups: &[AppendGroup]) -> String {
    let events = groups
        .iter()
        .flat_map(|group| group.events.iter().map(|event| (&group.stream, event.event_id)));
    let questions: Vec<_> = events
        .map(|(stream, event_id)| {
            let id = event_id.as_uuid().simple();
            (stream.category.as_str(), stream.aggregate_id.as_str(), id.to_string())
        })
        .collect();
    json::text(&questions)
}
