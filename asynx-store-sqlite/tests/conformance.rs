//! The SQLite store keeps every law: on every runtime, and in memory.
mod common;

use common::fixture::File;

asynx_testkit::on_every_runtime!(store_conformance!(File::new()));

mod in_memory {
    use asynx_testkit::conformance::InMemory;

    asynx_testkit::store_conformance!(InMemory(super::common::fixture::in_memory));
}
