//! The JetStream store keeps every law, on one server.
mod server;

asynx_testkit::store_conformance!(server::Fixture::single());
