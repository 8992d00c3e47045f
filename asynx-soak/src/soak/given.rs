use std::collections::HashMap;

use anyhow::{Context as _, Result};
use asynx_core::{EventId, EventName, Position, StreamId, Version};

/// An event of the log: what was acknowledged of it, or what a reader was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Given {
    pub(super) position: Position,
    pub(super) stream: u32,
    pub(super) version: Version,
    pub(super) event_id: EventId,
    pub(super) name: u32,
}

/// The streams and event names that occur, by number: there are many events.
#[derive(Default)]
pub(super) struct Names {
    streams: Numbered<StreamId>,
    events: Numbered<EventName>,
}

impl Names {
    pub(super) fn number(&mut self, stream: &StreamId, name: &EventName) -> (u32, u32) {
        (self.streams.number(stream), self.events.number(name))
    }

    pub(super) fn stream(&self, given: &Given) -> &StreamId {
        &self.streams.all[given.stream as usize]
    }

    pub(super) fn name(&self, given: &Given) -> &EventName {
        &self.events.all[given.name as usize]
    }

    pub(super) fn streams(&self) -> &[StreamId] {
        &self.streams.all
    }

    pub(super) fn describe(&self, given: &Given) -> String {
        let stream = self.stream(given);
        format!("{stream} version {} at {}", given.version, given.position)
    }

    /// An event in words, for another process.
    pub(super) fn tell(&self, given: &Given) -> String {
        tell(
            self.stream(given),
            self.name(given),
            given.version,
            given.event_id,
            Some(given.position),
        )
    }

    /// Understands what [`tell`] said; without a position where that is not known.
    pub(super) fn told(&mut self, words: &str) -> Result<Told> {
        let mut understood = || -> Option<Told> {
            let mut words = words.split(' ');
            let stream = StreamId::parse(words.next()?, words.next()?).ok()?;
            let name = EventName::parse_stored(words.next()?).ok()?;
            let version = Version::new(words.next()?.parse().ok()?)?;
            let event_id = EventId::from_uuid(words.next()?.parse().ok()?);
            let position = words.next()?.parse().ok();
            let (stream, name) = self.number(&stream, &name);
            Some(Told {
                stream,
                name,
                version,
                event_id,
                position,
            })
        };
        understood().with_context(|| format!("`{words}` is no event"))
    }
}

/// An event that may not be stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) stream: u32,
    pub(super) name: u32,
    pub(super) version: Version,
    pub(super) event_id: EventId,
    pub(super) position: Option<Position>,
}

impl Told {
    pub(super) const fn at(self, position: Position) -> Given {
        Given {
            position,
            stream: self.stream,
            version: self.version,
            event_id: self.event_id,
            name: self.name,
        }
    }
}

/// An event in words, for another process. The names of these programs have no blanks.
pub(super) fn tell(
    stream: &StreamId,
    name: &EventName,
    version: Version,
    event_id: EventId,
    position: Option<Position>,
) -> String {
    let position = position.map_or_else(|| "-".to_owned(), |position| position.to_string());
    let StreamId { category, aggregate_id } = stream;
    format!("{category} {aggregate_id} {name} {version} {event_id} {position}")
}

struct Numbered<T> {
    numbers: HashMap<T, u32>,
    all: Vec<T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            all: Vec::new(),
        }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Numbered<T> {
    fn number(&mut self, thing: &T) -> u32 {
        if let Some(number) = self.numbers.get(thing) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.numbers.insert(thing.clone(), number);
        self.all.push(thing.clone());
        number
    }
}
