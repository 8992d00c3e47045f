//! Time (R3, R4).

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use asynx_core::Timestamp;
use futures::future::{self, Either};

use super::Trial;
use crate::conformance::check::Kept;

/// Sleeps, made outside of the runtime and awaited inside, end after their duration.
#[expect(clippy::disallowed_methods, reason = "the runtime is held against the clock")]
pub async fn r3_a_sleep_ends_after_its_duration(trial: &mut Trial) -> Kept {
    for millis in [0, 1, 20, 50] {
        let duration = Duration::from_millis(millis);
        let (ended, end) = mpsc::channel();
        let begun = Instant::now();
        let sleep = trial.runtime.sleep(duration);
        trial.spawn(async move {
            sleep.await;
            let _ = ended.send(Instant::now());
        });
        let slept = trial.received(format!("the end of a sleep of {duration:?}"), &end)? - begun;
        trial.ensure(
            slept >= duration,
            format!("a sleep of {duration:?} ended after {slept:?}"),
        )?;
    }
    Ok(())
}

/// Sleeps that were and were not polled may be dropped, also the longest there is, and hold no other one up.
pub async fn r3_a_sleep_may_be_dropped_early(trial: &mut Trial) -> Kept {
    let (ended, end) = mpsc::channel();
    let (runtime, long) = (Arc::clone(&trial.runtime), trial.patience * 2);
    trial.spawn(async move {
        drop(runtime.sleep(long));
        let endless = future::select(runtime.sleep(Duration::MAX), runtime.sleep(Duration::ZERO)).await;
        let mut in_order = matches!(endless, Either::Right(_));
        drop(endless);
        for _ in 0..10 {
            match future::select(runtime.sleep(long), runtime.sleep(Duration::from_millis(2))).await {
                Either::Left(_) => in_order = false,
                Either::Right(((), dropped)) => drop(dropped),
            }
        }
        runtime.sleep(Duration::from_millis(1)).await;
        let _ = ended.send(in_order);
    });
    let in_order = trial.received("the end of sleeps, others of which are dropped", &end)?;
    trial.ensure(in_order, "of two sleeps the longer one ended first")
}

/// A hundred sleeps of different lengths all end.
pub async fn r3_many_sleeps_end(trial: &mut Trial) -> Kept {
    let (ended, end) = mpsc::channel();
    for number in 0..100 {
        let (ended, sleep) = (ended.clone(), trial.runtime.sleep(Duration::from_millis(100 - number)));
        trial.spawn(async move {
            sleep.await;
            let _ = ended.send(());
        });
    }
    (0..100).try_for_each(|number| trial.received(format!("the end of {number} of 100 sleeps"), &end))
}

/// The clock is that of the machine, before and after a while.
#[expect(clippy::disallowed_methods, reason = "the runtime is held against the clock")]
pub async fn r4_now_is_the_machines_clock(trial: &mut Trial) -> Kept {
    for _ in 0..3 {
        let before = Timestamp::from(SystemTime::now());
        let now = trial.runtime.now();
        let after = Timestamp::from(SystemTime::now());
        let within = before <= now && now <= after;
        trial.ensure(
            within,
            format!("{now} is not between {before} and {after}, when it was read"),
        )?;
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
