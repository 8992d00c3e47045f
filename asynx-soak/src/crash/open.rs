use std::sync::Arc;

use anyhow::Result;
use asynx::{Asynx, Options};
use asynx_core::Store;
use asynx_runtime::TokioRuntime;
use asynx_testkit::layers::Layered;

use super::doubts::Doubts;
use super::eager::Eager;
use super::sabotage::Sabotage;
use crate::bank::{Account, handle};
use crate::database::Database;

/// A whole handle on a database, with the options that a user has.
pub(super) async fn open(database: &Database, sabotage: Option<Sabotage>) -> Result<Asynx<Account>> {
    let store = database.open().await?;
    let store: Arc<dyn Store> = match sabotage {
        Some(Sabotage::Early) => Arc::new(Eager::new(store, TokioRuntime::current()?)),
        _ => Arc::new(Layered::over(store, Doubts)),
    };
    handle(store, Options::default()).await
}
