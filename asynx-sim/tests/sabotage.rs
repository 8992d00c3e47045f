//! Every deliberate bug is found, or the simulator proves nothing.
#![cfg(feature = "sabotage")]

use asynx_sim::{Sabotage, run_seed};

#[test]
fn every_sabotage_is_found() {
    let mut missed = Vec::new();
    for sabotage in Sabotage::all() {
        Sabotage::prepare(Some(sabotage));
        let found = (1..=2_000).find(|seed| run_seed(*seed, Some(sabotage)).failure.is_some());
        match found {
            Some(seed) => println!("{}: seed {seed}", sabotage.name),
            None => missed.push(sabotage.name),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
