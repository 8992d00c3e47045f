//! It is not said whether a projection is run at least or exactly once.

use asynx::projection::{Batch, Engine, Entry, HandlerError, Projection, ProjectionOptions, Typed};

#[path = "common.rs"]
mod common;

use common::Order;

struct Mails;

#[async_trait::async_trait]
impl Projection for Mails {
    type Decode = Typed<Order>;
    async fn handle(&self, _: Batch<'_, Entry<Order>>) -> Result<(), HandlerError> {
        Ok(())
    }
}

fn mistake(engine: &Engine) {
    let _ = engine.run("mails", ProjectionOptions::new(), Typed::new, Mails);
}

fn main() {}
