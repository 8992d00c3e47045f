//! The JetStream store keeps every law, on a cluster of three.
mod server;

asynx_testkit::store_conformance!(server::Fixture::cluster());
