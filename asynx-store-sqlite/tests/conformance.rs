//! The SQLite store keeps every law: on every runtime, and in memory.
mod common;

use common::fixture::Sqlite;

mod threads {
    asynx_testkit::store_conformance!(super::Sqlite::on_threads());
}
mod one_thread {
    asynx_testkit::store_conformance!(super::Sqlite::on_one_thread());
}
mod smol {
    asynx_testkit::store_conformance!(super::Sqlite::on_smol());
}
mod in_memory {
    asynx_testkit::store_conformance!(super::Sqlite::in_memory());
}
