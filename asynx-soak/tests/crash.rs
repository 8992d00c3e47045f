//! A few crashes, and proofs that they can find something. `cargo xtask crash` takes longer, and restarts servers.

mod program;

use program::{Run, figure, run};

/// Few of everything, and nothing that needs a server of one's own.
fn crash(store: &str, more: &[&str]) -> Run {
    let few = [
        "crash",
        "--rounds",
        "4",
        "--beside",
        "3",
        "--storms",
        "1",
        "--restarts",
        "0",
    ];
    run(&[&few[..], &["--seed", "21", "--store", store], more].concat())
}

/// Every line must say that all is well.
fn assert_sound(run: &Run, lines: usize) {
    assert!(run.sound);
    assert_eq!(run.lines.len(), lines, "{:?}", run.lines);
    for line in &run.lines {
        assert!(line.ends_with("lost 0 twice 0 unanswered 0"), "{line}");
        assert!(figure(line, "acknowledged") > 0, "{line}");
        assert_eq!(figure(line, "acknowledged"), figure(line, "found"), "{line}");
    }
}

#[test]
fn postgres_keeps_what_it_acknowledged_to_processes_that_die() {
    assert_sound(&crash("postgres", &[]), 3);
}

#[test]
fn sqlite_keeps_what_it_acknowledged_to_processes_that_die() {
    assert_sound(&crash("sqlite", &[]), 2);
}

/// The sum of a figure over all lines that have it.
fn sum(run: &Run, name: &str) -> u64 {
    let lines = run.lines.iter().filter(|line| line.contains(" acknowledged "));
    lines.map(|line| figure(line, name)).sum()
}

#[test]
fn an_answer_before_the_append_is_found_out() {
    for store in ["postgres", "sqlite"] {
        let run = crash(store, &["--sabotage", "early"]);
        assert!(!run.sound);
        assert!(sum(&run, "lost") > 0);
        assert!(sum(&run, "found") > 0);
    }
}

#[test]
fn a_key_that_is_not_passed_on_is_found_out() {
    let run = crash("sqlite", &["--sabotage", "keyless"]);
    assert!(!run.sound);
    assert!(sum(&run, "twice") > 0);
}

#[test]
fn a_call_without_an_answer_is_found_out() {
    let run = crash("sqlite", &["--sabotage", "mute", "--patience", "1"]);
    assert!(!run.sound);
    assert!(sum(&run, "unanswered") > 0);
}
