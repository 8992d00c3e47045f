use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use asynx_bus::InProcessBus;
use asynx_core::bus::{self, BusError, ForgetHandler, HandlerFailure, HandlerOutput, Hooks, SnapshotTrouble};
use asynx_core::store::{ForgetPolicy, SnapshotStore};
use asynx_core::{Aggregate, Bus, Event, NoUpcast, Runtime, Store, StreamId, TraceContext, Upcast};
use asynx_processor::{Options, Overflow, Parts, Processor};

use crate::{Asynx, BuildError};

/// Builds an [`Asynx`]. Only [`store`](Self::store) must be given.
#[must_use = "call `build` at the end"]
pub struct Builder<A: Aggregate> {
    store: Option<Arc<dyn Store>>,
    snapshots: Option<Arc<dyn SnapshotStore>>,
    bus: Option<Arc<dyn Bus<A>>>,
    runtime: Option<Arc<dyn Runtime>>,
    upcast: Option<Arc<dyn Upcast>>,
    on_forget: Vec<ForgetHandler<A>>,
    resume_forgets: bool,
    hooks: Hooks<A>,
    options: Options,
}

impl<A: Aggregate> Builder<A> {
    pub(crate) fn new() -> Self {
        Self {
            store: None,
            snapshots: None,
            bus: None,
            runtime: None,
            upcast: None,
            on_forget: Vec::new(),
            resume_forgets: false,
            hooks: observed(Hooks::default()),
            options: Options::default(),
        }
    }

    /// Where the events go. Several kinds of aggregates may share a store: give each a clone.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Where the snapshots go. By default into the store, if it keeps snapshots.
    pub fn snapshot_store(mut self, snapshots: impl SnapshotStore) -> Self {
        self.snapshots = Some(Arc::new(snapshots));
        self
    }

    /// Who hands events to subscriptions. By default an in-process bus.
    pub fn bus(mut self, bus: Arc<dyn Bus<A>>) -> Self {
        self.bus = Some(bus);
        self
    }

