//! Where the programs of PostgreSQL are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::install;
use crate::process;

/// The oldest version that asynx supports.
pub(super) const OLDEST: u32 = 14;
/// What a cluster needs.
const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];
/// Where packages put the programs without adding them to PATH; `*` stands for the rest of one name. In turn: Debian, Red Hat with
/// the project's own packages, Alpine, SUSE and Gentoo, Homebrew (ARM, Intel, Linux), Postgres.app, MacPorts, built from source.
const USUAL_PLACES: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/usr/lib/postgresql*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/opt/local/lib/postgresql*/bin",
    "/usr/local/pgsql/bin",
];

/// The folder that holds `initdb`, `pg_ctl`, `postgres` of one version.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(super) folder: PathBuf,
}

impl Programs {
    /// Finds the programs, or else installs them.
    ///
    /// # Errors
    ///
    /// If there are none and they cannot be installed from here; the message holds the line that a person must run.
    pub(crate) fn provide() -> Result<Self> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        install::install()?;
        match Self::find() {
            Some(found) => Ok(found),
            None => {
                bail!("PostgreSQL was installed, but no version from {OLDEST} on was found; put its programs on PATH")
            }
        }
    }

    /// The first that serve: what PATH names goes before what lies around, and new before old.
    fn find() -> Option<Self> {
        let mut folders: Vec<PathBuf> = std::env::var_os("PATH")
            .map(|path| std::env::split_paths(&path).collect())
            .unwrap_or_default();
        folders.extend(said_by_pg_config());
        let mut usual: Vec<_> = USUAL_PLACES.iter().flat_map(|pattern| expand(pattern)).collect();
        usual.sort_by_key(|folder| std::cmp::Reverse(version_in(folder)));
        folders.extend(usual);
        folders.iter().find_map(|folder| Self::at(folder))
    }

    fn at(folder: &Path) -> Option<Self> {
        // PATH may hold links to single programs; `pg_ctl` looks for `postgres` beside the real one.
        let folder = folder.join("initdb").canonicalize().ok()?.parent()?.to_owned();
        let whole = NEEDED.iter().all(|program| folder.join(program).is_file());
        (whole && version_in(&folder)? >= OLDEST).then_some(Self { folder })
    }
}

fn said_by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// The major version of the `postgres` in `folder`.
fn version_in(folder: &Path) -> Option<u32> {
    let postgres = folder.join("postgres");
    if !postgres.is_file() {
        return None;
    }
    major(&process::capture(Command::new(postgres).arg("--version")).ok()?)
}

/// The 15 of `postgres (PostgreSQL) 15.6 (Debian 15.6-0+deb12u1)`, the 17 of `postgres (PostgreSQL) 17beta1`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

/// The folders that match `pattern`, in which at most one name holds one `*`.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![pattern.into()];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let entries = std::fs::read_dir(format!("{parent}/")).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(after.trim_start_matches('/')))
        .filter(|folder| folder.is_dir())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("postgres (PostgreSQL) 15.6 (Debian 15.6-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 9.6.24"), Some(9));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 17\n"), Some(17));
        assert_eq!(major("postgres (PostgreSQL) devel"), None);
        assert_eq!(major("initdb: not found"), None);
    }

    #[test]
    fn patterns_name_folders() {
        assert_eq!(expand("/usr/local/pgsql/bin"), [PathBuf::from("/usr/local/pgsql/bin")]);
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/s*/postgres");
        assert_eq!(
            expand(source),
            [PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/postgres"))]
        );
        assert!(expand("/nowhere/*/bin").is_empty());
    }

    #[test]
    fn a_folder_without_the_programs_is_passed_over() {
        assert!(Programs::at(Path::new(env!("CARGO_MANIFEST_DIR"))).is_none());
    }
}
