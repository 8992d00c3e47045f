//! What is run as a projection is none.

use asynx::projection::{Detached, Engine, ProjectionOptions, Typed};

#[path = "common.rs"]
mod common;

struct Mails;

fn mistake(engine: &Engine) {
    let _ = engine.run("mails", ProjectionOptions::new(), Typed::<common::Order>::new, Detached(Mails));
}

fn main() {}
