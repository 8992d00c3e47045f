//! The SQLite store keeps every law: on every runtime, and in memory.
mod common;

use asynx_testkit::conformance::WithTransactions;
use common::fixture::File;

asynx_testkit::on_every_runtime!(store_conformance!(WithTransactions(File::new())));

/// With an inline projection that wants every event.
mod with_an_inline_projection {
    use super::common::fixture::File;

    asynx_testkit::on_every_runtime!(store_conformance!(File::inline()));
}

mod in_memory {
    use asynx_testkit::conformance::{InMemory, WithTransactions};

    asynx_testkit::store_conformance!(WithTransactions(InMemory(super::common::fixture::in_memory)));
}
