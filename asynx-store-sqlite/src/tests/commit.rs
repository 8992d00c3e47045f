//! What is known of a commit that failed.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use sqlx::error::{DatabaseError, ErrorKind};

use crate::write::is_undone;

/// What SQLite says, by its result code.
#[derive(Debug)]
struct Code(i32);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Code {}

impl DatabaseError for Code {
    fn message(&self) -> &str {
        ""
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.to_string().into())
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

fn failed(code: i32) -> sqlx::Error {
    sqlx::Error::Database(Box::new(Code(code)))
}

#[test]
fn a_full_disk_and_a_lock_are_known_to_have_stored_nothing() {
    const FULL: i32 = 13;
    const BUSY: i32 = 5;
    const BUSY_SNAPSHOT: i32 = 517;
    for code in [FULL, BUSY, BUSY_SNAPSHOT] {
        assert!(is_undone(&failed(code)), "{code}");
    }
}

#[test]
fn whatever_else_fails_at_the_disk_is_unknown() {
    const IOERR: i32 = 10;
    const IOERR_WRITE: i32 = 778;
    const IOERR_FSYNC: i32 = 1034;
    const NOMEM: i32 = 7;
    const CORRUPT: i32 = 11;
    for code in [IOERR, IOERR_WRITE, IOERR_FSYNC, NOMEM, CORRUPT] {
        assert!(!is_undone(&failed(code)), "{code}");
    }
    assert!(!is_undone(&sqlx::Error::WorkerCrashed));
}
