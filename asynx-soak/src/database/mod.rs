//! Where the events go: a new schema of a PostgreSQL server, a new SQLite file, or new servers of NATS.

mod jetstream;
mod nats;
mod patient;
mod place;
mod postgres;
mod sqlite;

pub(crate) use jetstream::JetStream;
pub(crate) use patient::patiently;
pub(crate) use place::{Database, STORES};
pub(crate) use postgres::Postgres;
pub(crate) use sqlite::Sqlite;
