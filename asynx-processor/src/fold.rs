use std::sync::Arc;

use asynx_core::patch::{Document, Patch, Tape};
use asynx_core::store::{Snapshot, StoredEvent};
use asynx_core::{Aggregate, Caught, Error, Record, SchemaVersion, Stage, StreamId, Upcast, Version, catch};

use crate::held::{Held, Life};

/// Folds the events of one stream, in order and without gaps.
pub(crate) struct Fold {
    stream: StreamId,
    upcast: Arc<dyn Upcast>,
    document: Document,
    head: Option<Version>,
    floor: Option<Version>,
    events: usize,
}

impl Fold {
    /// Begins after the floor, where nothing lives.
    pub(crate) fn after(stream: &StreamId, upcast: &Arc<dyn Upcast>, floor: Option<Version>) -> Self {
        Self {
            stream: stream.clone(),
            upcast: Arc::clone(upcast),
            document: Document::default(),
            head: floor,
            floor,
            events: 0,
        }
    }

    /// Begins at a snapshot; what is wrong with it otherwise.
    pub(crate) fn at(
        stream: &StreamId,
        upcast: &Arc<dyn Upcast>,
        floor: Option<Version>,
        snapshot: &Snapshot,
    ) -> Result<Self, String> {
        let document = Document::parse(&snapshot.document).map_err(|error| error.to_string())?;
        Ok(Self {
            stream: stream.clone(),
            upcast: Arc::clone(upcast),
            document,
            head: Some(snapshot.version),
            floor,
            events: 0,
        })
    }

    pub(crate) fn head(&self) -> Option<Version> {
        self.head
    }

    pub(crate) fn floor(&self) -> Option<Version> {
        self.floor
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.document.is_absent()
    }

    /// Checks and decodes the record of an event that is due next.
    pub(crate) fn decode(&self, event: &StoredEvent) -> Result<Record, Error> {
        let expected = Version::after(self.head);
        if event.version != expected {
            return Err(Error::Gap {
                stream: self.stream.clone(),
                expected,
                found: event.version,
            });
        }
        decode(&self.stream, self.upcast.current(), event)
    }

    /// Applies the event that is due next.
    pub(crate) fn apply(&mut self, record: &Record) -> Result<(), Error> {
        if record.event_name.is_tombstone() {
            self.document = Document::default();
            self.floor = Some(record.version);
        } else if record.schema_version < self.upcast.current() {
            let patch = self.upcasted(record)?;
            let applied = self.document.apply_patch(&patch);
            applied.map_err(|error| self.unfoldable(record.version, &error))?;
        } else {
            let applied = self.document.apply(&record.patch);
            applied.map_err(|error| self.unfoldable(record.version, &error))?;
        }
        self.head = Some(record.version);
        self.events += 1;
        Ok(())
    }

    /// Lets versions pass that have been erased: the next event is this one.
    pub(crate) fn skip_to(&mut self, version: Version) {
        self.document = Document::default();
        self.head = version.previous();
    }

    fn upcasted(&self, record: &Record) -> Result<Patch, Error> {
        let patch = Patch::parse(&record.patch).map_err(|error| self.unfoldable(record.version, &error))?;
        let upcast = || self.upcast.upcast(&record.event_name, record.schema_version, patch);
        match catch(upcast) {
            Ok(Ok(patch)) => Ok(patch),
            Ok(Err(source)) => Err(Error::Upcast {
                stream: self.stream.clone(),
                version: record.version,
                source,
            }),
            Err(panic) => Err(self.panicked(Stage::Upcast, panic)),
        }
    }

    fn unfoldable(&self, version: Version, reason: &dyn std::fmt::Display) -> Error {
        Error::Unfoldable {
            stream: self.stream.clone(),
            version,
            reason: reason.to_string(),
        }
    }

    /// The aggregate as it is now.
    pub(crate) fn state<A: Aggregate>(&self) -> Result<Option<Caught<Arc<A>>>, Error> {
        if self.document.is_absent() {
            return Ok(None);
        }
        self.decoded(&self.document.to_vec()).map(Some)
    }

    fn decoded<A: Aggregate>(&self, text: &[u8]) -> Result<Caught<Arc<A>>, Error> {
        let version = self.head.unwrap_or(Version::FIRST);
        match catch(|| serde_json::from_slice::<A>(text)) {
            Ok(Ok(state)) => Ok(Caught::new(Arc::new(state))),
            Ok(Err(error)) => Err(self.unfoldable(version, &error)),
            Err(panic) => Err(self.panicked(Stage::Deserialize, panic)),
        }
    }

    fn panicked(&self, stage: Stage, panic: asynx_core::Panic) -> Error {
        Error::panicked(&self.stream, stage, panic)
    }

    /// Everything that the next command needs.
    pub(crate) fn hold<A: Aggregate>(&self) -> Result<Held<A>, Error> {
        let life = match self.document.is_absent() {
            true => None,
            false => Some(self.live()?),
        };
        Ok(Held {
            head: self.head,
            floor: self.floor,
            life,
        })
    }

    fn live<A: Aggregate>(&self) -> Result<Life<A>, Error> {
        let version = self.head.unwrap_or(Version::FIRST);
        let text = self.document.to_vec();
        let state = self.decoded::<A>(&text)?;
        let tape = match catch(|| Tape::of(&**state)) {
            Ok(Ok(tape)) => tape,
            Ok(Err(error)) => return Err(self.unfoldable(version, &error)),
            Err(panic) => return Err(self.panicked(Stage::Serialize, panic)),
        };
        let document = Tape::parse(&text).map_err(|error| self.unfoldable(version, &error))?;
        let document = (!document.same(&tape)).then(|| Arc::new(document));
        Ok(Life {
            state,
            tape: Arc::new(tape),
            document,
            since_snapshot: self.events,
        })
    }
}

/// Checks and decodes a record of a stream.
pub(crate) fn decode(stream: &StreamId, known: SchemaVersion, event: &StoredEvent) -> Result<Record, Error> {
    let corrupt = |source| Error::Corrupt {
        stream: stream.clone(),
        version: event.version,
        source,
    };
    let record = Record::decode(&event.record).map_err(corrupt)?;
    if record.version != event.version {
        return Err(corrupt(asynx_core::RecordError::Malformed {
            reason: format!("it says that it is version {}", record.version),
        }));
    }
    if record.schema_version > known {
        return Err(Error::SchemaNewer {
            stream: stream.clone(),
            version: event.version,
            found: record.schema_version,
            known,
        });
    }
    Ok(record)
}
