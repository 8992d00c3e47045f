use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use asynx_core::store::AppendGroup;
use asynx_core::{Runtime, Store, StoreError};
use futures::FutureExt;
use futures::future::{self, BoxFuture};

use super::plan::Carried;
use super::{AfterCrash, Fault, FaultPlan};
use crate::Random;
use crate::layers::{Answer, CallInfo, Failure, Intercept, Layered};

/// A store to whose calls the faults of a plan happen.
///
/// ```
/// use std::sync::Arc;
///
/// use asynx_core::{Store, StreamId, Version};
/// use asynx_store_memory::MemoryStore;
/// use asynx_testkit::ThreadRuntime;
/// use asynx_testkit::faults::{Fault, FaultPlan, FaultyStore, Rule};
/// use asynx_testkit::layers::Call;
///
/// let plan = FaultPlan::seeded(1).with(Rule::nth(2, Fault::FailBefore).on([Call::Count]));
/// let store = FaultyStore::new(MemoryStore::new(), plan, Arc::new(ThreadRuntime));
/// let order = StreamId::parse("order", "ORD-1").unwrap();
/// let mut count = || ThreadRuntime.block_on(store.count(&order, Version::FIRST));
/// assert!(count().is_ok());
/// assert!(count().unwrap_err().is_transient());
/// assert!(count().is_ok());
/// ```
pub type FaultyStore<S> = Layered<S, Faults>;

impl<S: Store> FaultyStore<S> {
    /// Puts a plan over a store. The runtime sleeps, and carries out what is applied later.
    #[must_use]
    pub fn new(store: S, plan: FaultPlan, runtime: Arc<dyn Runtime>) -> Self {
        Self::over(store, Faults::new(plan, runtime))
    }

    /// The faults; they can be ended after the store was given away.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.layer().clone()
    }
}

/// A plan that happens to a store, shared by all clones.
#[derive(Clone)]
pub struct Faults {
    carried: Arc<Mutex<Carried>>,
    held: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>,
    runtime: Arc<dyn Runtime>,
}

impl Faults {
    fn new(plan: FaultPlan, runtime: Arc<dyn Runtime>) -> Self {
        Self {
            carried: Arc::new(Mutex::new(Carried::new(plan))),
            held: Arc::default(),
            runtime,
        }
    }

    /// Whether a crash has happened.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        self.lock().crashed
    }

    /// Puts another plan in the place of this one, and brings a crashed store back to life. Calls under way go on as
    /// they were.
    pub fn replace(&self, plan: FaultPlan) {
        *self.lock() = Carried::new(plan);
    }

    /// Ends all faults, a crash included.
    pub fn heal(&self) {
        self.replace(FaultPlan::seeded(0));
    }

    /// Makes the calls that [`Fault::Hold`] held back so far, in their order, and ends when they are done.
    ///
    /// # Cancel safety
    /// The calls that were not made yet never will be.
    pub async fn apply_held(&self) {
        let held = std::mem::take(&mut *self.held());
        for call in held {
            call.await;
        }
    }

    fn held(&self) -> MutexGuard<'_, Vec<BoxFuture<'static, ()>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Carried> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn crash(&self) -> AfterCrash {
        let mut carried = self.lock();
        carried.crashed = true;
        carried.after_crash()
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("carried", &*self.lock())
            .finish_non_exhaustive()
    }
}

/// What happens to one call.
#[derive(Debug)]
pub struct Fate {
    faults: Vec<Fault>,
    before: Duration,
    after: Duration,
    /// Set where the process was dead before the call.
    dead: Option<AfterCrash>,
}

impl Intercept for Faults {
    type Decision = Fate;

    fn decide(&self, info: CallInfo) -> Fate {
        let mut carried = self.lock();
        let dead = carried.crashed.then(|| carried.after_crash());
        let faults = match dead {
            Some(_) => Vec::new(),
            None => carried.draw(info.call),
        };
        let (before, after) = delays(&faults, &mut carried.random);
        Fate {
            faults,
            before,
            after,
            dead,
        }
    }

