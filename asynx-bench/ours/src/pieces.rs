//! The differ beside `serde_json`.

use std::hint::black_box;
use std::time::Instant;

use asynx_core::patch::{Tape, diff as patch_between};
use bench_workload::{Action, Arguments, Order, Report, median};

/// Short, so that most blocks run to their end without another process in between.
const BLOCK: u32 = 200;

/// A small change of a state whose old tape is cached: serialised, compared, patch out. Beside one `to_vec` of the new state.
pub(crate) fn diff(arguments: &Arguments, report: &mut Report) {
    let old = Order::placed("ORD-0000-0000001");
    let new = Action::always(1).emit(&old.id, Some(&old));
    let cached = Tape::of(&old).unwrap();
    let begun = Instant::now();
    let (mut diffs, mut texts, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    while begun.elapsed() < arguments.seconds() || ratios.len() < 10 {
        let diff = nanos(|| {
            let tape = Tape::of_reusing(black_box(&new), black_box(&cached).room_like()).unwrap();
            black_box(patch_between(&cached, &tape));
        });
        let text = nanos(|| {
            black_box(serde_json::to_vec(black_box(&new)).unwrap());
        });
        diffs.push(diff);
        texts.push(text);
        ratios.push(diff / text);
    }
    let tape = Tape::of(&new).unwrap();
    let patch = String::from_utf8(patch_between(&cached, &tape)).unwrap();
    assert!(
        patch.contains("/lines/1/quantity") && patch.contains("/total_cents"),
        "{patch}"
    );
    // A tenth is the warm-up.
    let warm = ratios.len() / 10;
    report.figure("diff_ns", median(&mut diffs[warm..]));
    report.figure("to_vec_ns", median(&mut texts[warm..]));
    report.figure("diff_over_to_vec", median(&mut ratios[warm..]));
}

fn nanos(mut work: impl FnMut()) -> f64 {
    let begun = Instant::now();
    for _ in 0..BLOCK {
        work();
    }
    begun.elapsed().as_nanos() as f64 / f64::from(BLOCK)
}
