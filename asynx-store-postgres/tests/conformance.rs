//! The PostgreSQL store keeps every law.
mod server;

use asynx_testkit::conformance::WithTransactions;

asynx_testkit::store_conformance!(WithTransactions(server::Fixture::default()));

/// With an inline projection that wants every event.
mod with_an_inline_projection {
    asynx_testkit::store_conformance!(super::server::Fixture::inline());
}