    /// Where tasks, time and entropy come from. By default the tokio runtime that `build` is called in.
    pub fn runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Some(Arc::new(runtime));
        self
    }

    /// The current schema and the steps to it, such as a [`Chain`](crate::upcast::Chain). By default schema 1.
    pub fn upcast(mut self, upcast: impl Upcast) -> Self {
        self.upcast = Some(Arc::new(upcast));
        self
    }

    /// Every option at once; the methods below set them one by one.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// How many commands run side by side, each of another aggregate; 8 by default.
    pub fn shards(mut self, shards: NonZeroUsize) -> Self {
        self.options.shards = shards;
        self
    }

    /// How many commands may wait in each shard, and what happens to one more. By default any number.
    pub fn queue(mut self, depth: NonZeroUsize, overflow: Overflow) -> Self {
        self.options.queue_depth = Some(depth);
        self.options.overflow = overflow;
        self
    }

    /// How many aggregates, and bytes of serialised states, each shard keeps in memory; 10,000 and 64 MiB by default.
    pub fn cache(mut self, aggregates: NonZeroUsize, bytes: usize) -> Self {
        self.options.cache_aggregates = aggregates;
        self.options.cache_bytes = bytes;
        self
    }

    /// Writes a snapshot whenever so many events have come since the last; 100 by default, `None` for never. Commands
    /// may ask for one besides.
    pub fn snapshot_every(mut self, events: impl Into<Option<NonZeroUsize>>) -> Self {
        self.options.snapshot_every = events.into();
        self
    }

    /// Reads every event's state back before it is appended, not only the first of each event name.
    pub fn strict(mut self) -> Self {
        self.options.strict = true;
        self
    }

    /// Owns this kind of aggregate: reads and rejections rest on the cache and ask the store no more. A second
    /// instance that wants to own it fails at `build`; where the ownership is lost, the store is asked again.
    pub fn sole_writer(mut self) -> Self {
        self.options.sole_writer = true;
        self
    }

    /// What a forget leaves in the store.
    pub fn forget_policy(mut self, policy: ForgetPolicy) -> Self {
        self.options.forget_policy = policy;
        self
    }

    /// How long one call to the store may take; 30 s by default.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.options.store_timeout = timeout;
        self
    }

    /// Goes on, when it starts, with the forgets that an earlier process left unfinished, without any forget handlers:
    /// for programs that have none. With [`on_forget`](Self::on_forget) this is so by itself.
    pub fn resume_forgets(mut self) -> Self {
        self.resume_forgets = true;
        self
    }

    /// Adds a handler of forgets that also sees those that an earlier process left unfinished: they are resumed when
    /// this one starts.
    pub fn on_forget<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Event<A>) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: HandlerOutput,
    {
        self.on_forget.push(bus::handler(handler));
        self
    }

    /// Calls `hook` when a handler or a fallback panics, fails, times out, or misses an event. With a bus of your own,
    /// give it the hook itself.
    pub fn on_handler_failure(
        mut self,
        hook: impl Fn(&Event<A>, asynx_core::bus::SubscriptionId, &HandlerFailure) + Send + Sync + 'static,
    ) -> Self {
        self.hooks = self.hooks.on_handler_failure(hook);
        self
    }

    /// Calls `hook` when the bus could not take a durable event.
    pub fn on_publish_error(mut self, hook: impl Fn(&Event<A>, &BusError) + Send + Sync + 'static) -> Self {
        self.hooks = self.hooks.on_publish_error(hook);
        self
    }

    /// Calls `hook` when a snapshot is corrupt (the state comes from replay then) or cannot be written.
    pub fn on_snapshot_trouble(mut self, hook: impl Fn(&StreamId, &SnapshotTrouble) + Send + Sync + 'static) -> Self {
        self.hooks = self.hooks.on_snapshot_trouble(hook);
        self
    }

    /// Calls `trace` at the first poll of a command that brings no trace context, and of a forget: what it gives is
    /// stored with the event. With the feature `opentelemetry` this is the span that is current there, by default.
    ///
    /// ```
    /// # use asynx::{Aggregate, Builder, TraceContext};
    /// # fn current_traceparent() -> Option<String> { None }
    /// # fn example<A: Aggregate>(builder: Builder<A>) -> Builder<A> {
    /// builder.trace_context(|| current_traceparent().map(TraceContext::new))
    /// # }
    /// ```
    pub fn trace_context(mut self, trace: impl Fn() -> Option<TraceContext> + Send + Sync + 'static) -> Self {
        self.hooks = self.hooks.trace_context(trace);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`BuildError`] says what is missing, or what the store said.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn build(self) -> Result<Asynx<A>, BuildError> {
        let store = self.store.ok_or(BuildError::MissingStore)?;
        let runtime = match self.runtime {
            Some(runtime) => runtime,
            None => found_runtime().ok_or(BuildError::MissingRuntime)?,
        };
        let bus: Arc<dyn Bus<A>> = match self.bus {
            Some(bus) => bus,
            None => Arc::new(InProcessBus::new(Arc::clone(&runtime), self.hooks.clone())),
        };
        let resume_forgets = self.resume_forgets || !self.on_forget.is_empty();
        for handler in self.on_forget {
            bus.on_forget(handler)?;
        }
        let processor = Processor::start(Parts {
            store,
            snapshots: self.snapshots,
            bus: Arc::clone(&bus),
            runtime,
            upcast: self.upcast.unwrap_or_else(|| Arc::new(NoUpcast)),
            hooks: self.hooks,
            options: self.options,
            resume_forgets,
        });
        Ok(Asynx::new(processor.await?, bus))
    }
}

#[cfg(feature = "opentelemetry")]
fn observed<A: Aggregate>(hooks: Hooks<A>) -> Hooks<A> {
    hooks.trace_context(asynx_observe::current_trace_context)
}

#[cfg(not(feature = "opentelemetry"))]
const fn observed<A: Aggregate>(hooks: Hooks<A>) -> Hooks<A> {
    hooks
}

#[cfg(feature = "tokio")]
fn found_runtime() -> Option<Arc<dyn Runtime>> {
    let runtime = asynx_runtime::TokioRuntime::current().ok()?;
    Some(Arc::new(runtime))
}

#[cfg(not(feature = "tokio"))]
fn found_runtime() -> Option<Arc<dyn Runtime>> {
    None
}

impl<A: Aggregate> std::fmt::Debug for Builder<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
