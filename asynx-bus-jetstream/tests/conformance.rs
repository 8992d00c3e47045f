//! The bus over JetStream keeps every law, on one server.
mod fixture;

asynx_testkit::bus_conformance!(fixture::Fixture::one());
