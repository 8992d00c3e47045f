use asynx_core::StoreError;

/// What SQLite could not do, in words that say what mends it. The result codes are those of
/// <https://www.sqlite.org/rescode.html>.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{0} is locked: a transaction of another process, or a shell, is open for longer than the busy timeout")]
    Busy(String),
    #[error("out of memory while using {0}")]
    OutOfMemory(String),
    #[error("the operating system failed to read or write {0}")]
    InputOutput(String),
    #[error("{0} was interrupted")]
    Interrupted(String),
    #[error("the connection to {0} ended")]
    ConnectionLost(String),
    #[error("{0} was closed")]
    Closed(String),
    #[error("the disk is full: nothing more can be written to {0}; free some space")]
    Full(String),
    #[error("{0} is read-only: give this process the right to write it and its directory")]
    ReadOnly(String),
    #[error("{0} was moved or deleted while it was open: put it back, or open the store again")]
    Moved(String),
    #[error("{0} is damaged: restore a backup; `PRAGMA integrity_check` tells what is wrong")]
    Damaged(String),
    #[error("{0} is no SQLite database: give the store a file of its own")]
    NoDatabase(String),
    #[error("{0} cannot be opened: is it a file, and may this process create files beside it?")]
    CannotOpen(String),
    #[error("the value is too large for {0}: SQLite takes at most 1 GB")]
    TooLarge(String),
    #[error("a row of {0} cannot be read: it was not written by asynx, or by a newer version of it")]
    Unreadable(String),
    #[error("SQLite refused what was asked of {0}")]
    Refused(String),
}

impl Fault {
    /// What an error of the driver means for the database of this name.
    pub(crate) fn of(name: &str, error: &sqlx::Error) -> Self {
        let name = name.to_owned();
        match error {
            sqlx::Error::Database(_) => Self::of_code(name, code(error).unwrap_or_default()),
            sqlx::Error::WorkerCrashed => Self::ConnectionLost(name),
            sqlx::Error::Io(_) => Self::InputOutput(name),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Unreadable(name),
            _ => Self::Refused(name),
        }
    }

    fn of_code(name: String, code: i32) -> Self {
        match (code, primary(code)) {
            (READONLY_DBMOVED, _) => Self::Moved(name),
            (_, BUSY | LOCKED | PROTOCOL) => Self::Busy(name),
            (_, NOMEM) => Self::OutOfMemory(name),
            (_, READONLY | PERM) => Self::ReadOnly(name),
            (_, INTERRUPT) => Self::Interrupted(name),
            (_, IOERR) => Self::InputOutput(name),
            (_, CORRUPT) => Self::Damaged(name),
            (_, FULL) => Self::Full(name),
            (_, CANTOPEN) => Self::CannotOpen(name),
            (_, TOOBIG) => Self::TooLarge(name),
            (_, NOTADB) => Self::NoDatabase(name),
            _ => Self::Refused(name),
        }
    }

    /// Whether the same call may succeed later without anybody doing something about it.
    const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Busy(_)
                | Self::OutOfMemory(_)
                | Self::InputOutput(_)
                | Self::Interrupted(_)
                | Self::ConnectionLost(_)
        )
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault.is_transient() {
            true => Self::transient(fault.to_string()),
            false => Self::permanent(fault.to_string()),
        }
    }
}

/// The error of the driver as callers are given it, the driver's own as its cause.
pub(crate) fn explained(name: &str, error: sqlx::Error) -> StoreError {
    StoreError::from(Fault::of(name, &error)).caused_by(error)
}

pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(code(error).map(primary), Some(BUSY | LOCKED | PROTOCOL))
}

pub(crate) fn is_full(error: &sqlx::Error) -> bool {
    code(error).map(primary) == Some(FULL)
}

pub(crate) fn is_read_only(error: &sqlx::Error) -> bool {
    code(error).map(primary) == Some(READONLY)
}

/// The extended result code.
fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

const fn primary(code: i32) -> i32 {
    code & 0xff
}

const PERM: i32 = 3;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const NOMEM: i32 = 7;
const READONLY: i32 = 8;
const READONLY_DBMOVED: i32 = READONLY | (4 << 8);
const INTERRUPT: i32 = 9;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const PROTOCOL: i32 = 15;
const TOOBIG: i32 = 18;
const NOTADB: i32 = 26;
