//! The proof of the kit: for each law a store, a bus or a runtime that is broken in one way, which that law must find,
//! and one that is whole, which no law may find broken.

mod lies;
mod proof;

mod bus;
mod runtime;
mod store;
