//! What false answers there are to a true one.

use asynx_core::store::{AppendError, FoundEvent, GroupOutcome, Head, Loaded, StoredEvent};
use asynx_core::{EventId, Position, StoreError, Version};
use asynx_testkit::ThreadRuntime;
use bytes::Bytes;

/// Lies with their names.
pub(crate) type Lies<T> = Vec<(String, T)>;

/// An answer about which lies can be told.
pub(crate) trait Lie: Sized {
    /// False answers, each in one way.
    fn lies(&self) -> Lies<Self>;

    /// What is answered when the call was made and succeeded, without making it.
    fn pretended() -> Option<Self> {
        None
    }
}

pub(super) fn changed<T: Clone>(truth: &T, how: &str, change: impl FnOnce(&mut T)) -> (String, T) {
    let mut lie = truth.clone();
    change(&mut lie);
    (how.to_owned(), lie)
}

/// Of a list: too short, too long, in another order, or with an element that is false.
pub(super) fn of_list<T: Clone>(truth: &[T], sample: Option<T>, of_one: impl Fn(&T) -> Lies<T>) -> Lies<Vec<T>> {
    let truth = truth.to_vec();
    let mut lies = Vec::new();
    if let Some(sample) = sample {
        lies.push(changed(&truth, "one more", |list| list.push(sample)));
    }
    let Some(last) = truth.len().checked_sub(1) else {
        return lies;
    };
    lies.push(changed(&truth, "without the last", |list| drop(list.pop())));
    lies.push(changed(&truth, "the last twice", |list| {
        list.extend_from_within(last..)
    }));
    if last > 0 {
        lies.push(changed(&truth, "without the first", |list| drop(list.remove(0))));
        lies.push(changed(&truth, "turned round", |list| list.reverse()));
    }
    let places = [("first", 0), ("second", 1), ("last", last)];
    for (place, at) in places.into_iter().filter(|(_, at)| *at <= last) {
        for (how, one) in of_one(&truth[at]) {
            lies.push(changed(&truth, &format!("{place}: {how}"), |list| list[at] = one));
        }
    }
    lies
}

pub(super) fn version(number: u64) -> Version {
    Version::new(number).expect("a version")
}

pub(super) fn other_version(truth: &mut Option<Version>) {
    *truth = truth.map_or_else(|| Version::new(1), |version| Some(version.next()));
}

pub(super) fn other_position(truth: &mut Option<Position>) {
    let [epoch, transaction, number] = truth.map_or([0, 1, 1], |position| position.parts());
    *truth = Some(Position::new([epoch, transaction, number.wrapping_add(1)]));
}

pub(super) fn other_bytes(truth: &Bytes) -> Bytes {
    Bytes::from([truth, &b"#"[..]].concat())
}

impl<T: Lie + Clone> Lie for Result<T, StoreError> {
    fn lies(&self) -> Lies<Self> {
        let errors = [
            ("fails for good", StoreError::permanent("a lie")),
            ("fails", StoreError::transient("a lie")),
        ];
        let mut lies: Lies<Self> = errors.map(|(how, error)| (how.to_owned(), Err(error))).into();
        match self {
            Ok(truth) => lies.extend(truth.lies().into_iter().map(|(how, lie)| (how, Ok(lie)))),
            Err(_) => lies.extend(T::pretended().map(|lie| ("succeeds".to_owned(), Ok(lie)))),
        }
        lies
    }

    fn pretended() -> Option<Self> {
        T::pretended().map(Ok)
    }
}

impl Lie for Result<Option<Position>, AppendError> {
    fn lies(&self) -> Lies<Self> {
        let id = EventId::generate(&ThreadRuntime);
        let errors = [
            ("conflicts", AppendError::Conflict),
            ("is a duplicate", AppendError::Duplicate { event_id: id }),
            (
                "is not applied",
                AppendError::NotApplied(StoreError::transient("a lie")),
            ),
            (
                "is not applied for good",
                AppendError::NotApplied(StoreError::permanent("a lie")),
            ),
            ("is unknown", AppendError::Unknown(StoreError::transient("a lie"))),
        ];
        let mut lies: Lies<Self> = errors.map(|(how, error)| (how.to_owned(), Err(error))).into();
        match self {
            Ok(truth) => lies.extend(truth.lies().into_iter().map(|(how, lie)| (how, Ok(lie)))),
            Err(_) => lies.extend(Self::pretended().map(|lie| ("succeeds".to_owned(), lie))),
        }
        lies
    }

    fn pretended() -> Option<Self> {
        Some(Ok(Some(Position::new([0, 1, 1]))))
    }
}

