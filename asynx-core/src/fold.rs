use std::sync::Arc;

use crate::patch::{Document, Patch};
use crate::store::{Snapshot, StoredEvent};
use crate::{Aggregate, Caught, Error, Panic, Record, SchemaVersion, Stage, StreamId, Upcast, Version, catch};

/// Folds the events of one stream to the document that they stand for, in order and without gaps: what the write path
/// and every reader of stored events replay by.
pub struct Fold {
    stream: StreamId,
    upcast: Arc<dyn Upcast>,
    document: Document,
    head: Option<Version>,
    floor: Option<Version>,
    events: usize,
}

impl Fold {
    /// Begins after the floor, where nothing lives.
    #[must_use]
    pub fn after(stream: &StreamId, upcast: &Arc<dyn Upcast>, floor: Option<Version>) -> Self {
        Self {
            stream: stream.clone(),
            upcast: Arc::clone(upcast),
            document: Document::default(),
            head: floor,
            floor,
            events: 0,
        }
    }

    /// Begins at a snapshot.
    ///
    /// # Errors
    /// What is wrong with the snapshot.
    pub fn at(
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

    /// The newest event that was applied, or what it began after.
    #[must_use]
    pub const fn head(&self) -> Option<Version> {
        self.head
    }

    /// The newest tombstone.
    #[must_use]
    pub const fn floor(&self) -> Option<Version> {
        self.floor
    }

    /// Whether there is a document.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.document.is_absent()
    }

    /// Checks and decodes the record of an event that is due next.
    ///
    /// # Errors
    /// [`Error::Gap`] where another version is due; [`Error::Corrupt`] and [`Error::SchemaNewer`] where the record cannot
    /// be read.
    pub fn decode(&self, event: &StoredEvent) -> Result<Record, Error> {
        let expected = Version::after(self.head);
        if event.version != expected {
            return Err(Error::Gap {
                stream: self.stream.clone(),
                expected,
                found: event.version,
            });
        }
        decode_record(&self.stream, self.upcast.current(), event)
    }

    /// Applies the event that is due next, upcast to the current schema.
    ///
    /// # Errors
    /// [`Error::Unfoldable`], [`Error::Upcast`] or [`Error::Panicked`]; the fold is of no use afterwards.
    pub fn apply(&mut self, record: &Record) -> Result<(), Error> {
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
    pub fn skip_to(&mut self, version: Version) {
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

    /// The error that says that the stream's events do not fold.
    #[must_use]
    pub fn unfoldable(&self, version: Version, reason: &dyn std::fmt::Display) -> Error {
        Error::Unfoldable {
            stream: self.stream.clone(),
            version,
            reason: reason.to_string(),
        }
    }

    /// The aggregate as it is now.
    ///
    /// # Errors
    /// As [`decoded`](Self::decoded).
    pub fn state<A: Aggregate>(&self) -> Result<Option<Caught<Arc<A>>>, Error> {
        if self.document.is_absent() {
            return Ok(None);
        }
        self.decoded(&self.document.to_vec()).map(Some)
    }

    /// The document as it is now.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// How many events were applied.
    #[must_use]
    pub const fn events(&self) -> usize {
        self.events
    }

    /// The aggregate that the text of the document stands for.
    ///
    /// # Errors
    /// [`Error::Unfoldable`] where it is no such aggregate, [`Error::Panicked`] where its deserialisation panicked.
    pub fn decoded<A: Aggregate>(&self, text: &[u8]) -> Result<Caught<Arc<A>>, Error> {
        let version = self.head.unwrap_or(Version::FIRST);
        match catch(|| serde_json::from_slice::<A>(text)) {
            Ok(Ok(state)) => Ok(Caught::new(Arc::new(state))),
            Ok(Err(error)) => Err(self.unfoldable(version, &error)),
            Err(panic) => Err(self.panicked(Stage::Deserialize, panic)),
        }
    }

    fn panicked(&self, stage: Stage, panic: Panic) -> Error {
        Error::panicked(&self.stream, stage, panic)
    }
}

/// Checks and decodes a record of a stream.
///
/// # Errors
/// [`Error::Corrupt`] and [`Error::SchemaNewer`] where the record cannot be read.
pub fn decode_record(stream: &StreamId, known: SchemaVersion, event: &StoredEvent) -> Result<Record, Error> {
    let corrupt = |source| Error::Corrupt {
        stream: stream.clone(),
        version: event.version,
        source,
    };
    let record = Record::decode(&event.record).map_err(corrupt)?;
    if record.version != event.version {
        return Err(corrupt(crate::RecordError::Malformed {
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
