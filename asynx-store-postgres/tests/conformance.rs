//! The PostgreSQL store keeps every law.
mod server;

use asynx_testkit::conformance::WithTransactions;

asynx_testkit::store_conformance!(WithTransactions(server::Fixture::default()));
