//! Schema evolution for asynx: upcasters on patches.
//!
//! Stored events never change. What an older program wrote is brought to the current schema on every way out of the
//! store, patch by patch, by a [`Chain`] of steps from each schema to the next. A missing step is an error when the chain
//! is built, not when the first old event is read.
//!
//! ```
//! use asynx_core::patch::{Document, Json, Object, Patch};
//! use asynx_core::{EventName, SchemaVersion, Upcast};
//! use asynx_upcast::{Chain, Upcaster, add_default, convert, move_to, rename};
//!
//! // Schema 1: {"id", "customer": "Ada Lovelace", "total", "street"}
//! // Schema 2: a status, "pending" for orders that had none.
//! // Schema 3: the customer's name in two parts, the total is called amount, and the street lies in an address.
//! let chain = Chain::builder(3)
//!     .step(1, add_default("/status", "pending"))
//!     .step(
//!         2,
//!         convert("/customer", split_name)
//!             .then(rename("/total", "amount"))
//!             .then(add_default("/address", Object::new()))
//!             .then(move_to("/street", "/address/street")),
//!     )
//!     .build()?;
//!
//! fn split_name(name: Json) -> Result<Json, &'static str> {
//!     let name = name.as_str().ok_or("the name is no text")?;
//!     let (first, last) = name.split_once(' ').unwrap_or(("", name));
//!     Ok(Object::from_iter([("first", first), ("last", last)]).into())
//! }
//!
//! // What schema 1 wrote, event by event.
//! let created = r#"[{"op":"add","path":"","value":
//!     {"id":"ORD-1","customer":"Ada Lovelace","total":12,"street":"Main St 1"}}]"#;
//! let moved = r#"[{"op":"replace","path":"/street","value":"Side St 2"},{"op":"replace","path":"/total","value":15}]"#;
//!
//! let mut order = Document::default();
//! for (event_name, patch) in [("OrderCreated", created), ("CustomerMoved", moved)] {
//!     let patch = Patch::parse(patch.as_bytes())?;
//!     let patch = chain.upcast(&EventName::parse(event_name)?, SchemaVersion::FIRST, patch)?;
//!     order.apply_patch(&patch)?;
//! }
//! assert_eq!(
//!     order,
//!     Document::parse(
//!         br#"{"id":"ORD-1","customer":{"first":"Ada","last":"Lovelace"},"amount":15,"status":"pending",
//!              "address":{"street":"Side St 2"}}"#
//!     )?
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What an upcaster has to do
//!
//! A patch is not the whole document, and a value has many ways to arrive: by itself (`replace /status`), inside of what
//! holds it (`add ""` with the first event, `add /lines/3`), or as a change within (`replace /address/street`, where
//! `/address` is what was renamed). The law is that upcasting **commutes** with folding: the upcast patches of a stream
//! fold, at every version, to what the new schema makes of the old document. An upcaster that only adds a member to
//! `OrderCreated` breaks it as soon as another event replaces the document.
//!
//! The ready-made operations keep this law whatever the stream, or refuse the patch with a [`Refused`] that names the
//! operation and its path. None of them guesses.
//!
//! | operation | makes of the document | refuses |
//! |---|---|---|
//! | [`add_default`] | the member is there, with a default where it was missing | nothing |
//! | [`remove`] | the member, or all elements or members, are gone | nothing |
//! | [`rename`] | the member has another key | what touches or brings the new key |
//! | [`move_to`] | the value is in another object below a common base | what touches or brings the target; what replaces the objects that hold it; values that no object waits for |
//! | [`convert`] | the value is another | changes of its inside; what the conversion fails on |
//!
//! A refusal stops the reading of that stream, since what it would fold to is not known: write a closure for that step
//! then, which knows more about its events than a path can say. [`Upcaster::then`] puts several into one step; each sees
//! the names that the one before it gave. [`Upcaster::only`] is for closures that know one event. [`Unchanged`] is for a
//! step without one.
//!
//! Not ready-made, because a patch does not carry what they need: a member that is computed from several others, or one
//! that is made from another and stays beside it.
//!
//! # Paths
//!
//! A path is a [JSON pointer](https://www.rfc-editor.org/rfc/rfc6901) to a place **in the older document**, in which the
//! segment `*` stands for every element of an array and every member of an object: `/lines/*/price`. Any other segment is
//! the key of a member (`~0` is `~`, `~1` is `/`); where the document has an array instead, or a scalar, the path leads
//! nowhere, and nothing happens there. A member whose own key is `*` is only met together with all the others.
//!
//! Segments of digits and `-` are refused when the chain is built: `/lines/0` in a patch may be an element, which changes
//! its place whenever another comes before it, or a member called `0`, and the patch does not tell which.

mod builder;
mod chain;
mod chain_error;

mod upcaster;

mod only;
mod then;
mod unchanged;

mod path;

pub use builder::{ChainBuilder, SchemaNumber};
pub use chain::Chain;
pub use chain_error::ChainError;
pub use only::Only;
pub use path::{PathError, PathOperation, Refusal, Refused, add_default, convert, move_to, remove, rename};
pub use then::Then;
pub use unchanged::Unchanged;
pub use upcaster::{BoxError, Upcaster};
