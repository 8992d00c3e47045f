//! What false answers there are to a true one, of capabilities.

use asynx_core::store::{Checkpoint, HeldLease, LogEvent, LogPage, ParkedEvent, PendingErasure, Snapshot};
use asynx_core::{EventId, EventName, Position, SchemaVersion, StreamId, Timestamp};
use asynx_testkit::ThreadRuntime;
use bytes::Bytes;

use super::answer::{Lie, Lies, changed, of_list, other_bytes, other_position, version};

impl Lie for Checkpoint {
    fn lies(&self) -> Lies<Self> {
        vec![
            changed(self, "higher fence", |kept| kept.fence += 1),
            changed(self, "no fence", |kept| kept.fence = 0),
            changed(self, "other position", |kept| other_position(&mut kept.position)),
            changed(self, "no position", |kept| kept.position = None),
        ]
    }

    fn pretended() -> Option<Self> {
        Some(Self {
            position: None,
            fence: 1,
        })
    }
}

impl Lie for Option<Checkpoint> {
    fn lies(&self) -> Lies<Self> {
        match self {
            None => vec![("is there".to_owned(), Checkpoint::pretended())],
            Some(kept) => {
                let lies = kept.lies().into_iter().map(|(how, lie)| (how, Some(lie)));
                lies.chain([("is not there".to_owned(), None)]).collect()
            }
        }
    }

    fn pretended() -> Option<Self> {
        Some(None)
    }
}

impl Lie for Option<Snapshot> {
    fn lies(&self) -> Lies<Self> {
        let sample = Snapshot {
            version: version(1),
            schema_version: SchemaVersion::FIRST,
            document: Bytes::from_static(b"{}"),
        };
        match self {
            None => vec![("is there".to_owned(), Some(sample))],
            Some(truth) => vec![
                ("is not there".to_owned(), None),
                changed(self, "other bytes", |lie| {
                    *lie = Some(Snapshot {
                        document: other_bytes(&truth.document),
                        ..truth.clone()
                    });
                }),
                changed(self, "other version", |lie| {
                    *lie = Some(Snapshot {
                        version: truth.version.next(),
                        ..truth.clone()
                    });
                }),
            ],
        }
    }

    fn pretended() -> Option<Self> {
        Some(None)
    }
}

impl Lie for Option<u64> {
    fn lies(&self) -> Lies<Self> {
        match self {
            None => vec![("is there".to_owned(), Some(1))],
            Some(number) => vec![
                ("is not there".to_owned(), None),
                ("is one more".to_owned(), Some(number + 1)),
                ("is one fewer".to_owned(), Some(number - 1)),
            ],
        }
    }

    fn pretended() -> Option<Self> {
        Some(Some(1))
    }
}

impl Lie for Vec<HeldLease> {
    fn lies(&self) -> Lies<Self> {
        let sample = HeldLease {
            name: "lies".to_owned(),
            holder: "a liar".to_owned(),
        };
        of_list(self, Some(sample), |held| {
            vec![changed(held, "other holder", |held| held.holder.push('!'))]
        })
    }

    fn pretended() -> Option<Self> {
        Some(Vec::new())
    }
}

impl Lie for Vec<ParkedEvent> {
    fn lies(&self) -> Lies<Self> {
        let sample = ParkedEvent {
            position: Position::new([7, 7, 7]),
            stream: StreamId::parse("lies", "a").expect("valid names"),
            version: version(1),
            event_id: EventId::generate(&ThreadRuntime),
            event_name: EventName::parse_stored("Lie").expect("a valid name"),
            error: String::new(),
            attempts: 1,
            parked_at: Timestamp::UNIX_EPOCH,
        };
        of_list(self, Some(sample), |parked| {
            vec![
                changed(parked, "other error", |parked| parked.error.push('!')),
                changed(parked, "other attempts", |parked| parked.attempts -= 1),
            ]
        })
    }

    fn pretended() -> Option<Self> {
        Some(Vec::new())
    }
}

impl Lie for Vec<PendingErasure> {
    fn lies(&self) -> Lies<Self> {
        let sample = PendingErasure {
            stream: StreamId::parse("lies", "a").expect("valid names"),
            tombstone: version(1),
        };
        of_list(self, Some(sample), |pending| {
            vec![changed(pending, "other version", |pending| {
                pending.tombstone = pending.tombstone.next();
            })]
        })
    }

    fn pretended() -> Option<Self> {
        Some(Vec::new())
    }
}

impl Lie for LogPage {
    fn lies(&self) -> Lies<Self> {
        let sample = self.events.last().map(|last| {
            let mut sample = last.clone();
            let mut position = Some(last.position);
            other_position(&mut position);
            sample.position = position.unwrap_or(last.position);
            sample
        });
        let sample = sample.unwrap_or_else(|| LogEvent {
            position: Position::new([0, 1, 1]),
            stream: StreamId::parse("lies", "a").expect("valid names"),
            version: version(1),
            event_id: EventId::generate(&ThreadRuntime),
            event_name: EventName::parse_stored("Lie").expect("a valid name"),
            occurred_at: Timestamp::UNIX_EPOCH,
            record: None,
        });
        let events = of_list(&self.events, Some(sample), |event| {
            vec![
                changed(event, "other version", |event| event.version = event.version.next()),
                changed(event, "other id", |event| {
                    event.event_id = EventId::generate(&ThreadRuntime)
                }),
                changed(event, "other name", |event| {
                    event.event_name = EventName::parse_stored("Lie").expect("a valid name");
                }),
                changed(event, "tombstone", |event| event.event_name = EventName::tombstone()),
                changed(event, "other time", |event| {
                    event.occurred_at = Timestamp::from_micros(1)
                }),
                changed(event, "other stream", |event| {
                    event.stream = StreamId::parse(event.stream.category.as_str(), "lie").expect("valid names");
                }),
                changed(event, "no record", |event| event.record = None),
                changed(event, "other bytes", |event| {
                    let bytes = event.record.as_ref();
                    event.record = Some(bytes.map_or_else(|| Bytes::from_static(b"{}"), other_bytes));
                }),
            ]
        });
        let events = events.into_iter().map(|(how, events)| {
            changed(self, &format!("events: {how}"), |page| {
                page.next = page.next.max(events.last().map(|last| last.position));
                page.events = events;
            })
        });
        let rest = [
            changed(self, "no next", |page| page.next = None),
            changed(self, "not at end", |page| page.at_end = false),
            changed(self, "at end", |page| page.at_end = true),
            changed(self, "empty", |page| page.events.clear()),
            changed(self, "stays", |page| {
                page.at_end = false;
                page.events.clear();
                page.next = None;
            }),
        ];
        events.chain(rest).collect()
    }

    fn pretended() -> Option<Self> {
        Some(Self::default())
    }
}
