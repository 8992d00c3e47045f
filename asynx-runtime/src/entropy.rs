use std::cell::RefCell;
use std::process;

/// How many numbers one call of the operating system fetches.
const FETCHED: usize = 64;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { numbers: [0; FETCHED], left: 0, process: 0 }) };
}

/// The operating system's entropy, fetched ahead for one thread.
///
/// Not a generator that was seeded once: event ids are made of these numbers, and they shall be neither guessable from
/// one another nor repeated in the copy of a virtual machine beyond what is left in the pool.
struct Pool {
    numbers: [u64; FETCHED],
    left: usize,
    process: u32,
}

/// 64 bits that nobody else is likely to have been given (R5).
pub(crate) fn entropy() -> u64 {
    // A forked child has a copy of the pool; its numbers are the parent's.
    let process = process::id();
    POOL.with_borrow_mut(|pool| {
        if pool.left == 0 || pool.process != process {
            *pool = Pool::fetch(process);
        }
        pool.left -= 1;
        std::mem::take(&mut pool.numbers[pool.left])
    })
}

impl Pool {
    fn fetch(process: u32) -> Self {
        let mut bytes = [0; FETCHED * 8];
        getrandom::fill(&mut bytes).expect("the operating system gives entropy");
        let mut numbers = [0; FETCHED];
        for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks().0) {
            *number = u64::from_le_bytes(*bytes);
        }
        Self {
            numbers,
            left: FETCHED,
            process,
        }
    }
}
