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
//! | [`diff`], [`create`] | the patch between two tapes, and the first one |
//! | [`place`], [`evolve`] | a change placed into a document that another version of the type wrote |
//!
//! ```
//! use asynx_core::patch::{Document, Tape, create, diff};
//!
//! #[derive(serde::Serialize)]
//! struct Order { id: &'static str, customer: &'static str, status: &'static str, lines: Vec<u32> }
//!
//! let old = Tape::of(&Order { id: "ORD-1", customer: "Ada Lovelace", status: "pending", lines: (0..20).collect() })?;
//! let new = Tape::of(&Order { id: "ORD-1", customer: "Ada Lovelace", status: "paid", lines: (1..20).collect() })?;
//!
//! let patch = diff(&old, &new);
//! assert_eq!(
//!     std::str::from_utf8(&patch)?,
//!     r#"[{"op":"replace","path":"/status","value":"paid"},{"op":"remove","path":"/lines/0"}]"#,
//! );
//!
//! let mut document = Document::default();
//! document.apply(&create(&old))?;
//! document.apply(&patch)?;
//! assert!(document.tape()?.same(&new));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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

mod align;
mod diff;
mod edits;

mod difference;
mod evolve;
mod origins;
mod place;

mod parse_error;
mod scan;
pub(crate) mod text;

pub use diff::{create, create_into, diff, diff_into};
pub use document::Document;
pub use evolve::{EvolveError, check, evolve};
pub use json::Json;
pub use number::{NonFinite, Number};
pub use object::{Iter, Object};
pub use operation::{Operation, Patch};
pub use parse_error::ParseError;
pub use patch_error::{PatchError, PatchErrorKind};
pub use place::{Foreign, place};
pub use pointer::{InvalidPointer, Pointer, Tokens};
pub use state_error::{StateError, StateErrorKind};
pub use tape::Tape;

/// How deep arrays and objects may nest: what `serde_json` reads, it refuses the 128th level.
pub const MAX_DEPTH: usize = 127;
