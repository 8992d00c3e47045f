use std::collections::{HashMap, HashSet};

use asynx_core::store::LogEvent;
use uuid::Uuid;

use super::table::Table;

/// An event, as the log and the tables tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) id: Uuid,
    pub(super) stream: String,
    pub(super) version: i64,
}

impl Event {
    pub(super) fn of(event: &LogEvent) -> Self {
        Self {
            id: event.event_id.as_uuid(),
            stream: event.stream.to_string(),
            version: event.version.get().cast_signed(),
        }
    }
}

/// What is wrong with a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// How many events of the log are there.
    pub(super) applied: u64,
    pub(super) lost: u64,
    /// Written more than once where that must not be; of a detached projection, what is left when each id counts once.
    pub(super) twice: u64,
    /// Written again, by one that may.
    pub(super) repeated: u64,
    /// Written for the first time behind a later one: of the same stream, or of the log where there are no partitions
    /// and each is written once.
    pub(super) disordered: u64,
    /// Not in the log like that.
    pub(super) unasked: u64,
    /// Some of them in words.
    pub(super) examples: Vec<String>,
}

/// More would not be read.
const EXAMPLES: usize = 5;

impl Verdict {
    pub(super) fn is_sound(&self) -> bool {
        self.lost + self.twice + self.disordered + self.unasked == 0
    }

    fn example(&mut self, what: &str, event: &Event) {
        if self.examples.len() < EXAMPLES {
            let Event { id, stream, version } = event;
            self.examples
                .push(format!("{what}: version {version} of {stream}, event {id}"));
        }
    }
}

/// Holds a table, in the order in which it was written, against the log.
pub(super) fn judge(table: Table, log: &[Event], rows: &[Event]) -> Verdict {
    let mut verdict = Verdict::default();
    let places: HashMap<Uuid, usize> = log.iter().enumerate().map(|(place, event)| (event.id, place)).collect();
    let mut seen = vec![false; log.len()];
    let mut slots = HashSet::new();
    let mut versions: HashMap<&str, i64> = HashMap::new();
    let mut last = None;
    for row in rows {
        let place = places.get(&row.id).copied();
        if let Some(place) = place.filter(|place| seen[*place]) {
            if table.transactional || log[place] != *row {
                verdict.twice += 1;
                verdict.example("twice", row);
            } else {
                verdict.repeated += 1;
            }
            continue;
        }
        if !slots.insert((&*row.stream, row.version)) {
            verdict.twice += 1;
            verdict.example("twice", row);
        }
        let Some(place) = place.filter(|place| log[*place] == *row) else {
            verdict.unasked += 1;
            verdict.example("not in the log", row);
            continue;
        };
        seen[place] = true;
        verdict.applied += 1;
        let before = versions.insert(&row.stream, row.version);
        let whole = table.transactional && table.partitions == 1;
        if before > Some(row.version) || (whole && last > Some(place)) {
            verdict.disordered += 1;
            verdict.example("disordered", row);
        }
        last = Some(place);
    }
    for (event, _) in log.iter().zip(&seen).filter(|(_, seen)| !**seen) {
        verdict.lost += 1;
        verdict.example("lost", event);
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::table::TABLES;

    const TRANSACTIONAL: Table = TABLES[0];
    const DETACHED: Table = TABLES[1];
    const PARTITIONED: Table = TABLES[2];

    /// Two streams that take turns.
    fn log() -> Vec<Event> {
        let events = (0..6_u8).map(|at| Event {
            id: Uuid::from_bytes([at; 16]),
            stream: if at.is_multiple_of(2) { "even" } else { "odd" }.to_owned(),
            version: i64::from(at / 2 + 1),
        });
        events.collect()
    }

    /// Applied, lost, twice, repeated, disordered, unasked.
    fn counts(table: Table, change: impl FnOnce(&mut Vec<Event>)) -> [u64; 6] {
        let mut rows = log();
        change(&mut rows);
        let verdict = judge(table, &log(), &rows);
        let wrong = verdict.lost + verdict.twice + verdict.disordered + verdict.unasked;
        assert_eq!(verdict.is_sound(), wrong == 0);
        assert_eq!(verdict.examples.is_empty(), wrong == 0);
        [
            verdict.applied,
            verdict.lost,
            verdict.twice,
            verdict.repeated,
            verdict.disordered,
            verdict.unasked,
        ]
    }

    #[test]
    fn the_same_is_sound() {
        for table in TABLES {
            assert_eq!(counts(table, |_| {}), [6, 0, 0, 0, 0, 0]);
        }
    }

    #[test]
    fn what_is_missing_is_lost() {
        for table in TABLES {
            assert_eq!(counts(table, |rows| drop(rows.remove(2))), [5, 1, 0, 0, 0, 0]);
        }
    }

    #[test]
    fn only_a_detached_one_may_write_again() {
        let again = |rows: &mut Vec<Event>| rows.extend(log()[3..].to_vec());
        assert_eq!(counts(TRANSACTIONAL, again), [6, 0, 3, 0, 0, 0]);
        assert_eq!(counts(PARTITIONED, again), [6, 0, 3, 0, 0, 0]);
        assert_eq!(counts(DETACHED, again), [6, 0, 0, 3, 0, 0]);
    }

    #[test]
    fn another_event_in_the_place_of_one_is_told() {
        let other = |rows: &mut Vec<Event>| rows[5].id = Uuid::from_bytes([9; 16]);
        assert_eq!(counts(DETACHED, other), [5, 1, 0, 0, 0, 1]);
        let besides = |rows: &mut Vec<Event>| {
            let id = Uuid::from_bytes([9; 16]);
            rows.push(Event { id, ..rows[5].clone() });
        };
        assert_eq!(counts(DETACHED, besides), [6, 0, 1, 0, 0, 1]);
    }

    #[test]
    fn disorder_is_of_streams_or_of_the_log() {
        let streams = |rows: &mut Vec<Event>| rows.swap(0, 1);
        assert_eq!(counts(TRANSACTIONAL, streams), [6, 0, 0, 0, 1, 0]);
        assert_eq!(counts(DETACHED, streams), [6, 0, 0, 0, 0, 0]);
        assert_eq!(counts(PARTITIONED, streams), [6, 0, 0, 0, 0, 0]);
        let versions = |rows: &mut Vec<Event>| rows.swap(0, 2);
        assert_eq!(counts(DETACHED, versions), [6, 0, 0, 0, 1, 0]);
    }
}
