//! The tables, how they come into a file, and whose file it is.

mod identity;
mod migrate;
mod statistics;

pub(crate) use migrate::prepare;

/// Marks a file as ours: "asyn".
const APPLICATION_ID: i64 = 0x6173_796e;

/// What leads from one schema version to the next, the first from an empty file. Those that were released never change.
const MIGRATIONS: &[&str] = &[include_str!("v1.sql"), include_str!("v2.sql")];

/// The version that this program writes.
const NEWEST: usize = MIGRATIONS.len();

/// Everything that makes an empty file one of ours.
pub(crate) fn printed() -> String {
    let migrations = MIGRATIONS.join("\n");
    format!(
        "PRAGMA journal_mode = WAL;\nBEGIN IMMEDIATE;\n\n{migrations}\nPRAGMA application_id = {APPLICATION_ID};\n\
         PRAGMA user_version = {NEWEST};\nCOMMIT;\n"
    )
}
