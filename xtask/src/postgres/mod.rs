//! PostgreSQL for tests: finds or installs its programs, runs throw-away clusters.

mod cluster;
mod install;
mod programs;
mod serve;
#[cfg(test)]
mod tests;

pub(crate) use cluster::Cluster;
pub(crate) use programs::Programs;
pub(crate) use serve::{named_server, serve, serve_anew};
