//! The traits, patches and formats of asynx: what stores, buses and the processor share.

pub mod patch;
