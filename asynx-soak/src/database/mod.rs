//! Where the events go: a new schema of a PostgreSQL server, or a new SQLite file.

mod place;
mod postgres;
mod sqlite;

pub(crate) use place::{Database, STORES};
pub(crate) use postgres::Postgres;
pub(crate) use sqlite::Sqlite;
