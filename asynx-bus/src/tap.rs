use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use asynx_core::bus::{Feed, HandlerFailure, Hooks, SubscriptionId, SubscriptionOverflow};
use asynx_core::{Aggregate, Caught, Event, catch, drop_caught};
use asynx_observe::HandlerFigures;

/// Passes a subscription's events to its stream, while they are published.
pub(crate) struct Tap<A> {
    id: SubscriptionId,
    feed: Feed<A>,
    hooks: Hooks<A>,
    figures: Box<HandlerFigures>,
    room: Option<Room<A>>,
}

/// A stream that holds so many events at most.
struct Room<A> {
    capacity: usize,
    overflow: SubscriptionOverflow,
    line: Mutex<Line<A>>,
}

/// Publishers stand in line, and the first one serves all: looking at the room and filling it are two steps, and no
/// lock may be held while the stream's reader is woken.
struct Line<A> {
    events: VecDeque<Caught<Event<A>>>,
    served: bool,
}

/// Whether a stream wants more events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    More,
    NoMore,
}

impl<A: Aggregate> Tap<A> {
    pub(crate) const fn new(
        id: SubscriptionId,
        feed: Feed<A>,
        hooks: Hooks<A>,
        figures: Box<HandlerFigures>,
        capacity: Option<usize>,
        overflow: SubscriptionOverflow,
    ) -> Self {
        let room = match capacity {
            Some(capacity) => Some(Room {
                capacity,
                overflow,
                line: Mutex::new(Line {
                    events: VecDeque::new(),
                    served: false,
                }),
            }),
            None => None,
        };
        Self {
            id,
            feed,
            hooks,
            figures,
            room,
        }
    }

    /// Passes an event on.
    pub(crate) fn give(&self, event: Event<A>) -> Wants {
        let Some(room) = &self.room else {
            return self.push(event);
        };
        let mut line = room.line();
        line.events.push_back(Caught::new(event));
        if line.served {
            return Wants::More;
        }
        line.served = true;
        let mut wants = Wants::More;
        while let Some(event) = line.events.pop_front() {
            drop(line);
            if self.push_within(room, event) == Wants::NoMore {
                wants = Wants::NoMore;
            }
            line = room.line();
        }
        line.served = false;
        wants
    }

    fn push_within(&self, room: &Room<A>, event: Caught<Event<A>>) -> Wants {
        if self.feed.len() < room.capacity {
            return self.push(event.into_inner());
        }
        let (dropped, wants) = match room.overflow {
            SubscriptionOverflow::DropNewest => (Some(event.into_inner()), Wants::More),
            SubscriptionOverflow::DropOldest => {
                let oldest = self.feed.pop_oldest();
                (oldest, self.push(event.into_inner()))
            }
        };
        if let Some(event) = dropped {
            let overflowed = HandlerFailure::Overflowed(room.capacity);
            self.figures.failed(&overflowed);
            self.hooks.handler_failed(&event, self.id, &overflowed);
            drop_caught(event);
        }
        wants
    }

    fn push(&self, event: Event<A>) -> Wants {
        // The waker of the stream's reader may panic; then the event is in the stream all the same.
        match catch(|| self.feed.push(event)) {
            Ok(false) => Wants::NoMore,
            Ok(true) | Err(_) => Wants::More,
        }
    }

    /// Calls `end` when the stream is dropped.
    pub(crate) fn on_drop(&self, end: impl FnOnce() + Send + 'static) {
        self.feed.on_drop(end);
    }

    /// Ends the stream by `unsubscribe`: what waits in it is dropped.
    pub(crate) fn end(&self) {
        self.close();
        while let Some(event) = self.feed.pop_oldest() {
            drop_caught(event);
        }
    }

    /// Ends the stream after what waits in it.
    pub(crate) fn close(&self) {
        let _ = catch(|| self.feed.close());
    }
}

impl<A> Room<A> {
    fn line(&self) -> MutexGuard<'_, Line<A>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
