use std::collections::HashSet;
use std::sync::Arc;

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, NewEvent};
use asynx_core::{Category, Position, Store, StoreError, StreamId};
use asynx_lanes::inline::changed;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use crate::error::{append_error, is_outdated, not_sent, store_error};
use crate::inline::Failed;
use crate::store::Shared;

/// By which way groups are appended.
pub(crate) enum Way<'a> {
    /// One statement, which is a transaction.
    Plain,
    /// In a transaction with the inline projections, which read this store.
    Inline(&'a Arc<dyn Store>),
}

impl Shared {
    /// Appends groups of different streams, each wholly or not at all, in one statement.
    pub(crate) async fn append(self: &Arc<Self>, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        match self.append_by(groups, Way::Plain).await {
            Ok(outcomes) => outcomes,
            Err(error) => vec![GroupOutcome::none(AppendError::NotApplied(error)); groups.len()],
        }
    }

    /// Appends groups in one transaction. An error: one of them is to blame, and nothing of any is stored.
    pub(crate) async fn append_by(
        self: &Arc<Self>,
        groups: &[AppendGroup],
        way: Way<'_>,
    ) -> Result<Vec<GroupOutcome>, StoreError> {
        // Before anything is awaited: a lease that is lost from now on was held when this was begun.
        let fences = self.fences.of(groups);
        let roster = self.inline.roster();
        if let Some(objection) = roster.objection(groups, matches!(way, Way::Inline(_))) {
            return Err(objection);
        }
        let mut outcomes: Vec<Option<GroupOutcome>> = groups.iter().map(refused).collect();
        let open: Vec<usize> = (0..groups.len()).filter(|&at| outcomes[at].is_none()).collect();
        let sound: Vec<&AppendGroup> = open.iter().map(|&at| &groups[at]).collect();
        if !sound.is_empty() {
            let sent = match way {
                Way::Plain => self.send(&sound, &fences, roster.changes).await.map_err(Failed::All),
                Way::Inline(store) => self.send_inline(&sound, &fences, roster.changes, store).await,
            };
            let answers = match sent {
                Ok(answers) => answers,
                Err(Failed::All(error)) => vec![GroupOutcome::none(error); sound.len()],
                Err(Failed::One(error)) => return Err(error),
            };
            for (at, answer) in open.into_iter().zip(answers) {
                outcomes[at] = Some(answer);
            }
            self.appended();
        }
        let conflict = || GroupOutcome::none(AppendError::Conflict);
        Ok(outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(conflict))
            .collect())
    }

    async fn send(
        &self,
        groups: &[&AppendGroup],
        fences: &[(Category, i64)],
        changes: i64,
    ) -> Result<Vec<GroupOutcome>, AppendError> {
        let mut connection = self.connections.lanes.take().await.map_err(not_sent)?;
        let sent = match self.statement(&mut connection, groups, fences, changes).await {
            Err(error) if is_outdated(&error) => Err(AppendError::NotApplied(self.explained(error).await)),
            sent => sent.map_err(append_error),
        };
        match &sent {
            Ok(_) => self.connections.lanes.give_back(connection),
            // Whatever is left on it is nobody's any more, and the others may be lost as well.
            Err(AppendError::Unknown(_)) => {
                drop(connection);
                self.connections.lanes.distrust();
            }
            // It may be what is wrong: its statements, say, which a pooler has mixed up.
            Err(_) => drop(connection),
        }
        sent
    }

    /// Learns of a change of the inline projections where that is what an append failed for.
    pub(crate) async fn explained(&self, error: sqlx::Error) -> StoreError {
        if !is_outdated(&error) {
            return store_error(error);
        }
        match self.learn().await {
            Ok(()) => changed(),
            Err(failed) => failed,
        }
    }

    pub(crate) async fn statement(
        &self,
        connection: &mut PgConnection,
        groups: &[&AppendGroup],
        fences: &[(Category, i64)],
        changes: i64,
    ) -> Result<Vec<GroupOutcome>, sqlx::Error> {
        match groups {
            [AppendGroup { stream, events }] if events.len() == 1 && fences.is_empty() => {
                self.send_one(connection, stream, &events[0], changes).await
            }
            _ => self.send_batch(connection, groups, fences, changes).await,
        }
    }

    async fn send_one(
        &self,
        connection: &mut PgConnection,
        stream: &StreamId,
        event: &NewEvent,
        changes: i64,
    ) -> Result<Vec<GroupOutcome>, sqlx::Error> {
        let floor = if event.event_name.is_tombstone() {
            event.version.as_i64()
        } else {
            0
        };
        let row = sqlx::query(self.statements.append_one.get())
            .bind(stream.category.as_str())
            .bind(stream.aggregate_id.as_str())
            .bind(event.version.as_i64())
            .bind(floor)
            .bind(event.event_id.as_uuid())
            .bind(event.event_name.as_str())
            .bind(event.occurred_at.as_micros())
            .bind(&event.record[..])
            .bind(changes)
            .fetch_one(connection)
            .await?;
        let (duplicate, applied): (bool, bool) = (row.try_get(2)?, row.try_get(3)?);
        Ok(vec![if applied {
            GroupOutcome {
                applied: vec![Some(position(&row, 0, 1)?)],
                stopped: None,
            }
        } else if duplicate {
            let event_id = event.event_id;
            GroupOutcome::none(AppendError::Duplicate { event_id })
        } else {
            GroupOutcome::none(AppendError::Conflict)
        }])
    }

    async fn send_batch(
        &self,
        connection: &mut PgConnection,
        groups: &[&AppendGroup],
        fences: &[(Category, i64)],
        changes: i64,
    ) -> Result<Vec<GroupOutcome>, sqlx::Error> {
        let columns = Columns::of(groups);
        let statement = if fences.is_empty() {
            &self.statements.append_batch
        } else {
            &self.statements.append_fenced
        };
        let mut query = sqlx::query(statement.get())
            .bind(columns.category)
            .bind(columns.aggregate_id)
            .bind(columns.expected)
            .bind(columns.last)
            .bind(columns.floor)
            .bind(columns.version)
            .bind(columns.event_id)
            .bind(columns.event_name)
            .bind(columns.occurred_at)
            .bind(columns.record)
            .bind(changes);
        if !fences.is_empty() {
            let (categories, generations): (Vec<&str>, Vec<i64>) = fences
                .iter()
                .map(|(category, generation)| (category.as_str(), *generation))
                .unzip();
            query = query.bind(categories).bind(generations);
        }
        let mut outcomes: Vec<Option<GroupOutcome>> = vec![None; groups.len()];
        for row in query.fetch_all(connection).await? {
            let (ord, applied): (i64, bool) = (row.try_get(0)?, row.try_get(1)?);
            let Some(&(at, index)) = usize::try_from(ord - 1).ok().and_then(|ord| columns.place.get(ord)) else {
                return Err(sqlx::Error::Protocol(format!("event {ord} was not in the append")));
            };
            let events = &groups[at].events;
            outcomes[at] = Some(if applied {
                // The row is that of the group's last event.
                let first = ord - index as i64;
                let positions = (first..=ord).map(|seq| position(&row, 2, seq).map(Some));
                GroupOutcome {
                    applied: positions.collect::<Result<_, _>>()?,
                    stopped: None,
                }
            } else {
                let earlier = outcomes[at].take().and_then(|earlier| match earlier.stopped {
                    Some(AppendError::Duplicate { event_id }) => events.iter().position(|one| one.event_id == event_id),
                    _ => None,
                });
                let event_id = events[earlier.unwrap_or(index).min(index)].event_id;
                GroupOutcome::none(AppendError::Duplicate { event_id })
            });
        }
        let conflict = || GroupOutcome::none(AppendError::Conflict);
        Ok(outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(conflict))
            .collect())
    }
}

