use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use asynx_core::Store;
use futures::future::BoxFuture;

use super::{Answer, Call, CallInfo, Intercept, Layered};

/// A store that counts its calls.
///
/// ```
/// use asynx_core::{Store, StreamId, Version};
/// use asynx_store_memory::MemoryStore;
/// use asynx_testkit::ThreadRuntime;
/// use asynx_testkit::layers::{Call, CountingStore};
///
/// let store = CountingStore::new(MemoryStore::new());
/// let calls = store.calls();
/// let order = StreamId::parse("order", "ORD-1").unwrap();
/// ThreadRuntime.block_on(store.count(&order, Version::FIRST)).unwrap();
/// assert_eq!(calls.of(Call::Count), 1);
/// assert_eq!(calls.total(), 1);
/// ```
pub type CountingStore<S> = Layered<S, Counting>;

impl<S: Store> CountingStore<S> {
    /// Counts the calls of a store.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self::over(store, Counting::default())
    }

    /// The counters; they count on after the store was moved.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.layer().0.clone()
    }
}

/// Counts calls.
#[derive(Debug, Clone, Default)]
pub struct Counting(Calls);

impl Intercept for Counting {
    type Decision = UnderWay;

    fn decide(&self, call: CallInfo) -> UnderWay {
        self.0.begin(call)
    }

    fn intercept<T: Answer>(
        &self,
        _: CallInfo,
        under_way: UnderWay,
        run: BoxFuture<'static, T>,
    ) -> BoxFuture<'static, T> {
        Box::pin(async move {
            let answer = run.await;
            drop(under_way);
            answer
        })
    }
}

/// How often each call was made, shared by all clones.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<BTreeMap<Call, Counters>>>);

#[derive(Debug, Clone, Copy, Default)]
struct Counters {
    calls: usize,
    items: usize,
    events: usize,
    largest: usize,
    under_way: usize,
    most_under_way: usize,
}

impl Calls {
    /// How often a call was made.
    #[must_use]
    pub fn of(&self, call: Call) -> usize {
        self.counters(call).calls
    }

    /// How often any call was made.
    #[must_use]
    pub fn total(&self) -> usize {
        self.lock().values().map(|counters| counters.calls).sum()
    }

    /// How many groups or queries a call had, all together.
    #[must_use]
    pub fn items(&self, call: Call) -> usize {
        self.counters(call).items
    }

    /// How many events a call was to append, all together.
    #[must_use]
    pub fn events(&self, call: Call) -> usize {
        self.counters(call).events
    }

    /// The most groups or queries that one such call had.
    #[must_use]
    pub fn largest(&self, call: Call) -> usize {
        self.counters(call).largest
    }

    /// How many such calls have not been answered yet, nor dropped.
    #[must_use]
    pub fn under_way(&self, call: Call) -> usize {
        self.counters(call).under_way
    }

    /// The most such calls that were under way at the same time.
    #[must_use]
    pub fn most_under_way(&self, call: Call) -> usize {
        self.counters(call).most_under_way
    }

    /// Begins again at 0; what is under way stays counted as that.
    pub fn reset(&self) {
        for counters in self.lock().values_mut() {
            *counters = Counters {
                under_way: counters.under_way,
                most_under_way: counters.under_way,
                ..Counters::default()
            };
        }
    }

    fn begin(&self, info: CallInfo) -> UnderWay {
        let mut all = self.lock();
        let counters = all.entry(info.call).or_default();
        counters.calls += 1;
        counters.items += info.items;
        counters.events += info.events;
        counters.largest = counters.largest.max(info.items);
        counters.under_way += 1;
        counters.most_under_way = counters.most_under_way.max(counters.under_way);
        UnderWay {
            calls: self.clone(),
            call: info.call,
        }
    }

    fn counters(&self, call: Call) -> Counters {
        self.lock().get(&call).copied().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Call, Counters>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a call among those under way, until it is answered or dropped.
#[derive(Debug)]
pub struct UnderWay {
    calls: Calls,
    call: Call,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(counters) = self.calls.lock().get_mut(&self.call) {
            counters.under_way -= 1;
        }
    }
}
