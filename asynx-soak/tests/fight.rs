//! Two processes fight for one aggregate, and every answer was true when it was given.

mod program;

use program::{Run, figure, run};

fn fight(store: &str, more: &[&str]) -> Run {
    run(&[&["fight", "--seconds", "3", "--seed", "31", "--store", store], more].concat())
}

fn assert_sound(run: &Run) {
    let last = run.last();
    assert!(run.sound, "{last}");
    assert!(last.ends_with("untrue 0"), "{last}");
    for name in ["accepted", "rejected", "read"] {
        assert!(figure(last, name) > 0, "{last}");
    }
}

#[test]
fn processes_that_fight_on_postgres_are_told_the_truth() {
    assert_sound(&fight("postgres", &[]));
}

#[test]
fn processes_that_fight_on_sqlite_are_told_the_truth() {
    assert_sound(&fight("sqlite", &[]));
}

#[cfg(feature = "sabotage")]
#[test]
fn a_rejection_by_what_was_outdated_is_found_out() {
    for store in ["postgres", "sqlite"] {
        // How often the two meet is up to the machine.
        let found = (0..10)
            .map(|_| fight(store, &["--sabotage", "no-freshness-check"]))
            .find(|run| !run.sound);
        let found = found.expect("it is found out in ten fights");
        assert!(figure(found.last(), "untrue") > 0);
    }
}
