//! The reference store of asynx: everything in memory, for tests and for learning.
