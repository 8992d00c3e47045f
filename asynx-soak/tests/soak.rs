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
