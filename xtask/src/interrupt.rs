//! Ctrl-C, SIGTERM and SIGHUP: the first stops the programs we run, so that the command fails and its guards clean up on the way
//! out; the second ends at once.

use std::collections::BTreeSet;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The signal that was caught, 0 if none.
static CAUGHT: AtomicI32 = AtomicI32::new(0);
/// The process groups that an interrupt ends. Held while a program is started, so that none slips through between the two.
static GROUPS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Catches the signals from here on.
pub(crate) fn listen() -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("failed to catch signals")?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || signals.forever().for_each(on_signal))
        .context("failed to start the thread that waits for signals")?;
    Ok(())
}

/// Fails once a signal was caught; asked wherever something waits or a program is started.
pub(crate) fn check() -> Result<()> {
    match CAUGHT.load(Ordering::SeqCst) {
        0 => Ok(()),
        signal => bail!("interrupted by signal {signal}"),
    }
}

/// What a shell expects of a program that a signal ended; `None` if there was no signal.
pub(crate) fn exit_code() -> Option<ExitCode> {
    match CAUGHT.load(Ordering::SeqCst) {
        0 => None,
        signal => Some(ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))),
    }
}

/// The groups to end at an interrupt.
pub(crate) fn groups() -> MutexGuard<'static, BTreeSet<u32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends `signal` (`TERM`, `KILL`) to a whole process group. That it has gone already is fine.
pub(crate) fn kill_group(group: u32, signal: &str) {
    // By way of the shell, since a system call would need unsafe code or one more dependency.
    let _ = Command::new("sh")
        .args(["-c", "kill -s \"$1\" -- \"-$2\"", "kill", signal, &group.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

fn on_signal(signal: i32) {
    let first = CAUGHT.swap(signal, Ordering::SeqCst) == 0;
    if first {
        eprintln!("\ninterrupted: stopping what was started (again: at once)");
    }
    for group in groups().iter() {
        kill_group(*group, if first { "TERM" } else { "KILL" });
    }
    if !first {
        std::process::exit(128 + signal);
    }
}
