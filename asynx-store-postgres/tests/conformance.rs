//! The PostgreSQL store keeps every law.
mod server;

asynx_testkit::store_conformance!(server::Fixture::default());

/// With an inline projection that wants every event.
mod with_an_inline_projection {
    asynx_testkit::store_conformance!(super::server::Fixture::inline());
}
