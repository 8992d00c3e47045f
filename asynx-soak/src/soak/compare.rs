use std::collections::{HashMap, HashSet};
use std::ops::AddAssign;

use super::given::{Given, Names};

/// What is wrong with what a reader was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Stored, and not given.
    pub(super) lost: u64,
    /// Given more than once.
    pub(super) twice: u64,
    /// Given behind a later position or version.
    pub(super) disordered: u64,
    /// Given, and never stored like that.
    pub(super) unasked: u64,
    /// Some of them in words.
    pub(super) examples: Vec<String>,
}

/// More would not be read.
const EXAMPLES: usize = 10;

impl Verdict {
    pub(super) fn is_sound(&self) -> bool {
        self.lost + self.twice + self.disordered + self.unasked == 0
    }

    pub(super) fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(text());
        }
    }
}

impl AddAssign for Verdict {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.twice += other.twice;
        self.disordered += other.disordered;
        self.unasked += other.unasked;
        let room = EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.into_iter().take(room));
    }
}

/// Holds what was given against what is stored.
pub(super) fn compare(names: &Names, stored: &[Given], given: &[Given]) -> Verdict {
    let mut verdict = ordered(names, given);
    if stored == given {
        return verdict;
    }
    let wanted: HashSet<&Given> = stored.iter().collect();
    let mut seen = HashSet::with_capacity(given.len());
    for one in given {
        if !wanted.contains(one) {
            verdict.unasked += 1;
            verdict.example(|| format!("unasked: {}", names.describe(one)));
        } else if !seen.insert(one) {
            verdict.twice += 1;
            verdict.example(|| format!("twice: {}", names.describe(one)));
        }
    }
    for one in stored.iter().filter(|one| !seen.contains(one)) {
        verdict.lost += 1;
        verdict.example(|| format!("lost: {}", names.describe(one)));
    }
    verdict
}

/// Whether positions ascend, and the versions of each stream. What comes twice at once is told elsewhere.
fn ordered(names: &Names, given: &[Given]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut versions = HashMap::new();
    let mut last = None;
    for one in given {
        let before = versions.insert(one.stream, one.version);
        if last > Some(one.position) || before > Some(one.version) {
            verdict.disordered += 1;
            verdict.example(|| format!("disordered: {}", names.describe(one)));
        }
        last = Some(one.position);
    }
    verdict
}

#[cfg(test)]
mod tests {
    use asynx_core::{EventId, EventName, Position, StreamId, Version};
    use asynx_testkit::ThreadRuntime;

    use super::*;

    fn log() -> (Names, Vec<Given>) {
        let mut names = Names::default();
        let name = EventName::parse("Happened").unwrap();
        let events = (1..=6).map(|at: u64| {
            let stream = StreamId::parse("account", if at.is_multiple_of(2) { "even" } else { "odd" }).unwrap();
            let (stream, name) = names.number(&stream, &name);
            Given {
                position: Position::new([0, at, 1]),
                stream,
                version: Version::new(at.div_ceil(2)).unwrap(),
                event_id: EventId::generate(&ThreadRuntime),
                name,
            }
        });
        let events = events.collect();
        (names, events)
    }

    fn counts(given: impl FnOnce(&mut Vec<Given>)) -> [u64; 4] {
        let (names, stored) = log();
        let mut changed = stored.clone();
        given(&mut changed);
        let verdict = compare(&names, &stored, &changed);
        let counts = [verdict.lost, verdict.twice, verdict.disordered, verdict.unasked];
        assert_eq!(verdict.is_sound(), counts == [0; 4]);
        assert_eq!(verdict.examples.is_empty(), counts == [0; 4]);
        counts
    }

    #[test]
    fn the_same_is_sound() {
        assert_eq!(counts(|_| {}), [0; 4]);
    }

    #[test]
    fn what_is_missing_is_lost() {
        assert_eq!(counts(|given| given.truncate(5)), [1, 0, 0, 0]);
        assert_eq!(counts(|given| given.clear()), [6, 0, 0, 0]);
    }

    #[test]
    fn what_comes_again_is_told() {
        assert_eq!(counts(|given| given.insert(3, given[2])), [0, 1, 0, 0]);
        // Behind its successor it is out of order too.
        assert_eq!(counts(|given| given.push(given[4])), [0, 1, 1, 0]);
    }

    #[test]
    fn a_change_of_places_is_disorder() {
        assert_eq!(counts(|given| given.swap(1, 2)), [0, 0, 1, 0]);
    }

    #[test]
    fn an_event_that_is_not_as_it_was_acknowledged_is_unasked() {
        assert_eq!(
            counts(|given| given[5].position = Position::new([0, 9, 1])),
            [1, 0, 0, 1]
        );
        let other = EventId::generate(&ThreadRuntime);
        assert_eq!(counts(|given| given[0].event_id = other), [1, 0, 0, 1]);
    }
}
