use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::task::Waker;

use asynx_core::{Category, Position, StreamId, Version};

use crate::checkpoints::Reader;
use crate::leases::LeaseRows;
use crate::parking::Parked;
use crate::stream::Stream;

/// All that a store holds, under its one lock.
#[derive(Default)]
pub(crate) struct Data {
    /// Never iterated: its order is not that of any other run.
    pub(crate) streams: HashMap<StreamId, Stream>,
    /// Where the events of the log are, by the number in their position.
    pub(crate) log: BTreeMap<u64, (StreamId, Version)>,
    /// The number of the last position given. Never falls, also when the events there are gone.
    pub(crate) last_position: u64,
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
            self.log.remove(&row.position);
        }
        self.erasing.remove(stream);
    }
}

/// The position of a number. One part suffices, since one lock puts all appends in order.
pub(crate) const fn position(number: u64) -> Position {
    Position::new([0, 0, number])
}