/// What makes a group wrong in itself.
fn refused(group: &AppendGroup) -> Option<GroupOutcome> {
    if group.events.is_empty() {
        return Some(GroupOutcome {
            applied: Vec::new(),
            stopped: None,
        });
    }
    for pair in group.events.windows(2) {
        if pair[1].version != pair[0].version.next() {
            return Some(GroupOutcome::none(AppendError::NotApplied(StoreError::permanent(
                format!(
                    "version {} follows on version {} in one group",
                    pair[1].version, pair[0].version
                ),
            ))));
        }
    }
    let mut seen = HashSet::with_capacity(group.events.len());
    let twice = group.events.iter().find(|event| !seen.insert(event.event_id))?;
    let event_id = twice.event_id;
    Some(GroupOutcome::none(AppendError::Duplicate { event_id }))
}

/// The events of all groups, column by column.
#[derive(Default)]
struct Columns<'a> {
    category: Vec<&'a str>,
    aggregate_id: Vec<&'a str>,
    expected: Vec<i64>,
    last: Vec<i64>,
    floor: Vec<i64>,
    version: Vec<i64>,
    event_id: Vec<sqlx::types::Uuid>,
    event_name: Vec<&'a str>,
    occurred_at: Vec<i64>,
    record: Vec<&'a [u8]>,
    /// Of each event, its group and its place in there.
    place: Vec<(usize, usize)>,
}

impl<'a> Columns<'a> {
    fn of(groups: &[&'a AppendGroup]) -> Self {
        let mut columns = Self::default();
        for (at, group) in groups.iter().enumerate() {
            let (Some(first), Some(last)) = (group.events.first(), group.events.last()) else {
                continue;
            };
            let tombstones = group.events.iter().filter(|event| event.event_name.is_tombstone());
            let floor = tombstones.map(|event| event.version.as_i64()).max().unwrap_or(0);
            for (index, event) in group.events.iter().enumerate() {
                columns.category.push(group.stream.category.as_str());
                columns.aggregate_id.push(group.stream.aggregate_id.as_str());
                columns.expected.push(first.version.as_i64() - 1);
                columns.last.push(last.version.as_i64());
                columns.floor.push(floor);
                columns.version.push(event.version.as_i64());
                columns.event_id.push(event.event_id.as_uuid());
                columns.event_name.push(event.event_name.as_str());
                columns.occurred_at.push(event.occurred_at.as_micros());
                columns.record.push(&event.record);
                columns.place.push((at, index));
            }
        }
        columns
    }
}

/// The position of a transaction, which a row has from a column on, and a place in it.
fn position(row: &PgRow, from: usize, seq: i64) -> Result<Position, sqlx::Error> {
    let (epoch, tx): (i32, i64) = (row.try_get(from)?, row.try_get(from + 1)?);
    Ok(crate::log::position(epoch, tx, seq))
}
