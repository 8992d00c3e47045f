use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Waker;

use asynx_core::{Category, Position, StreamId, Version};
use foldhash::HashMap;

use crate::checkpoints::Reader;
use crate::leases::LeaseRows;
use crate::parking::Parked;
use crate::stream::Stream;

/// All that a store holds, under its one lock.
#[derive(Default)]
pub(crate) struct Data {
    /// Never iterated: its order is not that of any other run.
    pub(crate) streams: HashMap<StreamId, Stream>,
    /// Where the events of the log are, by the number in their position, which counts from 1. Never shrinks: an event that
    /// is gone leaves its place.
    pub(crate) log: Vec<Option<(Arc<StreamId>, Version)>>,
    /// The streams whose tombstone awaits its erasure.
    pub(crate) erasing: BTreeSet<StreamId>,
    /// The categories that have a sole writer.
    pub(crate) leased: BTreeSet<Category>,
    /// The readers of the log that were ever claimed, by name.
    pub(crate) readers: BTreeMap<String, Reader>,
    /// Who waits for the log to grow, by ticket.
    pub(crate) waiting: BTreeMap<u64, Waker>,
    pub(crate) last_ticket: u64,
    pub(crate) lease_rows: LeaseRows,
    pub(crate) parked: Parked,
}

impl Data {
    /// Removes a stream with all its traces (S12).
    pub(crate) fn delete(&mut self, stream: &StreamId) {
        let Some(gone) = self.streams.remove(stream) else {
            return;
        };
        for row in gone.rows {
            remove(&mut self.log, row.position);
        }
        self.erasing.remove(stream);
    }
}

/// The stream of an id, which begins here if there is none.
pub(crate) fn stream_of<'a>(streams: &'a mut HashMap<StreamId, Stream>, id: &StreamId) -> &'a mut Stream {
    streams.entry(id.clone()).or_insert_with(|| Stream::new(id))
}

/// Removes an event from the log.
pub(crate) fn remove(log: &mut [Option<(Arc<StreamId>, Version)>], number: u64) {
    if let Some(place) = place_of(number).and_then(|place| log.get_mut(place)) {
        *place = None;
    }
}

/// Where in the log a number is.
pub(crate) fn place_of(number: u64) -> Option<usize> {
    usize::try_from(number).ok()?.checked_sub(1)
}

/// The position of a number. One part suffices, since one lock puts all appends in order.
pub(crate) const fn position(number: u64) -> Position {
    Position::new([0, 0, number])
}
