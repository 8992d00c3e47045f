//! The SQLite store keeps every law.
mod common;
asynx_testkit::store_conformance!(common::OnTokio::default());
