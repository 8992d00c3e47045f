//! The bus keeps every law, on a cluster of three.
mod fixture;

asynx_testkit::bus_conformance!(fixture::Fixture::cluster());
