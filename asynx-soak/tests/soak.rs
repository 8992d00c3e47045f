//! Short soaks, and proofs that they can find something. `cargo xtask soak` takes longer.

mod program;

use program::{Run, figure, finds, run};

const SHORT: [&str; 3] = ["soak", "--seconds", "3"];

fn assert_sound(run: &Run) {
    let last = run.last();
    assert!(run.sound, "{last}");
    assert!(last.ends_with("lost 0 twice 0 disordered 0"), "{last}");
    assert!(figure(last, "committed") > 0, "{last}");
    assert_eq!(figure(last, "delivered"), figure(last, "committed"), "{last}");
}

#[test]
fn postgres_loses_nothing_to_readers() {
    assert_sound(&run(&SHORT));
}

#[test]
fn sqlite_loses_nothing_to_readers() {
    assert_sound(&run(&[&SHORT[..], &["--store", "sqlite"]].concat()));
}

/// Long enough for each of the troubles that the servers have once: a cut, a leader killed, most of them killed.
const TROUBLED: [&str; 3] = ["soak", "--seconds", "6"];

#[test]
fn jetstream_loses_nothing_to_readers_while_servers_are_killed() {
    let run = run(&[&TROUBLED[..], &["--store", "jetstream"]].concat());
    assert_sound(&run);
    let told = |about: &str| {
        let line = run.lines.iter().find(|line| line.starts_with(about));
        line.unwrap_or_else(|| panic!("no `{about}` in {:?}", run.lines))
    };
    let line = told("soak: told not applied");
    assert_eq!(figure(line, "unanswered"), 0, "{line}");
    assert_eq!(figure(line, "unknown"), figure(line, "settled"), "{line}");
    assert!(figure(line, "unknown") > 0, "{line}");
    let line = told("soak: without a majority");
    assert_eq!(figure(line, "unknown"), figure(line, "settled"), "{line}");
    assert!(figure(line, "unknown") + figure(line, "applied") > 0, "{line}");
}

#[test]
fn a_reader_without_a_watermark_is_found_out() {
    finds("lost", &[&SHORT[..], &["--sabotage", "no-watermark"]].concat());
}

#[test]
fn other_broken_readers_are_found_out() {
    for (sabotage, found) in [("skip", "lost"), ("repeat", "twice"), ("swap", "disordered")] {
        finds(
            found,
            &[&SHORT[..], &["--store", "sqlite", "--sabotage", sabotage]].concat(),
        );
    }
}
