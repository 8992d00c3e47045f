use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use asynx_core::{Aggregate, AggregateId, BusError, Caught, Event};
use lru::LruCache;
use tokio::sync::Semaphore;

use crate::letter::Letter;
use crate::shared::Shared;
use crate::wire::Posted;

/// Of how many aggregates the bus remembers what it published last.
const KNOWN: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not 0");
/// How many events are sent to the server at a time, each of another aggregate.
const AT_A_TIME: usize = 128;

/// Events that wait to be stored in the stream, each aggregate's one after the other.
pub(crate) struct Outbox<A> {
    state: Mutex<State<A>>,
    permits: Semaphore,
}

struct State<A> {
    /// An aggregate is here while a task stores its events.
    lanes: HashMap<AggregateId, VecDeque<Caught<Event<A>>>>,
    waiting: usize,
    known: LruCache<AggregateId, Known>,
}

/// The last message of an aggregate, as far as this process knows: its own.
#[derive(Debug, Clone, Copy)]
struct Known {
    sequence: u64,
    version: u64,
}

/// What became of an event.
pub(crate) enum Sent {
    /// It is met in the stream.
    Stored,
    /// It lies there from before, at this place.
    Before(u64),
    /// It is not published, and never will be.
    NotPublished(String),
}

impl<A: Aggregate> Outbox<A> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                lanes: HashMap::new(),
                waiting: 0,
                known: LruCache::new(KNOWN),
            }),
            permits: Semaphore::new(AT_A_TIME),
        }
    }

    pub(crate) fn check_room(&self, room: usize) -> Result<(), BusError> {
        match self.state().waiting < room {
            true => Ok(()),
            false => Err(BusError::NotHandedOver {
                reason: format!("{room} events wait for the servers of the bus already"),
            }),
        }
    }

    /// Takes an event in; whether its aggregate needs a task.
    fn push(&self, event: Event<A>) -> bool {
        let mut state = self.state();
        state.waiting += 1;
        let id = event.aggregate_id.clone();
        let event = Caught::new(event);
        match state.lanes.get_mut(&id) {
            Some(lane) => {
                lane.push_back(event);
                false
            }
            None => {
                state.lanes.insert(id, VecDeque::from([event]));
                true
            }
        }
    }

    /// The next event of an aggregate; without one, its task ends.
    fn pop(&self, id: &AggregateId) -> Option<Caught<Event<A>>> {
        let mut state = self.state();
        let event = state.lanes.get_mut(id).and_then(VecDeque::pop_front);
        match event {
            Some(_) => state.waiting -= 1,
            None => drop(state.lanes.remove(id)),
        }
        event
    }

    fn known(&self, id: &AggregateId) -> Option<Known> {
        self.state().known.get(id).copied()
    }

    fn note(&self, id: &AggregateId, known: Option<Known>) {
        let mut state = self.state();
        match known {
            Some(known) => drop(state.known.put(id.clone(), known)),
            None => drop(state.known.pop(id)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Aggregate> Shared<A> {
    /// Has an event stored in the stream, after those of its aggregate that were posted before.
    pub(crate) fn post(self: &Arc<Self>, event: Event<A>) {
        let id = event.aggregate_id.clone();
        if self.outbox.push(event) {
            self.wire.runtime.spawn(Box::pin(Arc::clone(self).store_all(id)));
        }
    }

    async fn store_all(self: Arc<Self>, id: AggregateId) {
        while let Some(event) = self.outbox.pop(&id) {
            let permit = self.outbox.permits.acquire().await;
            let sent = self.store(&event).await;
            drop(permit);
            self.sent(&event, sent);
        }
    }

    /// Stores an event in the order of its aggregate's versions, as far as that can be known.
    ///
    /// The server takes it only behind the message that it was meant to follow, so a lost answer, a second attempt or
    /// another process change nothing. Behind its own last one this process needs no look at the stream.
    async fn store(&self, event: &Event<A>) -> Sent {
        let letter = match Letter::of(event) {
            Ok(letter) => letter,
            Err(error) => return Sent::NotPublished(with_cause(&error)),
        };
        let (id, version) = (&event.aggregate_id, letter.version);
        let subject = self.wire.names.events_of(id);
        let (mut tries, mut waited, mut pause) = (0, Duration::ZERO, Duration::from_millis(10));
        // What it was to follow when nobody could tell whether it was stored.
        let mut in_doubt = None;
        loop {
            if tries > 0 {
                if self.is_closed() {
                    return Sent::NotPublished("the bus was closed before its servers answered".to_owned());
                }
                self.wire.pause(tries).await;
            }
            if let Some(after) = in_doubt {
                match self.wire.follower(&subject, after).await {
                    Ok(Some(follower)) if follower.envelope.id == letter.id => return Sent::Before(follower.sequence),
                    // Where another one followed, this one never will.
                    Ok(Some(_)) => in_doubt = None,
                    Ok(None) => {}
                    Err(_) => {
                        tries += 1;
                        continue;
                    }
                }
            }
            let known = self.outbox.known(id).filter(|known| version <= known.version + 1);
            let after = match known {
                Some(known) => known.sequence,
                None => {
                    let Ok(last) = self.wire.last(&subject).await else {
                        tries += 1;
                        continue;
                    };
                    let (sequence, before) = last
                        .as_ref()
                        .map_or((0, 0), |last| (last.sequence, last.envelope.version));
                    if last.is_some_and(|last| last.envelope.id == letter.id) {
                        return Sent::Before(sequence);
                    }
                    if before >= version {
                        return Sent::NotPublished(format!(
                            "version {before} was published before version {version}, which came too late"
                        ));
                    }
                    // The one before was written by another process, which may be about to publish it.
                    if before + 1 < version && waited < self.wire.options.patience {
                        self.wire.runtime.sleep(pause).await;
                        waited += pause;
                        pause *= 2;
                        continue;
                    }
                    sequence
                }
            };
            match self.wire.post(subject.clone(), &letter, after).await {
                Posted::Stored(sequence) => {
                    self.outbox.note(id, Some(Known { sequence, version }));
                    return Sent::Stored;
                }
                Posted::Refused => self.outbox.note(id, None),
                Posted::TooLarge => {
                    let reason = "it is larger than the server's max_payload: raise it, or write smaller aggregates";
                    return Sent::NotPublished(reason.to_owned());
                }
                Posted::Unknown => {
                    in_doubt = Some(after);
                    self.outbox.note(id, None);
                    tries += 1;
                }
            }
        }
    }
}

fn with_cause(error: &crate::JetStreamBusError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
