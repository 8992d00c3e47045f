use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// Runs to the end, or until somebody has had enough: `None`. What was started is ended by being dropped.
pub(crate) async fn until_interrupted<T>(run: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        ended = run => return ended.map(Some),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    eprintln!("interrupted");
    Ok(None)
}