    fn intercept<T: Answer>(&self, info: CallInfo, fate: Fate, run: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        let faults = self.clone();
        Box::pin(async move {
            if let Some(after_crash) = fate.dead {
                return dead(after_crash, info, Failure::NotApplied).await;
            }
            faults.pause(fate.before).await;
            let answer = faults.happen(&fate.faults, info, run).await;
            faults.pause(fate.after).await;
            // Others may have died meanwhile, and with them who waits for this.
            let died = faults.is_crashed().then(|| faults.lock().after_crash());
            match died {
                Some(after_crash) => dead(after_crash, info, Failure::Unknown).await,
                None => answer,
            }
        })
    }

    fn cut(&self, fate: &mut Fate, groups: &[AppendGroup]) -> Option<Vec<usize>> {
        if !fate.faults.contains(&Fault::Cut) {
            return None;
        }
        let random = &mut self.lock().random;
        let mut place = |group: &AppendGroup| random.below(group.events.len() as u64) as usize;
        Some(groups.iter().map(&mut place).collect())
    }

    fn tells_changes(&self) -> bool {
        !self.is_crashed()
    }
}

impl Faults {
    async fn happen<T: Answer>(&self, faults: &[Fault], info: CallInfo, run: BoxFuture<'static, T>) -> T {
        for fault in faults {
            match *fault {
                Fault::Slow(_) | Fault::Reorder(_) | Fault::Cut => {}
                Fault::Conflict if !info.call.is_append() => {}
                Fault::Conflict => return T::failed(Failure::Conflict, info.items),
                Fault::FailBefore => return T::failed(Failure::NotApplied(planned()), info.items),
                Fault::Refuse => {
                    let error = StoreError::permanent("refused, as planned");
                    return T::failed(Failure::NotApplied(error), info.items);
                }
                Fault::FailAfter => {
                    drop(run.await);
                    return T::failed(Failure::Unknown(planned()), info.items);
                }
                Fault::ApplyLater(delay) => {
                    if info.call.is_write() {
                        let sleep = self.runtime.sleep(delay);
                        self.runtime.spawn(sleep.then(|()| run).map(drop).boxed());
                    }
                    return T::failed(Failure::Unknown(planned()), info.items);
                }
                Fault::Hold => {
                    if info.call.is_write() {
                        self.held().push(run.map(drop).boxed());
                    }
                    return T::failed(Failure::Unknown(planned()), info.items);
                }
                Fault::CrashBefore => return dead(self.crash(), info, Failure::Unknown).await,
                Fault::CrashAfter => {
                    let after_crash = self.crash();
                    drop(run.await);
                    return dead(after_crash, info, Failure::Unknown).await;
                }
            }
        }
        run.await
    }

    async fn pause(&self, duration: Duration) {
        if !duration.is_zero() {
            self.runtime.sleep(duration).await;
        }
    }
}

/// How long a call waits before it is made, and before it is answered.
fn delays(faults: &[Fault], random: &mut Random) -> (Duration, Duration) {
    let (mut before, mut after) = (Duration::ZERO, Duration::ZERO);
    for fault in faults {
        match *fault {
            Fault::Slow(delay) => before += delay,
            Fault::Reorder(most) => {
                let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
                before += Duration::from_micros(random.below(most));
                after += Duration::from_micros(random.below(most));
            }
            _ => {}
        }
    }
    (before, after)
}

fn dead<T: Answer>(
    after_crash: AfterCrash,
    info: CallInfo,
    failure: fn(StoreError) -> Failure,
) -> BoxFuture<'static, T> {
    match after_crash {
        AfterCrash::Hang => Box::pin(future::pending()),
        AfterCrash::Fail => {
            let error = StoreError::transient("the process has crashed, as planned");
            Box::pin(future::ready(T::failed(failure(error), info.items)))
        }
    }
}

fn planned() -> StoreError {
    StoreError::transient("failed, as planned")
}
