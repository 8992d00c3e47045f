//! The memory store keeps every law, on every runtime.
use asynx_store_memory::MemoryStore;
use asynx_testkit::conformance::{InMemory, WithTransactions};

asynx_testkit::on_every_runtime!(store_conformance!(WithTransactions(InMemory(MemoryStore::new))));
