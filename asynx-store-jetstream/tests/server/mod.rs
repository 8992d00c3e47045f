//! What the tests need of servers.
#![allow(dead_code, unused_imports, reason = "each test program uses a part")]

mod fixture;
mod opens;
mod writer;

pub(crate) use asynx_nats_testing::{Servers, TOKIO, named_url};
pub(crate) use fixture::Fixture;
pub(crate) use opens::{Opens, store_at};
pub(crate) use writer::Writer;
