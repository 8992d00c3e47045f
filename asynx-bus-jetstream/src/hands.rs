use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::message::Acker;
use asynx_core::{EventId, Timestamp};
use bytes::Bytes;

use crate::letter::Envelope;

/// What a durable subscription was given by the server and has not acknowledged.
pub(crate) struct Hands {
    state: Mutex<State>,
    /// Without a sign of life for so long, the server gives an event to somebody else.
    ack_wait: Duration,
}

struct State {
    by_id: HashMap<EventId, Hand>,
    refreshed: Timestamp,
}

pub(crate) struct Hand {
    pub(crate) sequence: u64,
    pub(crate) acker: Arc<Acker>,
    pub(crate) envelope: Envelope,
    pub(crate) payload: Bytes,
    /// How often it was given to anybody before.
    pub(crate) given: u32,
    pub(crate) since: Timestamp,
    pub(crate) is_running: bool,
}

impl Hands {
    pub(crate) fn new(ack_wait: Duration, now: Timestamp) -> Self {
        Self {
            state: Mutex::new(State {
                by_id: HashMap::new(),
                refreshed: now,
            }),
            ack_wait,
        }
    }

    /// Takes an event; `false` where it is in hand already, and was given once more.
    pub(crate) fn take(&self, hand: Hand) -> bool {
        let mut state = self.state();
        if let Some(held) = state.by_id.get_mut(&hand.envelope.id) {
            let (acker, since) = (hand.acker, hand.since);
            held.acker = acker;
            held.since = since;
            return false;
        }
        state.by_id.insert(hand.envelope.id, hand);
        true
    }

    /// How many there are, without those that the server has taken for lost and nobody has begun.
    pub(crate) fn count(&self, now: Timestamp) -> usize {
        let mut state = self.state();
        let (refreshed, wait) = (state.refreshed, self.ack_wait);
        state
            .by_id
            .retain(|_, hand| hand.is_running || hand.is_ours(refreshed, wait, now));
        state.by_id.len()
    }

    /// A handler is about to run, after so many attempts before; `None` where the event is somebody else's by now.
    pub(crate) fn begin(&self, id: EventId, now: Timestamp) -> Option<u32> {
        let mut state = self.state();
        let (refreshed, wait) = (state.refreshed, self.ack_wait);
        let hand = state.by_id.get_mut(&id)?;
        if !hand.is_ours(refreshed, wait, now) {
            state.by_id.remove(&id);
            return None;
        }
        hand.is_running = true;
        Some(hand.given)
    }

    /// An event as it came, and its place.
    pub(crate) fn letter(&self, id: EventId) -> Option<(Envelope, Bytes, u64)> {
        let state = self.state();
        let hand = state.by_id.get(&id)?;
        Some((hand.envelope.clone(), hand.payload.clone(), hand.sequence))
    }

    /// Takes an event out of the hands.
    pub(crate) fn remove(&self, id: EventId) -> Option<Hand> {
        self.state().by_id.remove(&id)
    }

    /// What is in hand and not begun, in the order of the stream; no more in hand then.
    pub(crate) fn remove_waiting(&self) -> Vec<Hand> {
        self.remove_all(|hand| !hand.is_running)
    }

    /// All that is in hand, in the order of the stream.
    pub(crate) fn remove_every(&self) -> Vec<Hand> {
        self.remove_all(|_| true)
    }

    fn remove_all(&self, which: impl Fn(&Hand) -> bool) -> Vec<Hand> {
        let mut state = self.state();
        let mut removed: Vec<Hand> = state
            .by_id
            .extract_if(|_, hand| which(hand))
            .map(|(_, hand)| hand)
            .collect();
        drop(state);
        removed.sort_by_key(|hand| hand.sequence);
        removed
    }

    /// Tells the server that all are being worked on: always all of them and in their order, so that those of one
    /// aggregate are never taken for lost in another order.
    pub(crate) async fn refresh(&self, now: Timestamp) {
        let mut ackers: Vec<(u64, Arc<Acker>)> = {
            let mut state = self.state();
            let (refreshed, wait) = (state.refreshed, self.ack_wait);
            state
                .by_id
                .retain(|_, hand| hand.is_running || hand.is_ours(refreshed, wait, now));
            let hands = state.by_id.values().filter(|hand| hand.is_ours(refreshed, wait, now));
            hands.map(|hand| (hand.sequence, Arc::clone(&hand.acker))).collect()
        };
        ackers.sort_by_key(|(sequence, _)| *sequence);
        for (_, acker) in ackers {
            if acker.ack_with(AckKind::Progress).await.is_err() {
                return;
            }
        }
        self.state().refreshed = now;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hand {
    fn is_ours(&self, refreshed: Timestamp, wait: Duration, now: Timestamp) -> bool {
        let since = self.since.max(refreshed).as_micros();
        let silent = u64::try_from(now.as_micros().saturating_sub(since)).unwrap_or(0);
        Duration::from_micros(silent) < wait
    }
}
