use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use asynx_core::Store;
use futures::future::BoxFuture;

use super::{Answer, Call, CallInfo, Intercept, Layered};

/// A store whose calls a test can hold and let go.
///
/// ```
/// use asynx_core::{Store, StreamId, Version};
/// use asynx_store_memory::MemoryStore;
/// use asynx_testkit::ThreadRuntime;
/// use asynx_testkit::layers::{Call, GateStore, Side};
/// use futures::future::join;
///
/// let store = GateStore::new(MemoryStore::new());
/// let gate = store.gate();
/// gate.close(Side::Before, Call::Count);
/// let order = StreamId::parse("order", "ORD-1").unwrap();
/// let counted = store.count(&order, Version::FIRST);
/// let test = async {
///     gate.arrived(Side::Before, Call::Count, 1).await;
///     gate.open(Side::Before, Call::Count);
/// };
/// assert_eq!(ThreadRuntime.block_on(join(counted, test)).0.unwrap(), 0);
/// ```
pub type GateStore<S> = Layered<S, Gated>;

impl<S: Store> GateStore<S> {
    /// Puts gates before and behind the calls of a store. All are open.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self::over(store, Gated(Gate::default()))
    }

    /// The gates; they can be moved after the store was given away.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.layer().0.clone()
    }
}

/// Holds calls at gates.
#[derive(Debug, Clone)]
pub struct Gated(Gate);

impl Intercept for Gated {
    type Decision = ();

    fn decide(&self, _: CallInfo) {}

    fn intercept<T: Answer>(&self, info: CallInfo, (): (), run: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        let gate = self.0.clone();
        Box::pin(async move {
            gate.pass(Side::Before, info.call).await;
            let answer = run.await;
            gate.pass(Side::After, info.call).await;
            answer
        })
    }
}

/// On which side of a call a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// What waits has not been done yet.
    Before,
    /// What waits has been done, and its answer is held.
    After,
}

/// The gates of a store, shared by all clones: one before and one behind each kind of call.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Mutex<State>>);

type Place = (Side, Call);

#[derive(Debug, Default)]
struct State {
    closed: BTreeSet<Place>,
    /// How many may pass a closed gate.
    permits: BTreeMap<Place, usize>,
    waiting: BTreeMap<Place, usize>,
    wakers: Vec<Waker>,
}

impl Gate {
    /// Closes a gate: calls that come to it wait.
    pub fn close(&self, side: Side, call: Call) {
        self.lock().closed.insert((side, call));
    }

    /// Opens a gate: those who wait go on, and those who come.
    pub fn open(&self, side: Side, call: Call) {
        self.change(|state| {
            state.closed.remove(&(side, call));
            state.permits.remove(&(side, call));
        });
    }

    /// Opens all gates.
    pub fn open_all(&self) {
        self.change(|state| {
            state.closed.clear();
            state.permits.clear();
        });
    }

    /// Lets so many calls through a closed gate, those who wait or else those who come.
    pub fn let_through(&self, side: Side, call: Call, count: usize) {
        self.change(|state| *state.permits.entry((side, call)).or_default() += count);
    }

    /// How many calls wait at a gate.
    #[must_use]
    pub fn waiting(&self, side: Side, call: Call) -> usize {
        self.lock().waiting.get(&(side, call)).copied().unwrap_or_default()
    }

    /// Ends when at least so many calls wait at a gate.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn arrived(&self, side: Side, call: Call, count: usize) {
        poll_fn(|cx| {
            self.poll(cx, |state| {
                state.waiting.get(&(side, call)).copied().unwrap_or_default() >= count
            })
        })
        .await;
    }

    async fn pass(&self, side: Side, call: Call) {
        let place = (side, call);
        let mut waiting = None;
        poll_fn(|cx| {
            if self.poll(cx, |state| state.passes(place)).is_ready() {
                return Poll::Ready(());
            }
            waiting.get_or_insert_with(|| Waiting::at(self, place));
            Poll::Pending
        })
        .await;
    }

    fn poll(&self, cx: &Context<'_>, mut done: impl FnMut(&mut State) -> bool) -> Poll<()> {
        let mut state = self.lock();
        if done(&mut state) {
            return Poll::Ready(());
        }
        if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn passes(&mut self, place: Place) -> bool {
        if !self.closed.contains(&place) {
            return true;
        }
        match self.permits.get_mut(&place) {
            Some(permits) if *permits > 0 => {
                *permits -= 1;
                true
            }
            _ => false,
        }
    }
}

/// Counts a call among those who wait, until it passes or is dropped.
struct Waiting<'a> {
    gate: &'a Gate,
    place: Place,
}

impl<'a> Waiting<'a> {
    fn at(gate: &'a Gate, place: Place) -> Self {
        gate.change(|state| *state.waiting.entry(place).or_default() += 1);
        Self { gate, place }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.gate.change(|state| {
            if let Some(waiting) = state.waiting.get_mut(&self.place) {
                *waiting -= 1;
            }
        });
    }
}
