//! Schema evolution for asynx: upcasters on patches.

mod builder;
mod chain;
mod chain_error;

mod only;
mod then;
mod unchanged;
mod upcaster;

mod path;

pub use builder::{ChainBuilder, SchemaNumber};
pub use chain::Chain;
pub use chain_error::ChainError;
pub use only::Only;
pub use path::{PathError, PathOperation, Refusal, Refused, add_default, convert, move_to, remove, rename};
pub use then::Then;
pub use unchanged::Unchanged;
pub use upcaster::{BoxError, Upcaster};
