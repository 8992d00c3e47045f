//! Stores, bus, processor, upcast and projection do not know each other: they meet in `asynx-core`. Stores and buses on
//! a server may use what such drivers need besides: lanes and a runtime. A bus across processes builds on the one in a
//! process. All may tell what they do.

use anyhow::{Result, bail};

use crate::workspace::Workspace;

pub(super) const MEND: &str = "what two crates share belongs into asynx-core, what joins them into asynx";

const CORE: &str = "asynx-core";
/// Spans and figures.
const OBSERVE: &str = "asynx-observe";
/// What drivers may know besides core.
const FOR_DRIVERS: &[&str] = &["asynx-lanes", "asynx-runtime"];
const DRIVERS: &[&str] = &["asynx-store-", BUSES];
/// The bus in a process, and those across processes.
const BUS: &str = "asynx-bus";
const BUSES: &str = "asynx-bus-";
/// Crates that join the others; all else named `asynx-*`, also what is still to come, is a peer and may know only core.
const JOINING: &[&str] = &[
    "asynx",
    "asynx-bench",
    "asynx-examples",
    "asynx-mistakes",
    "asynx-sim",
    "asynx-soak",
];
/// Examples that are packages of their own.
const EXAMPLE: &str = "asynx-example-";

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    if workspace.package(CORE).is_none() {
        bail!("there is no crate {CORE}, so this proves nothing");
    }
    let found = breaches(workspace);
    if !found.is_empty() {
        bail!("{}", found.join("\n"));
    }
    println!("no crate depends on a peer");
    Ok(())
}

/// Dev-dependencies are free: a test may well join two peers.
fn breaches(workspace: &Workspace) -> Vec<String> {
    let peers = workspace
        .packages
        .iter()
        .filter(|package| package.name.starts_with("asynx-") && !joins(&package.name));
    peers
        .flat_map(|package| {
            package
                .dependencies
                .iter()
                .map(|dependency| (&package.name, dependency))
        })
        .filter(|(package, dependency)| workspace.package(dependency).is_some() && !may_know(package, dependency))
        .map(|(package, dependency)| format!("{package} depends on {dependency}"))
        .collect()
}

fn joins(package: &str) -> bool {
    JOINING.contains(&package) || package.starts_with(EXAMPLE)
}

fn may_know(package: &str, dependency: &str) -> bool {
    let is_driver = DRIVERS.iter().any(|prefix| package.starts_with(prefix));
    let is_bus = package.starts_with(BUSES);
    let common = dependency == CORE || dependency == OBSERVE;
    package != CORE && (common || (is_driver && FOR_DRIVERS.contains(&dependency)) || (is_bus && dependency == BUS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Package;

    fn workspace(packages: &[(&str, &[&str])]) -> Workspace {
        let package = |(name, dependencies): &(&str, &[&str])| Package {
            name: name.to_string(),
            folder: "/w".into(),
            dependencies: dependencies.iter().map(|name| name.to_string()).collect(),
            ..Package::default()
        };
        Workspace {
            packages: packages.iter().map(package).collect(),
        }
    }

    #[test]
    fn peers_meet_in_core() {
        let workspace = workspace(&[
            ("asynx", &["asynx-bus", "asynx-core", "asynx-processor"]),
            ("asynx-bus", &["asynx-core", "asynx-observe", "futures"]),
            ("asynx-bus-new", &["asynx-bus", "asynx-core", "asynx-runtime"]),
            ("asynx-core", &["serde"]),
            ("asynx-example-new", &["asynx", "asynx-bus"]),
            ("asynx-lanes", &["asynx-core"]),
            ("asynx-observe", &["asynx-core"]),
            ("asynx-processor", &["asynx-core"]),
            ("asynx-runtime", &["asynx-core"]),
            ("asynx-store-new", &["asynx-core", "asynx-lanes", "asynx-runtime"]),
            ("xtask", &["asynx-bus"]),
        ]);
        assert_eq!(breaches(&workspace), [""; 0]);
        assert!(check(&workspace).is_ok());
    }

    #[test]
    fn a_peer_that_knows_a_peer_is_a_breach() {
        let workspace = workspace(&[
            ("asynx", &[]),
            ("asynx-bus", &["asynx-core", "asynx-store-new"]),
            ("asynx-core", &["asynx-bus", "asynx-observe"]),
            ("asynx-lanes", &[]),
            ("asynx-observe", &[]),
            ("asynx-processor", &["asynx-lanes"]),
            ("asynx-store-new", &["asynx", "asynx-bus"]),
        ]);
        let expected = [
            "asynx-bus depends on asynx-store-new",
            "asynx-core depends on asynx-bus",
            "asynx-core depends on asynx-observe",
            "asynx-processor depends on asynx-lanes",
            "asynx-store-new depends on asynx",
            "asynx-store-new depends on asynx-bus",
        ];
        assert_eq!(breaches(&workspace), expected);
        assert!(check(&workspace).is_err());
    }

    #[test]
    fn without_core_nothing_is_proved() {
        assert!(check(&workspace(&[("asynx", &[])])).is_err());
    }
}
