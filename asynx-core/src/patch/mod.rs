//! JSON documents as trees and tapes, the patches between them, the differ and the applier.
//!
//! A **patch** is the RFC 6902 text that leads from one state to the next; only `add`, `remove` and `replace` occur.
//! Everything here is lossless: numbers are kept as the digits they were written with, so `u128`, `-0.0` and `1e400` survive.
//!
//! | type | is |
//! |---|---|
//! | [`Json`], [`Object`], [`Number`] | a tree to look into and to change |
//! | [`Pointer`] | a validated JSON Pointer (RFC 6901) |
//! | [`Operation`], [`Patch`] | a patch as values, for upcasters |
//! | [`Document`] | what a stream of patches folds to |
//! | [`Tape`] | a serialised state: compact text and where its values lie |

mod json;
mod json_from;
mod number;
mod object;

mod pointer;

mod operation;
mod patch_error;

mod document;

mod node;
mod same;
mod serialize;
mod serialize_key;
mod serialize_parts;
mod state_error;
mod tape;
mod writer;

mod parse_error;
mod scan;
mod text;

pub use document::Document;
pub use json::Json;
pub use number::{NonFinite, Number};
pub use object::{Iter, Object};
pub use operation::{Operation, Patch};
pub use parse_error::ParseError;
pub use patch_error::{PatchError, PatchErrorKind};
pub use pointer::{InvalidPointer, Pointer, Tokens};
pub use state_error::{StateError, StateErrorKind};
pub use tape::Tape;

/// How deep arrays and objects may nest: what `serde_json` reads, it refuses the 128th level.
pub const MAX_DEPTH: usize = 127;
