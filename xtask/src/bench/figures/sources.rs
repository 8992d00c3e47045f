//! The runs that serve more than one figure.

use crate::bench::formula::Source;
use crate::bench::measurement::{Cost, Measurement};

/// What clients report that send.
pub(super) const SEND: &str = "send_per_s";
pub(super) const MEMORY_100: &str = "memory-send clients=64 stream=100 stagger=1";
pub(super) const MEMORY_10: &str = "memory-send clients=64 stream=10 stagger=1";
pub(super) const POSTGRES_64: &str = "postgres-send clients=64 stream=10";

pub(super) const fn of(program: &'static str, scenario: &'static str, figure: &'static str) -> Source {
    let measurement = Measurement {
        program,
        scenario,
        cost: Cost::Usual,
    };
    Source { measurement, figure }
}

pub(super) const fn ours(scenario: &'static str, figure: &'static str) -> Source {
    of("bench-asynx", scenario, figure)
}

/// One that takes long to prepare.
pub(super) const fn dear(program: &'static str, scenario: &'static str, figure: &'static str) -> Source {
    let measurement = Measurement {
        program,
        scenario,
        cost: Cost::Dear,
    };
    Source { measurement, figure }
}
