//! Entropy (R5).

use std::collections::HashSet;
use std::sync::Arc;

use super::Trial;
use crate::conformance::check::Kept;

const THREADS: usize = 4;
const EACH: usize = 10_000;

#[track_caller]
fn draw(trial: &Trial) -> Kept<Vec<u64>> {
    let drawn = || {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let runtime = Arc::clone(&trial.runtime);
                std::thread::spawn(move || (0..EACH).map(|_| runtime.entropy()).collect::<Vec<_>>())
            })
            .collect();
        let mut numbers = Vec::with_capacity(THREADS * EACH);
        for thread in threads {
            numbers.extend(thread.join().map_err(|_| trial.broken("entropy panicked"))?);
        }
        Ok(numbers)
    };
    trial.asked(drawn())
}

/// 40 000 numbers of four threads are all different.
pub async fn r5_entropy_does_not_repeat(trial: &mut Trial) -> Kept {
    let numbers = draw(trial)?;
    let different = numbers.iter().collect::<HashSet<_>>().len();
    trial.ensure(
        different == numbers.len(),
        format!("of {} numbers {different} are different", numbers.len()),
    )
}

/// Each of the 64 bits is 1 half of the time, and changes from one number to the next half of the time.
pub async fn r5_every_bit_is_random(trial: &mut Trial) -> Kept {
    let numbers = draw(trial)?;
    let half = numbers.len() / 2;
    let changes: Vec<u64> = numbers.windows(2).map(|pair| pair[0] ^ pair[1]).collect();
    for bit in 0..64 {
        for (numbers, what) in [(&numbers, "is 1"), (&changes, "changes")] {
            let ones = numbers.iter().filter(|number| **number >> bit & 1 == 1).count();
            // Ten standard deviations of 40 000 throws of a coin.
            let seen = format!("bit {bit} {what} in {ones} of {} numbers", numbers.len());
            trial.ensure(ones.abs_diff(half) < 1000, seen)?;
        }
    }
    Ok(())
}
