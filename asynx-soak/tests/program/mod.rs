//! Runs the program as `cargo xtask` does, only shorter.
#![allow(dead_code, reason = "each test file uses a part")]

use std::process::Command;

/// What it printed, and whether it was content.
pub(crate) struct Run {
    pub(crate) lines: Vec<String>,
    pub(crate) sound: bool,
}

impl Run {
    pub(crate) fn last(&self) -> &str {
        self.lines.last().map_or("", |line| line)
    }
}

pub(crate) fn run(arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_asynx-soak"))
        .args(arguments)
        .output()
        .expect("the program starts");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    println!("{stdout}\n{stderr}");
    Run {
        lines: stdout.lines().map(str::to_owned).collect(),
        sound: output.status.success(),
    }
}

/// The number behind a word.
pub(crate) fn figure(line: &str, name: &str) -> u64 {
    let mut words = line.split(' ').skip_while(|word| *word != name);
    let number = words.nth(1).and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("no {name} in `{line}`"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
