use std::sync::Arc;
use std::time::Duration;

use asynx_core::store::{LogEvent, ParkedEvent};
use asynx_core::{Position, Record, Store, StoreError};

use crate::handle::Inner;
use crate::lifecycle::{Step, checkpoints, parking};
use crate::marks::Marks;
use crate::projection::Batch;
use crate::role::{InUse, since};
use crate::tenure::Tenure;
use crate::{Decode, EngineError, HandlerError, Lifecycle};

/// How long a process that died while it gave an event again keeps others from doing so.
const LEASE: Duration = Duration::from_secs(15);

/// Gives a projection an event once more that it has put aside. One at a time, of each partition.
pub(crate) async fn redrive<L: Lifecycle>(
    inner: &Inner,
    lifecycle: &Arc<L>,
    decode: L::Decode,
    position: Position,
) -> Result<(), EngineError> {
    let name = || inner.name.clone();
    let Some((reader, _)) = find(inner, position).await? else {
        return Err(EngineError::NotParked { name: name(), position });
    };
    let Some(board) = inner.parts.first().map(|part| &part.board) else {
        return Err(EngineError::NotParked { name: name(), position });
    };
    let holder = format!("{:016x}", inner.runtime.entropy());
    let lease = format!("redrive:{reader}");
    let tenure = Tenure::take(&inner.store, &inner.runtime, &lease, &holder, LEASE, board).await?;
    let Some(tenure) = tenure else {
        return Err(EngineError::Busy { name: name(), position });
    };
    let given = give(inner, lifecycle, decode, position).await;
    tenure.give_back().await;
    given
}

async fn give<L: Lifecycle>(
    inner: &Inner,
    lifecycle: &Arc<L>,
    mut decode: L::Decode,
    position: Position,
) -> Result<(), EngineError> {
    let not_parked = || EngineError::NotParked {
        name: inner.name.clone(),
        position,
    };
    let still = |failure: HandlerError| EngineError::StillPoison {
        name: inner.name.clone(),
        position,
        reason: failure.to_string(),
    };
    // Again, since somebody else may have had the lease before.
    let (reader, parked) = find(inner, position).await?.ok_or_else(not_parked)?;
    let replayed = is_replayed(inner, &parked).await?;
    let event = read(&inner.store, &parked).await?;
    let step = Step {
        store: inner.store.clone(),
        reader,
        from: None,
        to: None,
        fence: 0,
        limits: inner.limits.clone(),
    };
    let (lifecycle, calls) = (lifecycle.clone(), lifecycle.calls());
    let redriving = async move {
        let entries = decode.decode(&step.store, std::slice::from_ref(&event)).await;
        let entries = entries.and_then(|entries| entries.into_iter().collect::<Result<Vec<_>, _>>())?;
        lifecycle.redrive(Batch::new(&entries, replayed), &step, position).await
    };
    match inner.limits.task(calls + 2, redriving).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(not_parked()),
        Err(failure) => Err(still(failure)),
    }
}

/// Whether an earlier version was given the event, or will be.
async fn is_replayed(inner: &Inner, event: &ParkedEvent) -> Result<bool, EngineError> {
    let (store, name, version) = (&inner.store, &inner.name, inner.built.version);
    let Some(used) = InUse::get(store, name).await? else {
        return Ok(false);
    };
    let by = used.successor.unwrap_or(used.built.version);
    if by > version && used.built.version >= version {
        let name = name.clone();
        return Err(EngineError::Replaced { name, version, by });
    }
    if used.built.version < version {
        return Ok(true);
    }
    if used.before.is_none() {
        return Ok(false);
    }
    let since = checkpoints(store)?.get(&since(name, version)).await?;
    let marks = Marks::of(store, name, used.before).await?;
    Ok(since.and_then(|since| since.position) >= Some(event.position) || marks.cover(&event.stream, event.position))
}

async fn find(inner: &Inner, position: Position) -> Result<Option<(String, ParkedEvent)>, StoreError> {
    for part in &inner.parts {
        let mut after = None;
        loop {
            let page = parking(&inner.store)?.parked(&part.reader, after, 100).await?;
            if let Some(found) = page.iter().find(|event| event.position == position) {
                return Ok(Some((part.reader.clone(), found.clone())));
            }
            match page.last() {
                Some(last) if last.position < position => after = Some(last.position),
                _ => break,
            }
        }
    }
    Ok(None)
}

/// The event as the log would give it now: without a record if it was erased meanwhile.
async fn read(store: &Arc<dyn Store>, parked: &ParkedEvent) -> Result<LogEvent, StoreError> {
    let stored = store.read_range(&parked.stream, parked.version, 1).await?;
    let stored = stored.into_iter().find(|stored| stored.version == parked.version);
    let record = stored.map(|stored| stored.record);
    let occurred_at = record
        .as_ref()
        .and_then(|record| Record::decode(record).ok())
        .map(|record| record.occurred_at);
    Ok(LogEvent {
        position: parked.position,
        stream: parked.stream.clone(),
        version: parked.version,
        event_id: parked.event_id,
        event_name: parked.event_name.clone(),
        occurred_at: occurred_at.unwrap_or(parked.parked_at),
        record,
    })
}
