//! A few seeds in every test run; `cargo xtask sim` runs many.

use asynx_sim::run_seed;

/// Seeds that once broke a law, with what was found.
const ONCE_BROKEN: &[(u64, &str)] = &[];

fn hold(seed: u64) {
    let outcome = run_seed(seed, None);
    if let Some(failure) = outcome.failure {
        panic!("{failure}");
    }
}

#[test]
fn sixty_seeds_break_no_law() {
    (1..=60).for_each(hold);
}

#[test]
fn what_once_broke_a_law_is_mended() {
    for (seed, found) in ONCE_BROKEN {
        println!("seed {seed}: {found}");
        hold(*seed);
    }
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in 100..110 {
        let (one, again) = (run_seed(seed, None), run_seed(seed, None));
        assert_eq!(one.trace, again.trace, "seed {seed}");
        assert!(one.history == again.history, "seed {seed}");
        assert_eq!(one.figures, again.figures, "seed {seed}");
    }
}
