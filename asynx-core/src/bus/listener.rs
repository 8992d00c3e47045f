use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::Stream;

use crate::{Caught, Event, drop_caught};

/// A stream of events, and the end that a bus feeds. `count` ends the stream after so many events.
#[must_use]
pub fn listener<A>(count: Option<usize>) -> (Feed<A>, Listener<A>) {
    let shared = Arc::new(Mutex::new(Shared {
        waiting: VecDeque::new(),
        wanted: count,
        closed: count == Some(0),
        waker: None,
        on_drop: None,
    }));
    (Feed(Arc::clone(&shared)), Listener(shared))
}

struct Shared<A> {
    waiting: VecDeque<Caught<Event<A>>>,
    /// How many more may be pushed; `None` for any number.
    wanted: Option<usize>,
    closed: bool,
    waker: Option<Waker>,
    on_drop: Option<Box<dyn FnOnce() + Send>>,
}

fn lock<A>(shared: &Mutex<Shared<A>>) -> MutexGuard<'_, Shared<A>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The end of a stream that a bus feeds.
pub struct Feed<A>(Arc<Mutex<Shared<A>>>);

impl<A> Feed<A> {
    /// Gives the stream an event; `false` when it wants no more and the subscription may end.
    pub fn push(&self, event: Event<A>) -> bool {
        let mut shared = lock(&self.0);
        if shared.closed {
            drop(shared);
            drop_caught(event);
            return false;
        }
        shared.waiting.push_back(Caught::new(event));
        if let Some(wanted) = &mut shared.wanted {
            *wanted -= 1;
            shared.closed = *wanted == 0;
        }
        let more = !shared.closed;
        let waker = shared.waker.take();
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
        more
    }

    /// How many events wait to be taken.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.0).waiting.len()
    }

    /// Whether no event waits to be taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes back the event that waits longest, to make room.
    #[must_use]
    pub fn pop_oldest(&self) -> Option<Event<A>> {
        let mut shared = lock(&self.0);
        let oldest = shared.waiting.pop_front()?;
        if let Some(wanted) = &mut shared.wanted {
            *wanted += 1;
        }
        Some(oldest.into_inner())
    }

    /// Ends the stream after what waits in it.
    pub fn close(&self) {
        let mut shared = lock(&self.0);
        shared.closed = true;
        let waker = shared.waker.take();
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Calls `end` when the stream is dropped, so that the bus can end the subscription.
    pub fn on_drop(&self, end: impl FnOnce() + Send + 'static) {
        lock(&self.0).on_drop = Some(Box::new(end));
    }
}

impl<A> Clone for Feed<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A> fmt::Debug for Feed<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

/// A stream of events in the order of their publishing. Dropping it ends its subscription.
///
/// Events wait in it until they are taken.
pub struct Listener<A>(Arc<Mutex<Shared<A>>>);

impl<A> Stream for Listener<A> {
    type Item = Event<A>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event<A>>> {
        let mut shared = lock(&self.0);
        if let Some(event) = shared.waiting.pop_front() {
            return Poll::Ready(Some(event.into_inner()));
        }
        if shared.closed {
            return Poll::Ready(None);
        }
        shared.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<A> Drop for Listener<A> {
    fn drop(&mut self) {
        let mut shared = lock(&self.0);
        shared.closed = true;
        let waiting = std::mem::take(&mut shared.waiting);
        let end = shared.on_drop.take();
        drop(shared);
        drop(waiting);
        if let Some(end) = end {
            end();
        }
    }
}

impl<A> fmt::Debug for Listener<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}
