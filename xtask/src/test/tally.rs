//! Counts what `cargo test` prints.

use std::fmt;

/// What the lines read so far add up to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    failing: Vec<String>,
}

impl Tally {
    /// Reads one line of stdout; most say nothing about the result.
    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            self.failing.push(name.to_owned());
        } else if let Some([passed, failed, ignored]) = summary(line) {
            self.passed += passed;
            self.failed += failed;
            self.ignored += ignored;
        }
    }

    /// How many tests had a result.
    pub(crate) fn ran(&self) -> u64 {
        self.passed + self.failed
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed
    }

    /// The names of the tests that failed, as far as they were printed.
    pub(crate) fn failing(&self) -> &[String] {
        &self.failing
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} ignored",
            self.passed, self.failed, self.ignored
        )
    }
}

/// The first three figures of `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; ...`.
fn summary(line: &str) -> Option<[u64; 3]> {
    let (_, figures) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut figures = figures.split("; ");
    let mut figure = |label: &str| figures.next()?.strip_suffix(label)?.trim_end().parse().ok();
    Some([figure("passed")?, figure("failed")?, figure("ignored")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(output: &str) -> Tally {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn the_results_of_all_programs_are_added() {
        let tally = tally(
            "\nrunning 3 tests\ntest a::b ... ok\ntest a::c ... FAILED\ntest d ... ignored, too slow\n\n\
             test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s\n\n\
             running 1 test\ntest src/lib.rs - (line 5) ... ok\n\n\
             test result: ok. 41 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 1.50s\r\n\
             all doctests ran in 0.20s; merged doctests compilation took 0.10s\n",
        );
        assert_eq!(tally.to_string(), "42 passed, 1 failed, 3 ignored");
        assert_eq!(tally.ran(), 43);
        assert_eq!(tally.failed(), 1);
        assert_eq!(tally.failing(), ["a::c"]);
    }

    #[test]
    fn ignored_tests_did_not_run() {
        assert_eq!(
            tally("test result: ok. 0 passed; 0 failed; 9 ignored; 0 measured; 0 filtered out").ran(),
            0
        );
    }

    #[test]
    fn other_lines_count_for_nothing() {
        let tally = tally(
            "test result: ok.\ntest result: ok. x passed; 0 failed; 0 ignored\nthe test result: ok. 1 passed; 0 failed; 0 ignored;\n",
        );
        assert_eq!(tally.to_string(), "0 passed, 0 failed, 0 ignored");
        assert_eq!(tally.ran(), 0);
    }
}
