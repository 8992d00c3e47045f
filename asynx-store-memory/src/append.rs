use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::task::Waker;

use asynx_core::store::{AppendError, NewEvent};
use asynx_core::{Position, StoreError, StreamId, Version};

use crate::MemoryStore;
use crate::data::{Data, position, stream_of};
use crate::stream::Stream;

impl MemoryStore {
    /// Appends under the lock, then tells those who follow the log.
    pub(crate) fn appending<T>(&self, append: impl FnOnce(&mut Data) -> T) -> T {
        let mut data = self.lock();
        let before = data.log.len();
        let outcome = append(&mut data);
        let waiting = if data.log.len() > before {
            std::mem::take(&mut data.waiting)
        } else {
            BTreeMap::new()
        };
        drop(data);
        // Wakers are foreign code, so they run after the lock.
        waiting.into_values().for_each(Waker::wake);
        outcome
    }
}

impl Data {
    /// Appends one group, wholly or not at all (S1-S6).
    pub(crate) fn append(&mut self, id: &StreamId, events: &[NewEvent]) -> Result<Vec<Option<Position>>, AppendError> {
        check_group(events)?;
        check_stream(self.streams.get(id), events)?;
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let stream = stream_of(&mut self.streams, id);
        let mut positions = Vec::with_capacity(events.len());
        for event in events {
            self.log.push(Some((Arc::clone(&stream.id), event.version)));
            let number = self.log.len() as u64;
            stream.push(event, number);
            positions.push(Some(position(number)));
        }
        if stream.is_erasing() {
            self.erasing.insert(id.clone());
        }
        Ok(positions)
    }
}

/// What makes a group wrong in itself.
fn check_group(events: &[NewEvent]) -> Result<(), AppendError> {
    for pair in events.windows(2) {
        if pair[1].version != pair[0].version.next() {
            return Err(AppendError::NotApplied(StoreError::permanent(format!(
                "version {} follows on version {} in one group",
                pair[1].version, pair[0].version
            ))));
        }
    }
    if events.len() < 2 {
        return Ok(());
    }
    let mut seen = HashSet::with_capacity(events.len());
    match events.iter().find(|event| !seen.insert(event.event_id)) {
        Some(event) => Err(AppendError::Duplicate {
            event_id: event.event_id,
        }),
        None => Ok(()),
    }
}

/// What makes a group wrong for its stream: first a taken id (S5), then a version that does not follow on the head.
fn check_stream(stream: Option<&Stream>, events: &[NewEvent]) -> Result<(), AppendError> {
    let is_taken = |event: &&NewEvent| stream.is_some_and(|stream| stream.ids.contains_key(&event.event_id));
    if let Some(event) = events.iter().find(is_taken) {
        return Err(AppendError::Duplicate {
            event_id: event.event_id,
        });
    }
    let head = stream.and_then(|stream| stream.head);
    match events.first() {
        Some(first) if first.version != Version::after(head) => Err(AppendError::Conflict),
        _ => Ok(()),
    }
}
