use std::sync::Arc;
use std::time::Duration;

use asynx_core::Position;
use futures::future::{Either, select};

use crate::EngineError;
use crate::handle::Inner;
use crate::lifecycle::{Lifecycle, checkpoints, parking};
use crate::role::{Built, InUse, note, noted, since};
use crate::runner::Wish;
use crate::succession::Succession;

/// Puts a version into the place of the one in use.
///
/// The old one is stopped for good first: it is told so, and fenced. Then the new one comes as far as the old one was,
/// and takes over in one step.
pub(crate) async fn switch<L: Lifecycle>(
    inner: &Inner,
    lifecycle: &Arc<L>,
    timeout: Duration,
) -> Result<(), EngineError> {
    let Some(old) = InUse::get(&inner.store, &inner.name).await? else {
        // The first version that runs is the one in use; this one has not begun yet.
        return Err(behind(inner, Position::new([0, 0, 0]), timeout));
    };
    if old.built.version == inner.built.version {
        if let Some(successor) = old.successor {
            // It had stopped for another one, and is wanted after all.
            let succession = Succession {
                new: Built {
                    version: successor,
                    ..inner.built
                },
                ..inner.succession()
            };
            succession.undo(old).await?;
            inner.wish(Wish::Run);
        }
        return Ok(());
    }
    if old.built.version > inner.built.version {
        return Err(EngineError::Replaced {
            name: inner.name.clone(),
            version: inner.built.version,
            by: old.built.version,
        });
    }
    let began = inner.runtime.sleep(timeout);
    let wanted = Arc::new(std::sync::Mutex::new(Position::new([0, 0, 0])));
    let switching = Box::pin(go(inner, lifecycle, old, wanted.clone()));
    match select(switching, began).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => {
            let wanted = *wanted.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Err(behind(inner, wanted, timeout))
        }
    }
}

fn behind(inner: &Inner, position: Position, timeout: Duration) -> EngineError {
    EngineError::Behind {
        name: inner.name.clone(),
        position,
        timeout,
    }
}

async fn go<L: Lifecycle>(
    inner: &Inner,
    lifecycle: &Arc<L>,
    old: InUse,
    wanted: Arc<std::sync::Mutex<Position>>,
) -> Result<(), EngineError> {
    let succession = inner.succession();
    // Almost there first: the old one serves until then.
    loop {
        let target = succession.target(old).await?;
        *wanted.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = target.unwrap_or(Position::new([0, 0, 0]));
        if inner.position().await? >= target && succession.is_settled(old).await? {
            break;
        }
        inner.runtime.sleep(Duration::from_millis(20)).await;
    }
    if old.successor != Some(inner.built.version) {
        succession.announce(old).await?;
    }
    succession.fence(old).await?;
    let target = succession.target(old).await?;
    while inner.position().await? < target {
        inner.runtime.sleep(Duration::from_millis(5)).await;
    }
    succession.finish(lifecycle, old).await?;
    // Each looks again what it is to do.
    inner.wish(Wish::Run);
    Ok(())
}

/// Forgets a version that is not in use, with what it has put aside.
pub(crate) async fn remove<L: Lifecycle>(inner: &Inner, lifecycle: &Arc<L>) -> Result<(), EngineError> {
    let in_use = InUse::get(&inner.store, &inner.name).await?;
    let version = inner.built.version;
    let (store, name) = (&inner.store, &inner.name);
    let built = noted(store, name, inner.built).await?;
    if let Some(used) = in_use {
        let name = name.clone();
        if used.built.version == version || used.successor == Some(version) {
            return Err(EngineError::StillInUse { name, version });
        }
        let most = built.most(store, &name).await?;
        if used.before == Some(built) && used.built.least(store, &name).await? < most {
            return Err(EngineError::StillNeeded {
                name,
                version,
                by: used.built.version,
            });
        }
    }
    inner.wish(Wish::Stop);
    inner.stopped().await;
    let (hooked, limits) = (lifecycle.clone(), inner.limits.clone());
    let removing = async move { hooked.removed(&limits).await };
    let removed = inner.limits.task(lifecycle.calls(), removing).await;
    removed.map_err(|failure| inner.succession().hook(&failure))?;
    for reader in built.readers(name) {
        forget(inner, &reader).await?;
        loop {
            let parked = parking(&inner.store)?.parked(&reader, None, 100).await?;
            if parked.is_empty() {
                break;
            }
            for event in parked {
                parking(&inner.store)?.unpark(&reader, event.position).await?;
            }
        }
    }
    forget(inner, &since(name, version)).await?;
    forget(inner, &note(name, version)).await
}

async fn forget(inner: &Inner, reader: &str) -> Result<(), EngineError> {
    let claimed = checkpoints(&inner.store)?.claim(reader).await?;
    checkpoints(&inner.store)?.remove(reader, claimed.fence).await?;
    Ok(())
}
