//! The memory store keeps every law.
use asynx_store_memory::MemoryStore;
use asynx_testkit::conformance::InMemory;

asynx_testkit::store_conformance!(InMemory(MemoryStore::new));
