use std::collections::HashSet;

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, NewEvent};
use asynx_core::{StoreError, Version};
use sqlx::sqlite::SqliteRow;

use crate::row;

/// What the database says about the groups of an append.
pub(crate) struct Looked {
    last_position: i64,
    last_stream: i64,
    /// One per group.
    groups: Vec<Found>,
}

/// What is there of the stream of a group.
#[derive(Clone, Default)]
struct Found {
    stream: Option<i64>,
    head: Option<Version>,
    /// Which events of the group the stream has already.
    taken: Vec<usize>,
}

impl Looked {
    /// Reads the answers to an append's questions.
    ///
    pub(crate) fn read(statements: &[Vec<SqliteRow>], groups: &[AppendGroup]) -> Result<Self, StoreError> {
        let [_begun, _leases, ends, streams] = statements else {
            return Err(StoreError::permanent(
                "SQLite gave fewer answers than there are questions",
            ));
        };
        let ends = row::only(std::slice::from_ref(ends))?;
        let mut looked = Self {
            last_position: row::optional_number(ends, 0)?.unwrap_or(0),
            last_stream: row::optional_number(ends, 1)?.unwrap_or(0),
            groups: vec![Found::default(); groups.len()],
        };
        let places: Vec<_> = places(groups).collect();
        for answer in streams {
            let Some(&(group, event)) = places.get(row::index(answer, 0)?) else {
                continue;
            };
            let found = &mut looked.groups[group];
            found.stream = Some(row::number(answer, 1)?);
            found.head = row::optional_version(answer, 2)?;
            if row::optional_number(answer, 3)?.is_some() {
                found.taken.push(event);
            }
        }
        Ok(looked)
    }
}

/// Of each event in order, its group and its place in that.
fn places(groups: &[AppendGroup]) -> impl Iterator<Item = (usize, usize)> {
    let groups = groups.iter().enumerate();
    groups.flat_map(|(group, of)| (0..of.events.len()).map(move |event| (group, event)))
}

/// What an append does, and what it will answer.
pub(crate) struct Plan<'a> {
    pub(crate) appends: Vec<GroupAppend<'a>>,
    outcomes: Vec<GroupOutcome>,
}

/// A group that is to be stored.
pub(crate) struct GroupAppend<'a> {
    pub(crate) group: &'a AppendGroup,
    /// Its stream's number.
    pub(crate) stream: i64,
    pub(crate) is_new: bool,
    /// The position of its first event.
    pub(crate) position: i64,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(groups: &'a [AppendGroup], looked: &Looked) -> Self {
        let mut next_position = looked.last_position + 1;
        let mut next_stream = looked.last_stream + 1;
        let mut plan = Self {
            appends: Vec::with_capacity(groups.len()),
            outcomes: Vec::with_capacity(groups.len()),
        };
        for (group, found) in groups.iter().zip(&looked.groups) {
            if let Err(reason) = check(&group.events, found) {
                plan.outcomes.push(GroupOutcome::none(reason));
                continue;
            }
            let position = next_position;
            next_position += group.events.len() as i64;
            plan.outcomes.push(GroupOutcome {
                applied: (position..next_position)
                    .map(|number| Some(row::position_of(number.unsigned_abs())))
                    .collect(),
                stopped: None,
            });
            if group.events.is_empty() {
                continue;
            }
            let stream = found.stream.unwrap_or(next_stream);
            next_stream += i64::from(found.stream.is_none());
            plan.appends.push(GroupAppend {
                group,
                stream,
                is_new: found.stream.is_none(),
                position,
            });
        }
        plan
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.appends.is_empty()
    }

    pub(crate) fn into_outcomes(self) -> Vec<GroupOutcome> {
        self.outcomes
    }
}

/// What makes a group wrong in itself or for its stream: a gap, then a taken id (S5), then a version that does not
/// follow on the head (S1).
fn check(events: &[NewEvent], found: &Found) -> Result<(), AppendError> {
    if let Some([one, other]) = events
        .array_windows()
        .find(|[one, other]| other.version != one.version.next())
    {
        return Err(AppendError::NotApplied(StoreError::permanent(format!(
            "version {} follows on version {} in one group",
            other.version, one.version
        ))));
    }
    let mut ids = HashSet::with_capacity(events.len());
    let taken = |&(place, event): &(usize, &NewEvent)| !ids.insert(event.event_id) || found.taken.contains(&place);
    if let Some((_, event)) = events.iter().enumerate().find(taken) {
        return Err(AppendError::Duplicate {
            event_id: event.event_id,
        });
    }
    match events.first() {
        Some(first) if first.version != Version::after(found.head) => Err(AppendError::Conflict),
        _ => Ok(()),
    }
}
