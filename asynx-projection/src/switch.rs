use std::sync::Arc;
use std::time::Duration;

use asynx_core::{Position, StoreError, catch_future};
use futures::future::{Either, select};

use crate::handle::Inner;
use crate::lifecycle::{Lifecycle, Moved, Step, checkpoints, parking};
use crate::role::{InUse, progress};
use crate::runner::Wish;
use crate::{EngineError, HandlerError};

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
    if old.version == inner.version && old.successor.is_none() {
        return Ok(());
    }
    if old.version > inner.version {
        return Err(EngineError::Replaced {
            name: inner.name.clone(),
            version: inner.version,
            by: old.version,
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
    let effects = lifecycle.has_effects();
    // Almost there first: the old one serves until then.
    loop {
        let (least, most) = progress(&inner.store, &inner.name, old).await?;
        let target = if effects { least } else { most };
        *wanted.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = target.unwrap_or(Position::new([0, 0, 0]));
        if inner.position().await? >= target {
            break;
        }
        inner.runtime.sleep(Duration::from_millis(20)).await;
    }
    let reader = InUse::reader(&inner.name);
    let stopping = InUse {
        successor: Some(inner.version),
        ..old
    };
    if old.successor != Some(inner.version) {
        let claimed = checkpoints(&inner.store)?.claim(&reader).await?;
        if claimed.position != Some(old.position()) {
            return Err(EngineError::Store { source: moved() });
        }
        if !checkpoints(&inner.store)?
            .put(&reader, Some(stopping.position()), claimed.fence)
            .await?
        {
            return Err(EngineError::Store { source: moved() });
        }
    }
    for old_reader in old.readers(&inner.name) {
        // Whoever runs it cannot write any more, and finds out why.
        checkpoints(&inner.store)?.claim(&old_reader).await?;
    }
    let (least, most) = progress(&inner.store, &inner.name, old).await?;
    let target = if effects { least } else { most };
    while inner.position().await? < target {
        inner.runtime.sleep(Duration::from_millis(5)).await;
    }
    let claimed = checkpoints(&inner.store)?.claim(&reader).await?;
    let new = InUse {
        version: inner.version,
        partitions: inner.parts.len(),
        successor: None,
    };
    let step = Step {
        store: inner.store.clone(),
        reader,
        from: claimed.position,
        to: Some(new.position()),
        fence: claimed.fence,
        limits: inner.limits.clone(),
    };
    if claimed.position != Some(stopping.position()) {
        return Err(EngineError::Store { source: moved() });
    }
    let switching = catch_future(Box::pin(lifecycle.switch(&step))).await;
    match switching.unwrap_or_else(|panic| Err(HandlerError::from(format!("it {panic}")))) {
        Ok(Moved::No) => return Err(EngineError::Store { source: moved() }),
        Ok(_) => {}
        Err(failure) => return Err(hook(inner, &failure)),
    }
    // Each looks again what it is to do.
    inner.wish(Wish::Run);
    Ok(())
}

fn moved() -> StoreError {
    StoreError::transient("somebody else switched the projection at the same time; look which version is in use")
}

fn hook(inner: &Inner, failure: &HandlerError) -> EngineError {
    EngineError::Hook {
        name: inner.name.clone(),
        reason: failure.to_string(),
    }
}

/// Forgets a version that is not in use, with what it has put aside.
pub(crate) async fn remove<L: Lifecycle>(inner: &Inner, lifecycle: &Arc<L>) -> Result<(), EngineError> {
    let in_use = InUse::get(&inner.store, &inner.name).await?;
    if in_use.is_some_and(|used| used.version == inner.version || used.successor == Some(inner.version)) {
        return Err(EngineError::StillInUse {
            name: inner.name.clone(),
            version: inner.version,
        });
    }
    inner.wish(Wish::Stop);
    inner.stopped().await;
    let removed = catch_future(Box::pin(lifecycle.removed(&inner.limits))).await;
    let removed = removed.unwrap_or_else(|panic| Err(HandlerError::from(format!("it {panic}"))));
    removed.map_err(|failure| hook(inner, &failure))?;
    for part in &inner.parts {
        let claimed = checkpoints(&inner.store)?.claim(&part.reader).await?;
        checkpoints(&inner.store)?.remove(&part.reader, claimed.fence).await?;
        loop {
            let parked = parking(&inner.store)?.parked(&part.reader, None, 100).await?;
            if parked.is_empty() {
                break;
            }
            for event in parked {
                parking(&inner.store)?.unpark(&part.reader, event.position).await?;
            }
        }
    }
    Ok(())
}
