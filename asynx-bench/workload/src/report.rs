use std::fs::{File, OpenOptions};
use std::io::Write;

use serde_json::json;

/// Writes figures as JSON lines: to the file that `ASYNX_BENCH_OUT` names, or else to stderr. Not to stdout: one of the stores
/// prints what it does.
pub struct Report(Option<File>);

impl Report {
    pub fn open() -> Self {
        let file = std::env::var_os("ASYNX_BENCH_OUT").map(|path| {
            let opened = OpenOptions::new().create(true).append(true).open(&path);
            opened.unwrap_or_else(|error| panic!("failed to open {}: {error}", path.display()))
        });
        Self(file)
    }

    pub fn figure(&mut self, figure: &str, value: f64) {
        assert!(value.is_finite(), "{figure} is {value}");
        let line = json!({ "figure": figure, "value": value });
        let written = match &mut self.0 {
            Some(file) => writeln!(file, "{line}"),
            None => writeln!(std::io::stderr(), "{line}"),
        };
        written.unwrap_or_else(|error| panic!("failed to write a figure: {error}"));
    }
}
