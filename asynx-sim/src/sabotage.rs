//! Deliberate bugs, to prove that the simulator finds them.

use asynx_processor::Options;

/// A deliberate bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {}

impl Sabotage {
    pub(crate) fn into_options(self, options: Options) -> Options {
        options
    }
}
