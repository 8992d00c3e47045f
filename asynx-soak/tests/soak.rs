//! A short soak, and a proof that a soak can fail. `cargo xtask soak` takes longer.

mod program;

use program::{figure, run};

#[test]
fn postgres_loses_nothing_to_readers() {
    let (last, sound) = run(&["soak", "--seconds", "3", "--seed", "11"]);
    assert!(sound, "{last}");
    assert!(last.ends_with("lost 0 twice 0 disordered 0"), "{last}");
    assert!(figure(&last, "committed") > 0, "{last}");
    assert_eq!(figure(&last, "delivered"), figure(&last, "committed"), "{last}");
}

#[test]
fn a_reader_without_a_watermark_is_found_out() {
    let (last, sound) = run(&["soak", "--seconds", "3", "--seed", "12", "--sabotage", "no-watermark"]);
    assert!(!sound, "{last}");
    assert!(figure(&last, "lost") > 0, "{last}");
}

#[test]
fn other_broken_readers_are_found_out() {
    for (sabotage, found) in [("skip", "lost"), ("repeat", "twice"), ("swap", "disordered")] {
        let (last, sound) = run(&["soak", "--seconds", "2", "--seed", "13", "--sabotage", sabotage]);
        assert!(!sound, "{last}");
        assert!(figure(&last, found) > 0, "{last}");
    }
}
