//! Where the events go: a new schema of a PostgreSQL server.

mod place;
mod postgres;

pub(crate) use place::Database;
pub(crate) use postgres::Postgres;
