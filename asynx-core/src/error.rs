use std::sync::Arc;
use std::time::Duration;

use crate::bus::BusError;
use crate::patch::StateError;
use crate::{Expected, InvalidName, Panic, RecordError, SchemaVersion, StoreError, StreamId, UpcastError, Version};

/// Whether a failed call changed what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Applied {
    /// Nothing was written, and nothing will be by this call.
    No,
    /// Something was written: the error's text says what.
    Yes,
    /// Nobody can tell yet. Send the same command again with the same idempotency key, or look at the aggregate.
    Unknown,
}

/// Which part of the user's code an error came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// `Command::aggregate_id`, `event_name` or `should_snapshot`.
    Describe,
    /// `Command::validate`.
    Validate,
    /// `Command::emit`.
    Emit,
    /// The aggregate's `Serialize`.
    Serialize,
    /// The aggregate's `Deserialize`.
    Deserialize,
    /// An upcaster.
    Upcast,
    /// The function that a replay was given.
    Replay,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Describe => "the command's description",
            Self::Validate => "validate",
            Self::Emit => "emit",
            Self::Serialize => "the aggregate's serialize",
            Self::Deserialize => "the aggregate's deserialize",
            Self::Upcast => "an upcaster",
            Self::Replay => "the replay's function",
        })
    }
}

/// What went wrong with a call, apart from the domain's own rejections. [`applied`](Self::applied) tells whether the
/// write happened.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An id or name is not valid.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// The idempotency key is empty or longer than 255 bytes.
    #[error("an idempotency key must have 1 to 255 bytes, got {bytes}; nothing was written")]
    InvalidKey {
        /// Its length.
        bytes: usize,
    },
    /// No such aggregate lives: it never existed or was forgotten.
    #[error("there is no {stream}")]
    NotFound {
        /// Which.
        stream: StreamId,
    },
    /// The aggregate has never had that version, or it was forgotten.
    #[error("{stream} has no version {version}")]
    VersionNotFound {
        /// Which.
        stream: StreamId,
        /// The version that was asked for.
        version: Version,
    },
    /// The aggregate is not as the caller expected.
    #[error("{stream}: {expected} was expected, found {}; nothing was written, look at it again", found(*.actual))]
    Unexpected {
        /// Which.
        stream: StreamId,
        /// What was expected.
        expected: Expected,
        /// The version it has; `None` where none lives.
        actual: Option<Version>,
    },
    /// Other processes won every time; the command was run again as often as allowed.
    #[error("{stream}: others wrote first, {attempts} times in a row; nothing was written, send it again")]
    Conflict {
        /// Which.
        stream: StreamId,
        /// How often it was tried.
        attempts: u32,
    },
    /// The queue of the aggregate's shard is full.
    #[error("the queue of {depth} commands is full; nothing was written, send it again later")]
    QueueFull {
        /// Its depth.
        depth: usize,
    },
    /// The instance is shutting down or was shut down.
    #[error("shutting down; nothing was written")]
    ShuttingDown,
    /// A shutdown is under way or done.
    #[error("a shutdown is already under way or done")]
    AlreadyShuttingDown,
    /// The shutdown's deadline passed before everything had ended; what was left was cut off.
    #[error("the shutdown did not end within {deadline:?}: {left}")]
    ShutdownIncomplete {
        /// The deadline.
        deadline: Duration,
        /// What was cut off.
        left: String,
    },
    /// User code panicked.
    #[error("{}{stage} {panic}; nothing was written", prefix(stream.as_ref()))]
    Panicked {
        /// Which aggregate, where that was known already.
        stream: Option<StreamId>,
        /// In which code.
        stage: Stage,
        /// The panic.
        panic: Panic,
    },
    /// The new state cannot be carried by JSON and back.
    #[error("{stream}: the new state cannot be stored: {source}; nothing was written")]
    State {
        /// Which aggregate.
        stream: StreamId,
        /// Where in the state, and why.
        source: Arc<StateError>,
    },
    /// The new state was written as JSON and did not come back the same.
    #[error(
        "{stream}: the new state does not come back from JSON as it was, at {path:?}: {reason}; nothing was written"
    )]
    NotReadable {
        /// Which aggregate.
        stream: StreamId,
        /// Where in the state, as a JSON pointer.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The event is larger than allowed.
    #[error(
        "{stream}: the event has {bytes} bytes, at most {limit} are allowed; nothing was written, split the \
         aggregate or raise max_record_bytes"
    )]
    TooLarge {
        /// Which aggregate.
        stream: StreamId,
        /// The size of the record.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The idempotency key was used before, by a command of another event name.
    #[error(
        "{stream}: the idempotency key was used before, for {event_name:?} at version {version}; nothing was \
         written, use a new key"
    )]
    KeyReused {
        /// Which aggregate.
        stream: StreamId,
        /// What the key stands for.
        event_name: String,
        /// Where.
        version: Version,
    },
    /// The idempotency key stands for an event that was applied once and has been forgotten since.
    #[error("{stream}: the idempotency key's event, version {version}, was applied and has been forgotten since")]
    Forgotten {
        /// Which aggregate.
        stream: StreamId,
        /// Where it was.
        version: Version,
    },
    /// A stored record cannot be read.
    #[error("{stream}: version {version} cannot be read: {source}; nothing was written")]
    Corrupt {
        /// Which aggregate.
        stream: StreamId,
        /// Which of its events.
        version: Version,
        /// What is wrong with the record.
        source: RecordError,
    },
    /// A stored patch does not fit its stream, or the folded state is not of the aggregate's type.
    #[error(
        "{stream}: the state at version {version} cannot be built: {reason}; nothing was written; if the type has changed, give \
         new members a default or add an upcaster"
    )]
    Unfoldable {
        /// Which aggregate.
        stream: StreamId,
        /// At which of its events.
        version: Version,
        /// What is wrong.
        reason: String,
    },
    /// The store gave events with a gap or out of order.
    #[error(
        "{stream}: the store gave version {found} where version {expected} was due; nothing was written, restore \
         the stream from a backup"
    )]
    Gap {
        /// Which aggregate.
        stream: StreamId,
        /// The version that was due.
        expected: Version,
        /// The version that came.
        found: Version,
    },
    /// A stored event has a newer schema than this program knows.
    #[error(
        "{stream}: version {version} has schema {found}, this program knows up to {known}; nothing was written, \
         update the program, or give this handle or projection its upcasters"
    )]
    SchemaNewer {
        /// Which aggregate.
        stream: StreamId,
        /// Which of its events.
        version: Version,
        /// The event's schema.
        found: SchemaVersion,
        /// The program's schema.
        known: SchemaVersion,
    },
    /// An upcaster failed.
    #[error("{stream}: version {version}: {source}; nothing was written, mend the upcaster")]
    Upcast {
        /// Which aggregate.
        stream: StreamId,
        /// Which of its events.
        version: Version,
        /// Which step, and why.
        source: UpcastError,
    },
    /// The store failed, and nothing was written.
    #[error("the store failed: {source}; nothing was written")]
    Store {
        /// What it said.
        source: StoreError,
    },
    /// The store failed such that nobody can tell whether the event was written.
    #[error(
        "{stream}: unknown whether the event was written: {source}; send the command again with the same \
         idempotency key"
    )]
    Unknown {
        /// Which aggregate.
        stream: StreamId,
        /// What the store said.
        source: StoreError,
    },
    /// An earlier append to the aggregate has an unknown outcome that could not be settled yet.
    #[error("{stream}: an earlier append is unsettled: {source}; nothing was written, send it again later")]
    Unsettled {
        /// Which aggregate.
        stream: StreamId,
        /// What the store said last.
        source: StoreError,
    },
    /// The instance ended (its runtime was stopped, say) before it answered.
    #[error(
        "{stream}: asynx ended before it answered; unknown whether the event was written, send the command again \
         with the same idempotency key"
    )]
    Ended {
        /// Which aggregate.
        stream: StreamId,
    },
    /// The store cannot erase.
    #[error("the store cannot erase, so nothing can be forgotten; nothing was written, choose a store that can")]
    ForgetUnsupported,
    /// The tombstone is stored and the aggregate is gone, but its data could not be erased yet.
    #[error(
        "{stream}: the tombstone is written at version {tombstone}, but the erasure is not done: {reason}; \
         forget it again to resume"
    )]
    ForgetFailed {
        /// Which aggregate.
        stream: StreamId,
        /// The version of the tombstone.
        tombstone: Version,
        /// What failed.
        reason: Box<ForgetFailure>,
    },
    /// The function that a replay was given returned an error, which ended the replay.
    #[error("{stream}: the replay was ended at version {version}: {reason}")]
    ReplayEnded {
        /// Which aggregate.
        stream: StreamId,
        /// The version whose event the function refused.
        version: Version,
        /// What the function said.
        reason: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The bus refused.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// What stopped an erasure.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ForgetFailure {
    /// A forget handler failed, or the bus was closed.
    #[error(transparent)]
    Handler(BusError),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(StoreError),
}

