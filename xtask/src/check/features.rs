//! Every crate compiles by itself: without features, with each one alone, with all.
//!
//! In a build of the whole workspace one crate's features help out another's; a user who depends on one crate sees no such help.

use crate::workspace::{Package, Workspace};

pub(super) const MEND: &str = "repeat the command that is named above; a feature must bring all that it needs";

/// The title and the cargo arguments of each combination.
pub(super) fn combinations(workspace: &Workspace) -> Vec<(String, Vec<String>)> {
    workspace.packages.iter().flat_map(of_package).collect()
}

fn of_package(package: &Package) -> Vec<(String, Vec<String>)> {
    let mut combinations = vec![combination(package, "no features", &["--no-default-features"])];
    for feature in &package.features {
        combinations.push(combination(
            package,
            feature,
            &["--no-default-features", "--features", feature],
        ));
    }
    // All of one is that one.
    if package.features.len() > 1 {
        combinations.push(combination(package, "all features", &["--all-features"]));
    }
    combinations
}

/// Clippy rather than `cargo check`: it compiles no more, and can deny the warnings (an import that only one feature uses) in our
/// crates without compiling their dependencies anew, which RUSTFLAGS would.
fn combination(package: &Package, title: &str, features: &[&str]) -> (String, Vec<String>) {
    let arguments = [
        &["clippy", "--quiet", "--no-deps", "--package", &package.name],
        features,
        &["--", "-D", "warnings"],
    ]
    .concat();
    (
        format!("{}: {title}", package.name),
        arguments.into_iter().map(str::to_owned).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(features: &[&str]) -> Vec<String> {
        let package = Package {
            name: "a".to_owned(),
            folder: "/w/a".into(),
            features: features.iter().map(|feature| feature.to_string()).collect(),
            ..Package::default()
        };
        combinations(&Workspace {
            packages: vec![package],
        })
        .into_iter()
        .map(|(title, _)| title)
        .collect()
    }

    #[test]
    fn each_feature_is_tried_alone_and_all_together() {
        assert_eq!(
            titles(&["default", "x"]),
            ["a: no features", "a: default", "a: x", "a: all features"]
        );
        assert_eq!(titles(&["x"]), ["a: no features", "a: x"]);
        assert_eq!(titles(&[]), ["a: no features"]);
    }
}
