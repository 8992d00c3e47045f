//! What durable stores share to run [inline projections](asynx_core::store::InlineProjection): running them in time,
//! finding the group that one fails at, and knowing which appends have to go by them.

mod apart;
mod apply;
mod noted;
mod roster;
mod set;

pub use apart::{TryAppend, apart};
pub use apply::{Applied, Work};
pub use noted::Noted;
pub use roster::{Roster, Route, changed};
pub use set::InlineSet;
