/// The calls of a store that may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Call {
    /// `Store::append`
    Append,
    /// `Store::append_batch`
    AppendBatch,
    /// `Store::read_from`
    ReadFrom,
    /// `Store::read_range`
    ReadRange,
    /// `Store::count`
    Count,
    /// `Store::heads`
    Heads,
    /// `Store::load`
    Load,
    /// `Store::delete`
    Delete,
    /// `SnapshotStore::put`
    SnapshotPut,
    /// `SnapshotStore::get`
    SnapshotGet,
    /// `SnapshotStore::delete_through`
    SnapshotDelete,
    /// `EventLog::read`
    LogRead,
    /// `EventLog::end`
    LogEnd,
    /// `Erase::erase_through`
    Erase,
    /// `Erase::pending`
    Pending,
    /// `SoleWriter::acquire`
    Acquire,
    /// `Checkpoints::get`
    CheckpointGet,
    /// `Checkpoints::claim`
    CheckpointClaim,
    /// `Checkpoints::put`
    CheckpointPut,
    /// `Checkpoints::remove`
    CheckpointRemove,
}

impl Call {
    /// Every call.
    pub const ALL: [Self; 20] = [
        Self::Append,
        Self::AppendBatch,
        Self::ReadFrom,
        Self::ReadRange,
        Self::Count,
        Self::Heads,
        Self::Load,
        Self::Delete,
        Self::SnapshotPut,
        Self::SnapshotGet,
        Self::SnapshotDelete,
        Self::LogRead,
        Self::LogEnd,
        Self::Erase,
        Self::Pending,
        Self::Acquire,
        Self::CheckpointGet,
        Self::CheckpointClaim,
        Self::CheckpointPut,
        Self::CheckpointRemove,
    ];

    /// The calls that append events.
    pub const APPENDS: [Self; 2] = [Self::Append, Self::AppendBatch];

    /// The calls that change what is stored.
    pub const WRITES: [Self; 9] = [
        Self::Append,
        Self::AppendBatch,
        Self::Delete,
        Self::SnapshotPut,
        Self::SnapshotDelete,
        Self::Erase,
        Self::CheckpointClaim,
        Self::CheckpointPut,
        Self::CheckpointRemove,
    ];

    /// The calls that read events and heads.
    pub const READS: [Self; 5] = [Self::ReadFrom, Self::ReadRange, Self::Count, Self::Heads, Self::Load];

    /// Whether it appends events.
    #[must_use]
    pub fn is_append(self) -> bool {
        Self::APPENDS.contains(&self)
    }

    /// Whether it changes what is stored.
    #[must_use]
    pub fn is_write(self) -> bool {
        Self::WRITES.contains(&self)
    }
}

/// One call on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallInfo {
    /// Which method.
    pub call: Call,
    /// How many groups or queries it has; 1 where it takes no list.
    pub items: usize,
    /// How many events it appends.
    pub events: usize,
}

impl CallInfo {
    /// A call that takes no list.
    #[must_use]
    pub const fn one(call: Call) -> Self {
        Self::many(call, 1)
    }

    /// A call with so many groups or queries.
    #[must_use]
    pub const fn many(call: Call, items: usize) -> Self {
        Self { call, items, events: 0 }
    }
}
