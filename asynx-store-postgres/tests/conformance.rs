//! The PostgreSQL store keeps every law.
mod server;

asynx_testkit::store_conformance!(server::Fixture::default());
