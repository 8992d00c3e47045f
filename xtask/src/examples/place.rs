use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::example::Example;
use super::provisions::Provisions;
use crate::process;
use crate::workspace::cargo;

/// Somebody reads along with an example; one that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// A folder of its own, in which an example finds nothing of earlier runs.
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("asynx-example-{}-{count}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
        Ok(Self(folder))
    }

    /// Runs an example there, and gives what it prints.
    pub(super) fn run(&self, example: &Example, provisions: &Provisions) -> Result<String> {
        let mut printed = String::new();
        let mut run = cargo();
        run.args(["run", "--quiet", "--example", &example.name, "--manifest-path"]);
        run.arg(&example.manifest).current_dir(&self.0);
        run.arg("--").args(provisions.arguments_of(&example.name)?);
        let status = process::stream(&mut run, Some(LIMIT), |line| printed.push_str(line))?;
        if !status.success() {
            bail!("it ended with {status}; it printed\n{printed}");
        }
        Ok(printed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It is in the folder for temporary files: whatever is left goes some day.
        let _ = fs::remove_dir_all(&self.0);
    }
}
