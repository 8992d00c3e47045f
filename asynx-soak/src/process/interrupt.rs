use std::process::ExitCode;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// What a shell expects of a program that a signal ended, less its number.
const SIGNALLED: u8 = 128;

/// Runs until the end, or until somebody has had enough; then what was started is ended by being dropped.
pub(crate) async fn until_interrupted(run: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let signalled = tokio::select! {
        ended = run => return ended,
        _ = terminate.recv() => SignalKind::terminate(),
        _ = interrupt.recv() => SignalKind::interrupt(),
    };
    eprintln!("interrupted");
    let number = u8::try_from(signalled.as_raw_value()).unwrap_or(0);
    Ok(ExitCode::from(SIGNALLED + number))
}
