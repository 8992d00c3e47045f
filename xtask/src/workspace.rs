//! What cargo says of the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process;

/// The crates of the workspace, sorted by name.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// Empty where there is none.
    pub(crate) description: String,
    /// The oldest Rust that is enough; empty where it is not stated.
    pub(crate) rust_version: String,
    /// How many there are.
    pub(crate) keywords: usize,
    /// Whether it may be put into a registry.
    pub(crate) published: bool,
    /// Without those that only dependencies of dependencies have; `default` included.
    pub(crate) features: Vec<String>,
    /// The names of the packages that a user of this one compiles too: no dev-dependencies.
    pub(crate) dependencies: Vec<String>,
    /// The names of its examples.
    pub(crate) examples: Vec<String>,
}

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        let metadata = process::capture(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
        Self::parse(&metadata).context("failed to read the answer of `cargo metadata`")
    }

    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    fn parse(metadata: &str) -> Result<Self> {
        let metadata: Value = serde_json::from_str(metadata)?;
        let mut packages = list(&metadata, "packages")?
            .iter()
            .map(Package::parse)
            .collect::<Result<Vec<_>>>()?;
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { packages })
    }
}

impl Package {
    fn parse(package: &Value) -> Result<Self> {
        let manifest = Path::new(text(package, "manifest_path")?);
        let features = package["features"].as_object().context("no features")?;
        let dependencies = list(package, "dependencies")?
            .iter()
            .filter(|dependency| dependency["kind"] != "dev");
        let examples = list(package, "targets")?
            .iter()
            .filter(|target| target["kind"] == serde_json::json!(["example"]));
        Ok(Self {
            name: text(package, "name")?.to_owned(),
            folder: manifest.parent().context("a manifest without a folder")?.to_owned(),
            description: package["description"].as_str().unwrap_or_default().to_owned(),
            rust_version: package["rust_version"].as_str().unwrap_or_default().to_owned(),
            keywords: package["keywords"].as_array().map_or(0, Vec::len),
            // `null` stands for any registry, a list for those that are named.
            published: package["publish"]
                .as_array()
                .is_none_or(|registries| !registries.is_empty()),
            features: features.keys().cloned().collect(),
            dependencies: dependencies.map(name).collect::<Result<_>>()?,
            examples: examples.map(name).collect::<Result<_>>()?,
        })
    }
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let xtask =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    xtask.parent().map_or_else(|| xtask.clone(), Path::to_owned)
}

/// The cargo that runs us, in the folder of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

fn name(value: &Value) -> Result<String> {
    text(value, "name").map(str::to_owned)
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().with_context(|| format!("`{key}` is not a string"))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key].as_array().with_context(|| format!("`{key}` is not a list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_cargo_is_understood() {
        let workspace = Workspace::parse(
            r#"{"packages": [
                {"name": "b", "manifest_path": "/w/b/Cargo.toml", "features": {}, "dependencies": [], "targets": []},
                {"name": "a", "manifest_path": "/w/a/Cargo.toml", "description": "an a", "rust_version": "1.95",
                 "keywords": ["x", "y"], "publish": [], "features": {"default": ["x"], "x": []},
                 "dependencies": [{"name": "b", "kind": null}, {"name": "c", "kind": "build"}, {"name": "d", "kind": "dev"}],
                 "targets": [{"name": "a", "kind": ["lib"]}, {"name": "orders", "kind": ["example"]}]}
            ]}"#,
        )
        .unwrap();
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let expected = Package {
            name: "a".to_owned(),
            folder: "/w/a".into(),
            description: "an a".to_owned(),
            rust_version: "1.95".to_owned(),
            keywords: 2,
            published: false,
            features: names(&["default", "x"]),
            dependencies: names(&["b", "c"]),
            examples: names(&["orders"]),
        };
        assert_eq!(workspace.packages.len(), 2);
        assert_eq!(workspace.package("a"), Some(&expected));
        assert_eq!(workspace.package("c"), None);
        assert!(workspace.package("b").unwrap().published);
    }

    #[test]
    fn an_answer_of_another_shape_is_an_error() {
        assert!(Workspace::parse("{}").is_err());
        assert!(Workspace::parse(r#"{"packages": [{"name": "a"}]}"#).is_err());
    }

    #[test]
    fn this_workspace_is_read() {
        let workspace = Workspace::load().unwrap();
        assert_eq!(workspace.package("xtask").unwrap().folder, root().join("xtask"));
        assert!(workspace.package("asynx-core").is_some());
    }
}
