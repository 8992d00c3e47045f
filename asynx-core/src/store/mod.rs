//! What a third party implements to keep events: [`Store`], and the capabilities a store may have besides.

mod append;
mod checkpoints;
mod erase;
mod error;
mod forward;
mod head;
mod inline;
mod leases;
mod load;
mod log;
mod parking;
mod snapshot;
mod transactions;
mod writer;

use async_trait::async_trait;

pub use append::{AppendError, AppendGroup, GroupOutcome, NewEvent};
pub use checkpoints::{Checkpoint, Checkpoints};
pub use erase::{Erase, ForgetPolicy, PendingErasure};
pub use error::{StoreError, StoreErrorKind};
pub use head::{FoundEvent, Head, HeadQuery};
pub use inline::{InlineBatch, InlineProjection};
pub use leases::{HeldLease, Leases};
pub use load::{Load, Loaded, StoredEvent};
pub use log::{EventLog, LogEvent, LogFilter, LogPage, LogQuery};
pub use parking::{ParkedEvent, Parking};
pub use snapshot::{Snapshot, SnapshotStore};
pub use transactions::Transactions;
pub use writer::{SoleWriter, WriterLease};

use crate::{Position, StreamId, Version};

/// Keeps the events of many streams.
///
/// Five methods make a store: [`append`](Self::append), [`read_from`](Self::read_from),
/// [`read_range`](Self::read_range), [`count`](Self::count), [`delete`](Self::delete). The others have defaults on
/// top of them; a store that can answer one in a single round trip overrides it.
///
/// `asynx-testkit` tests every law under its number. What it cannot test stands here in words.
///
/// # After an unknown outcome
/// asynx makes an append that was answered [`AppendError::Unknown`] again, with the same version, id and bytes, until its
/// outcome is known. If the first one is stored by then, the second MUST answer [`AppendError::Conflict`] or
/// [`AppendError::Duplicate`]. If not, the second is an append like any other, and when it succeeds the first MUST NOT come
/// through any more: never are both stored. The uniqueness of S1 gives all this, so nothing has to be remembered. After a
/// conflict asynx looks the id up by [`heads`](Self::heads) and finds whose event it is; that it finds none proves nothing.
///
/// # What errors lead to
/// [`AppendError::Conflict`] runs the command again on the newer state. A transient [`AppendError::NotApplied`]
/// ([`StoreError::transient`]) tries it again too, after pauses that double from 2 ms to 500 ms, with jitter. After 16
/// tries (`max_attempts`) the caller is told `Error::Conflict` or `Error::Store`: nothing written, send it again. A
/// permanent error is told to the caller at once; if it came for a batch, halves of that are tried first, so that the one
/// event which the store refuses fails alone. An unknown outcome is settled as above; after 30 seconds (`settle_for`) the
/// caller is told `Error::Unknown`, and settling goes on: the aggregate takes no other append before it is done. What a
/// command must read first is tried again like its append. Any other read that fails is told to its caller, who sees by
/// `is_transient` whether to ask again. Errors keep their causes all the way, so a store should give them.
///
/// # Time and threads
/// Calls run on the threads of an async runtime. What blocks (files, a driver that is not async, a lock that others hold
/// for long) belongs on a thread that may block, or it holds up everything else on the runtime. asynx waits 30 seconds
/// for a call (`store_timeout`), then drops its future; an append then counts as unknown, any other call as a transient
/// error. So what S10 says of dropped futures matters whenever a store is slow.
///
/// # Visible, and not durable yet
/// An event that is visible before it is durable can be lost again: the process dies before its sync, or a primary before
/// its replica has the event. But what asynx reads it acts upon: it validates commands against it, answers callers, and
/// takes a conflict for a sign that something is stored. So neither a read nor a conflict may rest on what a crash could
/// take back. Where a database shows only what is committed for good, nothing is to be done; elsewhere a read leaves
/// such an event out, or makes it durable before it answers.
///
/// # Laws of appending
/// - **S1** Of all appends to one `(stream, version)`, at most one MUST ever succeed; an append that does not follow on
///   the head MUST answer [`AppendError::Conflict`] (or [`AppendError::Duplicate`], see S5) and store nothing. (asynx
///   itself never appends beyond the head: uniqueness is what its correctness rests on.)
/// - **S2** A successful append MUST be durable, and visible to every read that begins after it answered, before it
///   answers. A read MUST NOT give what a crash could take back.
/// - **S3** Appends at the head of different streams MUST NOT hinder each other's success.
/// - **S4** [`AppendError::NotApplied`] MUST be answered only when the event is not stored and never will be by this
///   call. Whatever cannot be told (a lost connection, a timeout of the answer) MUST be [`AppendError::Unknown`].
/// - **S5** A store whose [`unique_event_ids`](Self::unique_event_ids) is true MUST refuse an event whose id its
///   stream already has, by [`AppendError::Duplicate`], also where the version is taken too and also after an erasure
///   that kept rows; of the group nothing is stored then.
/// - **S6** Of a group, the events that were stored MUST be a prefix; a group MUST stop at its first failure. Groups
///   MUST NOT affect each other. Outcomes MUST be as many as the groups, in their order.
///
/// # Laws of reading
/// - **S7** Reads MUST give events in version order, without gaps above the floor, each with the bytes that were
///   appended. An unknown stream reads as empty and counts 0.
/// - **S8** `read_from(v)` MUST give every event at or above `v`; `read_range(v, n)` the first `n` of these;
///   `count(v)` their number.
/// - **S9** Buffers MUST NOT be shared such that a later change by the caller changes what is stored.
/// - **S10** A call whose future is dropped MUST have happened wholly or not at all (a group: a prefix of it), and MUST
///   NOT hinder later calls.
/// - **S11** Streams MUST be told apart by category and id, byte by byte; ids, names and bytes at their limits
///   (255 bytes, any characters but NUL) MUST come back as given.
///
/// # Laws of deleting
/// - **S12** After `delete`, the stream MUST read as unknown; other streams MUST be untouched; deleting what is not
///   there MUST succeed.
///
/// # Laws of the grouped calls
/// - **S13** [`heads`](Self::heads) MUST answer in the order of its queries. A head and the look-up of an event id in
///   one query MUST be at least as new as the start of the call, and the look-up MUST NOT be older than the head.
/// - **S14** [`load`](Self::load) MUST answer in the order of its queries and MUST NOT give events at or below the
///   floor, nor more than a query's limit; `more` MUST be true where it cut.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no store",
    note = "a store is a value such as `MemoryStore::new()` or `SqliteStore::open(\"orders.db\").await?`; a type of your own \
            implements `Store`: `append`, `read_from`, `read_range`, `count`, `delete`"
)]
pub trait Store: Send + Sync + 'static {
    /// Appends one event (S1-S5). The position in the log, where the store has one.
    ///
    /// # Errors
    /// [`AppendError`] tells whether the event was stored.
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError>;

    /// Every event at or above a version (S7, S8).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError>;

    /// The first `count` events at or above a version (S7, S8).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError>;

    /// How many events there are at or above a version (S8).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError>;

    /// Removes a stream with everything that belongs to it, snapshots included (S12). asynx itself never calls this:
    /// a forget erases by [`Erase`], which keeps versions from being given twice.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError>;

    /// Appends groups of events of different streams (S1-S6). A stream appears in one group only.
    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        append::one_by_one(self, groups).await
    }

    /// The newest versions of many streams, with look-ups of event ids (S13).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        head::one_by_one(self, queries).await
    }

    /// Loads many streams, each from its snapshot or its floor or a given version (S14).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        load::one_by_one(self, loads).await
    }

    /// Whether the store refuses an event id that its stream already has (S5). Where it does not, asynx looks the
    /// ids of idempotency keys up before each command that carries one.
    fn unique_event_ids(&self) -> bool {
        false
    }

    /// Whether appends gain by being made side by side: they are committed together, as lanes do it, or none waits for
    /// another. A shard then hands over what it has at once. Where they do not, it has one append under way, and makes the
    /// next of all that came meanwhile.
    ///
    /// Either way appends of different shards, and of different processes, come side by side.
    fn coalesces_appends(&self) -> bool {
        false
    }

    /// Snapshots kept beside the events.
    fn snapshots(&self) -> Option<&dyn SnapshotStore> {
        None
    }

    /// The log of all streams in one order.
    fn log(&self) -> Option<&dyn EventLog> {
        None
    }

    /// Forgetting.
    fn erase(&self) -> Option<&dyn Erase> {
        None
    }

    /// Letting one process own a category.
    fn sole_writer(&self) -> Option<&dyn SoleWriter> {
        None
    }

    /// How far readers of the log have come.
    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        None
    }

    /// Letting one process at a time do something.
    fn leases(&self) -> Option<&dyn Leases> {
        None
    }

    /// Putting events aside that a reader of the log could not handle.
    fn parking(&self) -> Option<&dyn Parking> {
        None
    }
}
