//! Runtimes for asynx: tokio and smol.
