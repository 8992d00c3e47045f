//! W1-W3: the lease of a sole writer.

use asynx_core::Category;
use asynx_core::store::{SoleWriter, WriterLease};

use super::Trial;
use super::check::Kept;

#[track_caller]
pub(super) fn acquire(
    trial: &Trial,
    writer: &dyn SoleWriter,
    category: &Category,
) -> impl Future<Output = Kept<Option<Box<dyn WriterLease>>>> {
    trial.asks(async move { trial.ok("acquiring a lease", writer.acquire(category)).await })
}

/// Waits until a lease is free. The trial's patience bounds it.
#[track_caller]
pub(super) fn acquire_freed(
    trial: &Trial,
    writer: &dyn SoleWriter,
    category: &Category,
) -> impl Future<Output = Kept<Box<dyn WriterLease>>> {
    trial.asks(async move {
        loop {
            if let Some(lease) = acquire(trial, writer, category).await? {
                return Ok(lease);
            }
            trial.pause().await;
        }
    })
}

fn other(trial: &Trial) -> Category {
    Category::parse(format!("{}-other", trial.category())).expect("a valid category")
}

/// A held lease is given to nobody else, however many ask; other categories are free.
pub async fn w1_a_held_lease_is_refused(trial: &Trial) -> Kept {
    let Some(writer) = trial.sole_writer()? else {
        return Ok(());
    };
    let category = trial.category();
    let askers = (0..8).map(|_| {
        let (trial, category) = (trial.clone(), category.clone());
        async move {
            match trial.sole_writer()? {
                Some(writer) => acquire(&trial, writer, &category).await,
                None => Ok(None),
            }
        }
    });
    let leases: Vec<_> = trial.race(askers).await?.into_iter().collect::<Kept<_>>()?;
    let held: Vec<_> = leases.into_iter().flatten().collect();
    trial.equal("the leases given to eight who asked at once", held.len(), 1)?;
    trial.ensure(held[0].is_held(), "a lease that was just given is not held")?;
    for _ in 0..3 {
        let second = acquire(trial, writer, &category).await?;
        trial.ensure(second.is_none(), "a second lease was given while the first was held")?;
        trial.grace().await;
    }
    let foreign = acquire(trial, writer, &other(trial)).await?;
    trial.ensure(foreign.is_some(), "the lease of another category was refused")?;
    trial.ensure(held[0].is_held(), "a lease was lost although nobody took it")
}

/// A dropped lease can be had again, many times.
pub async fn w2_a_dropped_lease_is_free(trial: &Trial) -> Kept {
    let Some(writer) = trial.sole_writer()? else {
        return Ok(());
    };
    let foreign = acquire_freed(trial, writer, &other(trial)).await?;
    for _ in 0..3 {
        let lease = acquire_freed(trial, writer, &trial.category()).await?;
        trial.ensure(lease.is_held(), "a lease that was just given is not held")?;
        drop(lease);
    }
    trial.ensure(foreign.is_held(), "a lease was lost by the drop of another category's")
}

/// A lease that is taken away knows it before somebody else can have it, and for good.
///
/// Needs a fixture that can take leases away; where none is declared there is nothing that could lose one.
pub async fn w3_a_lost_lease_says_so_first(trial: &Trial) -> Kept {
    let Some(writer) = trial.sole_writer()? else {
        return Ok(());
    };
    let category = trial.category();
    let first = acquire_freed(trial, writer, &category).await?;
    trial.ensure(first.is_held(), "a lease that was just given is not held")?;
    let Some(loser) = trial.lease_loser()? else {
        return Ok(());
    };
    loser.lose(&category).await;
    let second = acquire_freed(trial, writer, &category).await?;
    trial.ensure(!first.is_held(), "a lease says that it is held after another was given")?;
    drop(second);
    trial.ensure(!first.is_held(), "a lost lease says again that it is held")
}
