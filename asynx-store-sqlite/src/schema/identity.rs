use asynx_core::StoreError;
use sqlx::sqlite::SqliteRow;

use super::{APPLICATION_ID, NEWEST};
use crate::row;

/// Both numbers are in the file's header; read with the tables in one statement, so that they fit each other.
pub(super) const ASK: &str = "SELECT a.application_id, u.user_version, (SELECT count(*) FROM sqlite_schema)
    FROM pragma_application_id AS a, pragma_user_version AS u";

/// Whose database a file is.
pub(super) enum Identity {
    /// Nobody's yet.
    Empty,
    /// Ours, with so many migrations behind it.
    Ours(usize),
}

impl Identity {
    /// What the answer to [`ASK`] says; an error where we must not touch it.
    pub(super) fn of(name: &str, answer: &SqliteRow) -> Result<Self, StoreError> {
        let application = row::number(answer, 0)?;
        let version = row::number(answer, 1)?;
        let objects = row::number(answer, 2)?;
        match (application, version, objects) {
            (0, 0, 0) => Ok(Self::Empty),
            (APPLICATION_ID, 1.., _) => match usize::try_from(version) {
                Ok(version) if version <= NEWEST => Ok(Self::Ours(version)),
                _ => Err(StoreError::permanent(format!(
                    "{name} has schema {version}, this program knows up to {NEWEST}: update the program"
                ))),
            },
            _ => Err(StoreError::permanent(format!(
                "{name} belongs to another application (application id {application}, {objects} tables and indexes): \
                 give the store a file of its own"
            ))),
        }
    }
}
