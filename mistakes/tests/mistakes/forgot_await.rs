//! A command is described, and not sent.
#![deny(unused_must_use)]

#[path = "common.rs"]
mod common;

async fn mistake() {
    common::accounts().send(common::OpenAccount);
}

fn main() {}
