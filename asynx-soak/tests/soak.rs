//! Short soaks, and proofs that they can find something. `cargo xtask soak` takes longer.

mod program;

use program::{Run, figure, run};

fn soak(more: &[&str]) -> Run {
    run(&[&["soak", "--seconds", "3"], more].concat())
}

fn assert_sound(run: &Run) {
    let last = run.last();
    assert!(run.sound, "{last}");
    assert!(last.ends_with("lost 0 twice 0 disordered 0"), "{last}");
    assert!(figure(last, "committed") > 0, "{last}");
    assert_eq!(figure(last, "delivered"), figure(last, "committed"), "{last}");
}

#[test]
fn postgres_loses_nothing_to_readers() {
    assert_sound(&soak(&["--seed", "11"]));
}

#[test]
fn sqlite_loses_nothing_to_readers() {
    assert_sound(&soak(&["--seed", "12", "--store", "sqlite"]));
}

#[test]
fn a_reader_without_a_watermark_is_found_out() {
    let run = soak(&["--seed", "13", "--sabotage", "no-watermark"]);
    assert!(!run.sound);
    assert!(figure(run.last(), "lost") > 0);
}

#[test]
fn other_broken_readers_are_found_out() {
    for (sabotage, found) in [("skip", "lost"), ("repeat", "twice"), ("swap", "disordered")] {
        let run = soak(&["--seed", "14", "--store", "sqlite", "--sabotage", sabotage]);
        assert!(!run.sound);
        assert!(figure(run.last(), found) > 0);
    }
}
