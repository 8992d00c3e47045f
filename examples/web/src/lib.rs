//! Orders over HTTP: commands, queries, a live stream that resumes, and a page that shows it all.
//!
//! Begin at [`router`]; `domain.rs` and `commands.rs` know nothing of HTTP, everything else knows little of the domain.

mod app;
mod board;
mod carry_out;
mod catalogue;
mod commands;
mod domain;
mod events;
mod health;
mod page;
mod problem;
mod queries;
mod requests;
mod router;
mod view;

pub use app::App;
pub use router::router;
