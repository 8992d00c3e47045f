//! Operations on one path: each knows what becomes of every operation of a patch.

mod operation;

mod add_default;
mod convert;
mod relocate;
mod remove;

mod pattern;
mod step;

mod path_error;
mod refused;

pub use add_default::add_default;
pub use convert::convert;
pub use operation::PathOperation;
pub use path_error::PathError;
pub use refused::{Refusal, Refused};
pub use relocate::{move_to, rename};
pub use remove::remove;
