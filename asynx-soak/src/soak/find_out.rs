use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use asynx_core::store::{AppendError, AppendGroup, HeadQuery, NewEvent};
use asynx_core::{Position, Store};
use tokio::time::{sleep, timeout};

use crate::clock::Stopwatch;
use crate::database::patiently;

/// How long until an append is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// What is stored, and where.
pub(super) type Found = Vec<(NewEvent, Option<Position>)>;

/// Appends again, until it is known which events of a group are stored: as asynx does where the outcome is unknown. That
/// they cannot be seen proves nothing, for they may still be under way; that another event has the version does.
///
/// `may_be_stored`: whether that is so already. What was told not to be applied must not be there.
pub(super) async fn find_out(
    store: &dyn Store,
    mut group: AppendGroup,
    mut may_be_stored: bool,
    patience: Duration,
) -> Result<Found> {
    let stream = group.stream.clone();
    let mut found = Vec::new();
    let watch = Stopwatch::start();
    while watch.elapsed() < patience {
        let answered = timeout(patience, store.append_batch(std::slice::from_ref(&group))).await;
        let answered = answered.with_context(|| format!("{stream}: an append was not answered"))?;
        let outcome = answered.into_iter().next().context("a group had no outcome")?;
        let applied = outcome.applied.len();
        found.extend(group.events.drain(..applied).zip(outcome.applied));
        match outcome.stopped {
            None if group.events.is_empty() => return Ok(found),
            None => bail!("{stream}: {} events had no outcome", group.events.len()),
            Some(AppendError::Unknown(_)) => may_be_stored = true,
            Some(AppendError::NotApplied(error)) if error.is_transient() => {}
            Some(AppendError::Conflict) => match look(store, &group, patience).await? {
                Some(_) if !may_be_stored => bail!("{stream}: an append was told not to be applied, and is stored"),
                Some(position) => {
                    found.push((group.events.remove(0), position));
                    if group.events.is_empty() {
                        return Ok(found);
                    }
                }
                None => return Ok(found),
            },
            Some(error) => bail!("{stream}: {error}"),
        }
        sleep(AGAIN).await;
    }
    bail!("{stream}: what became of an append could not be found out in time")
}

/// Where the group's first event is, if it is stored.
async fn look(store: &dyn Store, group: &AppendGroup, patience: Duration) -> Result<Option<Option<Position>>> {
    let event = &group.events[0];
    let query = HeadQuery {
        stream: group.stream.clone(),
        event_id: Some(event.event_id),
    };
    let heads = patiently(patience, || store.heads(std::slice::from_ref(&query))).await?;
    match heads.into_iter().next().and_then(|head| head.found) {
        None => Ok(None),
        Some(found) if found.version == event.version => Ok(Some(found.position)),
        Some(found) => bail!(
            "{} is stored at version {}, not {}",
            event.event_id,
            found.version,
            event.version
        ),
    }
}
