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

/// Runs until a figure of a line is not 0, for chance and a busy machine may keep a deliberate bug from showing. Such a run must
/// not be content.
pub(crate) fn finds(name: &str, arguments: &[&str]) -> Run {
    for seed in ["1", "2", "3", "4"] {
        let run = run(&[arguments, &["--seed", seed]].concat());
        let found = run.lines.iter().filter(|line| line.contains(&format!(" {name} ")));
        if found.map(|line| figure(line, name)).sum::<u64>() > 0 {
            assert!(!run.sound, "{:?}", run.lines);
            return run;
        }
    }
    panic!("{arguments:?} found nothing {name}");
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
