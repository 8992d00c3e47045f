//! A few crashes, and proofs that they can find something. `cargo xtask crash` takes longer, and restarts servers.

mod program;

use program::{Run, figure, finds, run};

/// Few of everything, and nothing that needs a server of one's own.
const SHORT: [&str; 10] = [
    "crash",
    "--rounds",
    "4",
    "--beside",
    "3",
    "--storms",
    "1",
    "--restarts",
    "0",
    "--store",
];

fn short<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SHORT[..], more].concat()
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
    assert_sound(&run(&short(&["postgres"])), 3);
}

#[test]
fn sqlite_keeps_what_it_acknowledged_to_processes_that_die() {
    assert_sound(&run(&short(&["sqlite"])), 2);
}

#[test]
fn jetstream_keeps_what_it_acknowledged_to_processes_and_servers_that_die() {
    let few = "crash --store jetstream --rounds 1 --beside 0 --storms 0 --restarts 0 --both 2";
    let run = run(&few.split(' ').collect::<Vec<_>>());
    // A cluster, and one server.
    assert_sound(&run, 2 * 2);
}

#[test]
fn an_answer_before_the_append_is_found_out() {
    for store in ["postgres", "sqlite"] {
        let run = finds("lost", &short(&[store, "--sabotage", "early"]));
        // Not because nothing at all is stored.
        assert!(
            run.lines
                .iter()
                .any(|line| line.contains(" acknowledged ") && figure(line, "found") > 0)
        );
    }
}

#[test]
fn a_key_that_is_not_passed_on_is_found_out() {
    finds("twice", &short(&["sqlite", "--sabotage", "keyless"]));
}

#[test]
fn a_call_without_an_answer_is_found_out() {
    finds(
        "unanswered",
        &short(&["sqlite", "--sabotage", "mute", "--patience", "3"]),
    );
}
