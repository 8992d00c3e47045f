//! A command is sent to the wrong handle.

#[path = "common.rs"]
mod common;

async fn mistake() {
    let _ = common::orders().send(common::OpenAccount).await;
}

fn main() {}
