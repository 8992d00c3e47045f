//! Runs the program as `cargo xtask` does, only shorter.

use std::process::Command;

/// What it printed last, and whether it was content.
pub(crate) fn run(arguments: &[&str]) -> (String, bool) {
    let output = Command::new(env!("CARGO_BIN_EXE_asynx-soak"))
        .args(arguments)
        .output()
        .expect("the program starts");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    println!("{stdout}\n{stderr}");
    let last = stdout.lines().last().unwrap_or_default().to_owned();
    (last, output.status.success())
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
