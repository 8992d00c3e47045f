//! Says which step runs, and in the end which ones failed and how to mend them.

use std::process::ExitCode;

use anyhow::Result;

use crate::interrupt;
use crate::stopwatch::Stopwatch;

/// The steps so far.
pub(super) struct Report {
    watch: Stopwatch,
    passed: u32,
    /// What to print of each that failed.
    failed: Vec<String>,
}

impl Report {
    pub(super) fn start() -> Self {
        Self {
            watch: Stopwatch::start(),
            passed: 0,
            failed: Vec::new(),
        }
    }

    /// Runs a step and remembers how it went. The next ones run all the same, to show everything there is to mend at once.
    ///
    /// # Errors
    ///
    /// Only if the person interrupts.
    pub(super) fn step(&mut self, name: &str, mend: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n==> {name}");
        let result = step();
        interrupt::check()?;
        match result {
            Ok(()) => self.passed += 1,
            Err(error) => {
                println!("{error:#}");
                self.failed.push(format!("failed: {name}; {mend}"));
            }
        }
        Ok(())
    }

    /// Prints what failed and the figures.
    pub(super) fn end(self) -> ExitCode {
        println!();
        for failed in &self.failed {
            println!("{failed}");
        }
        println!(
            "check: {} steps passed, {} failed in {}",
            self.passed,
            self.failed.len(),
            self.watch
        );
        if self.failed.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_does_not_hide_the_next() {
        let mut report = Report::start();
        report.step("one", "mend it", || anyhow::bail!("broken")).unwrap();
        report.step("two", "mend it", || Ok(())).unwrap();
        assert_eq!(
            (report.passed, report.failed.as_slice()),
            (1, &["failed: one; mend it".to_owned()][..])
        );
        assert_eq!(format!("{:?}", report.end()), format!("{:?}", ExitCode::FAILURE));
    }
}
