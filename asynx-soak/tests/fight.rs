//! Two processes fight for one aggregate, and every answer was true when it was given.

mod program;

use program::{Run, figure, run};

const SHORT: [&str; 4] = ["fight", "--seconds", "3", "--store"];

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
    assert_sound(&run(&[&SHORT[..], &["postgres"]].concat()));
}

#[test]
fn processes_that_fight_on_sqlite_are_told_the_truth() {
    assert_sound(&run(&[&SHORT[..], &["sqlite"]].concat()));
}

#[cfg(feature = "sabotage")]
#[test]
fn a_rejection_by_what_was_outdated_is_found_out() {
    for store in ["postgres", "sqlite"] {
        let sabotage = [store, "--sabotage", "no-freshness-check"];
        program::finds("untrue", &[&SHORT[..], &sabotage].concat());
    }
}
