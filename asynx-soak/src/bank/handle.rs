use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::{Result, bail};
use asynx::{Asynx, Options};
use asynx_core::Store;

use super::Account;

/// Snapshots are written more often than usual, so that there are some.
const SNAPSHOT_EVERY: usize = 20;

/// A whole handle on a store.
pub(crate) async fn handle(store: Arc<dyn Store>, options: Options) -> Result<Asynx<Account>> {
    let builder = Asynx::builder().store(store).options(options);
    Ok(builder
        .snapshot_every(NonZeroUsize::new(SNAPSHOT_EVERY))
        .build()
        .await?)
}

/// The usual options, with a deliberate bug of asynx where one is named.
pub(crate) fn sabotaged(name: Option<String>) -> Result<Options> {
    let Some(name) = name else {
        return Ok(Options::default());
    };
    #[cfg(feature = "sabotage")]
    if name == "no-freshness-check" {
        let mut options = Options::default();
        options.sabotage = Some(asynx_processor::Sabotage::NoFreshnessCheck);
        return Ok(options);
    }
    bail!("there is no sabotage `{name}`; was this built with the feature `sabotage`?")
}
