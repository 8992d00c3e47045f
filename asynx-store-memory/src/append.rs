use std::collections::{BTreeMap, HashSet};
use std::task::Waker;

use asynx_core::store::{AppendError, NewEvent};
use asynx_core::{Position, StoreError, StreamId, Version};

use crate::MemoryStore;
use crate::data::{Data, position};
use crate::stream::Stream;

impl MemoryStore {
    /// Appends under the lock, then tells those who follow the log.
    pub(crate) fn appending<T>(&self, append: impl FnOnce(&mut Data) -> T) -> T {
        let mut data = self.lock();
        let before = data.last_position;
        let outcome = append(&mut data);
        let waiting = if data.last_position > before {
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
        match self.streams.get(id) {
            Some(stream) => check_stream(stream, events)?,
            None => check_stream(&Stream::default(), events)?,
        }
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let stream = self.streams.entry(id.clone()).or_default();
        let mut positions = Vec::with_capacity(events.len());
        for event in events {
            self.last_position += 1;
            stream.push(event, self.last_position);
            self.log.insert(self.last_position, (id.clone(), event.version));
            positions.push(Some(position(self.last_position)));
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
    let mut seen = HashSet::with_capacity(events.len());
    match events.iter().find(|event| !seen.insert(event.event_id)) {
        Some(event) => Err(AppendError::Duplicate {
            event_id: event.event_id,
        }),
        None => Ok(()),
    }
}

/// What makes a group wrong for its stream: first a taken id (S5), then a version that does not follow on the head.
fn check_stream(stream: &Stream, events: &[NewEvent]) -> Result<(), AppendError> {
    if let Some(event) = events.iter().find(|event| stream.ids.contains_key(&event.event_id)) {
        return Err(AppendError::Duplicate {
            event_id: event.event_id,
        });
    }
    match events.first() {
        Some(first) if first.version != Version::after(stream.head) => Err(AppendError::Conflict),
        _ => Ok(()),
    }
}