fn prefix(stream: Option<&StreamId>) -> String {
    stream.map(|stream| format!("{stream}: ")).unwrap_or_default()
}

fn found(actual: Option<Version>) -> String {
    match actual {
        Some(version) => format!("version {version}"),
        None => "none".to_owned(),
    }
}

impl Error {
    /// A panic of user code that concerns one aggregate.
    #[must_use]
    pub fn panicked(stream: &StreamId, stage: Stage, panic: Panic) -> Self {
        Self::Panicked {
            stream: Some(stream.clone()),
            stage,
            panic,
        }
    }

    /// Whether the call changed what is stored.
    #[must_use]
    pub const fn applied(&self) -> Applied {
        match self {
            Self::Unknown { .. } | Self::Ended { .. } => Applied::Unknown,
            Self::ForgetFailed { .. } | Self::Forgotten { .. } => Applied::Yes,
            _ => Applied::No,
        }
    }

    /// Whether the same call may succeed later without anything being mended.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Conflict { .. } | Self::QueueFull { .. } | Self::Unsettled { .. } => true,
            Self::Store { source } => source.is_transient(),
            _ => false,
        }
    }
}

/// Why `send` has no event to give: the domain refused, or something went wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError<R: std::error::Error> {
    /// The domain's own reason. Nothing was written.
    #[error(transparent)]
    Rejected(R),
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl<R: std::error::Error> SendError<R> {
    /// The domain's reason, where that is what it is.
    pub const fn rejection(&self) -> Option<&R> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Failed(_) => None,
        }
    }

    /// The failure, where it is not the domain's rejection.
    pub const fn failure(&self) -> Option<&Error> {
        match self {
            Self::Rejected(_) => None,
            Self::Failed(error) => Some(error),
        }
    }

    /// The same with another type of rejection.
    pub fn map_rejection<Q: std::error::Error>(self, map: impl FnOnce(R) -> Q) -> SendError<Q> {
        match self {
            Self::Rejected(rejection) => SendError::Rejected(map(rejection)),
            Self::Failed(error) => SendError::Failed(error),
        }
    }

    /// Whether the call changed what is stored.
    pub const fn applied(&self) -> Applied {
        match self {
            Self::Rejected(_) => Applied::No,
            Self::Failed(error) => error.applied(),
        }
    }
}
