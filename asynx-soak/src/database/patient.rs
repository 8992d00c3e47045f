use std::time::Duration;

use anyhow::Result;
use asynx_core::StoreError;
use tokio::time::sleep;

use crate::clock::Stopwatch;

const AGAIN: Duration = Duration::from_millis(20);

/// Reads again what failed for now, for as long as that is to be expected of the database.
pub(crate) async fn patiently<T, F>(patience: Duration, mut read: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let watch = Stopwatch::start();
    loop {
        match read().await {
            Err(error) if error.is_transient() && watch.elapsed() < patience => sleep(AGAIN).await,
            answer => return Ok(answer?),
        }
    }
}
