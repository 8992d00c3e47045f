use std::process::Command;

use anyhow::Result;

use super::{Cluster, Programs};

/// The URL of the server that tests and proofs use. Set by a person: use that one and start none.
const URL: &str = "ASYNX_TEST_POSTGRES";

/// Sees that a program finds a server: the one that a person names, or else a throw-away one that must outlive it.
pub(crate) fn serve(programs: &Programs, program: &mut Command) -> Result<Option<Cluster>> {
    if named_server().is_some() {
        return Ok(None);
    }
    serve_anew(programs, program).map(Some)
}

/// The URL of the server that a person names, which is said.
pub(crate) fn named_server() -> Option<String> {
    let url = std::env::var(URL).ok().filter(|url| !url.is_empty())?;
    println!("PostgreSQL: the server that {URL} names");
    Some(url)
}

/// Sees that a program finds a server of its own, which it may ask to have restarted.
pub(crate) fn serve_anew(programs: &Programs, program: &mut Command) -> Result<Cluster> {
    let cluster = Cluster::start(programs)?;
    println!("PostgreSQL: a throw-away server in {}", cluster.folder().display());
    program.env(URL, cluster.url());
    Ok(cluster)
}
