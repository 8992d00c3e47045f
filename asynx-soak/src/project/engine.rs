use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use asynx_core::Store;
use asynx_core::store::Transactions;
use asynx_projection::{Detached, Engine, Lifecycle, ProjectionOptions, Transactional, Untyped};
use asynx_runtime::TokioRuntime;

use super::model::Model;
use super::sabotage::Sabotage;
use super::seen::Seen;
use super::table::{TABLES, Table};
use super::tables::{Own, Within};

/// Shorter than anybody would have it, so that there are many hand-overs.
pub(super) const LEASE: Duration = Duration::from_secs(1);

/// Small, so that there are many checkpoints.
const BATCH: usize = 50;

/// Runs all projections.
pub(super) fn start<S, T>(store: S, tables: &T, sabotage: Option<Sabotage>) -> Result<Engine>
where
    S: Store + Transactions + Clone,
    T: Own + Within<S::Transaction> + Clone,
{
    let seen = |table: &'static str| Seen {
        base: store.clone(),
        table,
        sabotage,
    };
    let engine = Engine::builder(seen(""), Arc::new(TokioRuntime::current()?)).build()?;
    for table in TABLES {
        let model = Model {
            tables: tables.clone(),
            table: table.name,
        };
        if table.transactional {
            let transactional = Transactional {
                transactions: seen(table.name),
                projection: model,
            };
            run(&engine, table, transactional)?;
        } else {
            run(&engine, table, Detached(model))?;
        }
    }
    Ok(engine)
}

fn run<L: Lifecycle<Decode = Untyped>>(engine: &Engine, table: Table, lifecycle: L) -> Result<()> {
    let options = ProjectionOptions::new()
        .with_batch(NonZeroUsize::new(BATCH).unwrap_or(NonZeroUsize::MIN))
        .with_partitions(NonZeroUsize::new(table.partitions).unwrap_or(NonZeroUsize::MIN))
        .with_lease_time(LEASE)
        .with_poll_interval(LEASE / 4)
        .with_backoff(Duration::from_millis(10), LEASE / 2);
    engine.run(table.name, options, || Untyped, lifecycle)?;
    Ok(())
}
