//! Short runs of projections in processes that die, and proofs that they can find something. `cargo xtask soak
//! --projections` takes longer.

mod program;

use program::{Run, figure, finds, run};

// Few writers: two of these run side by side, and projections are to keep up on a slow machine.
const SHORT: [&str; 6] = ["projections", "--seconds", "3", "--writers", "2", "--store"];

fn assert_sound(run: &Run) {
    assert!(run.sound, "{:?}", run.lines);
    let lines: Vec<&String> = run.lines.iter().filter(|line| line.contains(" committed ")).collect();
    assert_eq!(lines.len(), 4, "{:?}", run.lines);
    for line in lines {
        assert!(line.contains("lost 0 twice 0 disordered 0"), "{line}");
        assert!(figure(line, "committed") > 0, "{line}");
        assert_eq!(figure(line, "applied"), figure(line, "committed"), "{line}");
    }
}

#[test]
fn projections_on_postgres_lose_nothing_and_write_nothing_twice() {
    assert_sound(&run(&[&SHORT[..], &["postgres"]].concat()));
}

#[test]
fn projections_on_sqlite_lose_nothing_and_write_nothing_twice() {
    assert_sound(&run(&[&SHORT[..], &["sqlite"]].concat()));
}

#[test]
fn a_checkpoint_before_the_work_is_found_out() {
    finds(
        "lost",
        &[&SHORT[..], &["postgres", "--sabotage", "checkpoint-first"]].concat(),
    );
}

#[test]
fn an_old_owner_without_a_fence_is_found_out() {
    finds("twice", &[&SHORT[..], &["postgres", "--sabotage", "no-fence"]].concat());
}

#[test]
fn a_partition_that_is_skipped_is_found_out() {
    finds(
        "lost",
        &[&SHORT[..], &["sqlite", "--sabotage", "skipped-partition"]].concat(),
    );
}