impl Lie for Vec<GroupOutcome> {
    fn lies(&self) -> Lies<Self> {
        of_list(self, Some(GroupOutcome::none(AppendError::Conflict)), |outcome| {
            let mut lies = vec![
                changed(outcome, "conflicts", |outcome| {
                    outcome.stopped = Some(AppendError::Conflict)
                }),
                changed(outcome, "is unknown", |outcome| {
                    outcome.stopped = Some(AppendError::Unknown(StoreError::transient("a lie")));
                }),
                changed(outcome, "is not applied", |outcome| {
                    *outcome = GroupOutcome::none(AppendError::NotApplied(StoreError::transient("a lie")));
                }),
                changed(outcome, "did not stop", |outcome| outcome.stopped = None),
                changed(outcome, "one more applied", |outcome| {
                    outcome.applied.push(Some(Position::new([0, 1, 1])));
                }),
                changed(outcome, "one fewer applied", |outcome| {
                    outcome.applied.pop();
                }),
                changed(outcome, "other position", |outcome| {
                    outcome.applied.first_mut().map(other_position).unwrap_or_default();
                }),
            ];
            if let Some(AppendError::Duplicate { .. }) = outcome.stopped {
                lies.push(changed(outcome, "of another id", |outcome| {
                    let event_id = EventId::generate(&ThreadRuntime);
                    outcome.stopped = Some(AppendError::Duplicate { event_id });
                }));
            }
            lies
        })
    }
}

impl Lie for () {
    fn lies(&self) -> Lies<Self> {
        Vec::new()
    }

    fn pretended() -> Option<Self> {
        Some(())
    }
}

impl Lie for bool {
    fn lies(&self) -> Lies<Self> {
        vec![("the other".to_owned(), !self)]
    }

    fn pretended() -> Option<Self> {
        Some(true)
    }
}

impl Lie for u64 {
    fn lies(&self) -> Lies<Self> {
        let more = ("one more".to_owned(), self + 1);
        let fewer = self.checked_sub(1).map(|fewer| ("one fewer".to_owned(), fewer));
        std::iter::once(more).chain(fewer).collect()
    }
}

impl Lie for Option<Position> {
    fn lies(&self) -> Lies<Self> {
        vec![
            changed(self, "other position", other_position),
            changed(self, "no position", |position| *position = None),
            changed(self, "the farthest position", |position| {
                *position = Some(Position::new([i64::MAX as u64; 3]));
            }),
        ]
    }

    fn pretended() -> Option<Self> {
        Some(Some(Position::new([0, 1, 1])))
    }
}

impl Lie for Vec<StoredEvent> {
    fn lies(&self) -> Lies<Self> {
        let sample = StoredEvent {
            version: self.last().map_or(version(1), |last| last.version.next()),
            position: None,
            record: Bytes::from_static(b"{}"),
        };
        of_list(self, Some(sample), |event| {
            vec![
                changed(event, "other version", |event| event.version = event.version.next()),
                changed(event, "other bytes", |event| event.record = other_bytes(&event.record)),
                changed(event, "other position", |event| other_position(&mut event.position)),
                changed(event, "no position", |event| event.position = None),
            ]
        })
    }

    fn pretended() -> Option<Self> {
        Some(Vec::new())
    }
}

impl Lie for Vec<Head> {
    fn lies(&self) -> Lies<Self> {
        let sample = FoundEvent {
            version: version(1),
            position: None,
            record: Some(Bytes::from_static(b"{}")),
        };
        of_list(self, Some(Head::default()), |head| {
            let mut lies = vec![
                changed(head, "other version", |head| other_version(&mut head.version)),
                changed(head, "no version", |head| head.version = None),
                changed(head, "other floor", |head| other_version(&mut head.floor)),
                changed(head, "no floor", |head| head.floor = None),
                changed(head, "erasing", |head| head.erasing = !head.erasing),
            ];
            let Some(found) = &head.found else {
                lies.push(changed(head, "found", |head| head.found = Some(sample.clone())));
                return lies;
            };
            let mut but = |how: &str, change: &dyn Fn(&mut FoundEvent)| {
                let mut found = found.clone();
                change(&mut found);
                lies.push(changed(head, how, |head| head.found = Some(found)));
            };
            but("found as another version", &|found| {
                found.version = found.version.next()
            });
            but("found elsewhere", &|found| other_position(&mut found.position));
            but("found with other bytes", &|found| {
                let bytes = found.record.as_ref();
                found.record = Some(bytes.map_or_else(|| Bytes::from_static(b"{}"), other_bytes));
            });
            but("found without record", &|found| found.record = None);
            lies.push(changed(head, "not found", |head| head.found = None));
            lies
        })
    }

    fn pretended() -> Option<Self> {
        Some(Vec::new())
    }
}

impl Lie for Vec<Loaded> {
    fn lies(&self) -> Lies<Self> {
        of_list(self, Some(Loaded::default()), |loaded| {
            let mut lies = vec![
                changed(loaded, "other head", |loaded| other_version(&mut loaded.head)),
                changed(loaded, "other floor", |loaded| other_version(&mut loaded.floor)),
                changed(loaded, "more", |loaded| loaded.more = !loaded.more),
            ];
            let events = loaded.events.lies().into_iter();
            lies.extend(
                events.map(|(how, events)| changed(loaded, &format!("events: {how}"), |loaded| loaded.events = events)),
            );
            let snapshots = loaded.snapshot.lies().into_iter();
            lies.extend(snapshots.map(|(how, snapshot)| {
                changed(loaded, &format!("snapshot: {how}"), |loaded| loaded.snapshot = snapshot)
            }));
            lies
        })
    }

    fn pretended() -> Option<Self> {
        Some(Vec::new())
    }
}
