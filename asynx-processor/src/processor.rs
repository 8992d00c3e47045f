use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Weak};

use async_channel::Sender;
use asynx_core::bus::Hooks;
use asynx_core::store::SnapshotStore;
use asynx_core::{
    Aggregate, AggregateId, Bus, Category, Command, Error, InvalidName, Runtime, Store, StoreError, Upcast,
};
use asynx_observe::WriteFigures;
use futures::channel::oneshot;

use crate::cache::Cache;
use crate::calls::Calls;
use crate::forget::{Forgets, resume_pending};
use crate::held::Held;
use crate::lease::Lease;
use crate::options::Options;
use crate::queue::Queue;
use crate::reader::{Question, Wants, answer_questions};
use crate::route::shard_of;
use crate::sending::Sending;
use crate::shard::Shard;
use crate::shared::Shared;
use crate::snapshots::Snapshots;
use crate::tasks::Tasks;
use crate::work::Work;

/// What a processor is made of.
pub struct Parts<A: Aggregate> {
    /// Where the events go.
    pub store: Arc<dyn Store>,
    /// Where the snapshots go, if not into the store itself.
    pub snapshots: Option<Arc<dyn SnapshotStore>>,
    /// Who hands the events on.
    pub bus: Arc<dyn Bus<A>>,
    /// Where tasks, time and entropy come from.
    pub runtime: Arc<dyn Runtime>,
    /// What brings stored patches to the current schema.
    pub upcast: Arc<dyn Upcast>,
    /// What is told about failures that no caller waits for.
    pub hooks: Hooks<A>,
    /// How it works.
    pub options: Options,
    /// Whether to go on at once with the forgets that an earlier process left unfinished: only where the bus has its
    /// forget handlers already.
    pub resume_forgets: bool,
}

/// Why a processor could not start. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The aggregate's category is no valid name.
    #[error(transparent)]
    InvalidCategory(#[from] InvalidName),
    /// To be the sole writer was asked for, and the store has no leases.
    #[error("the store cannot tell who is the sole writer; leave out sole_writer or use another store")]
    SoleWriterUnsupported,
    /// To be the sole writer was asked for, and another instance is.
    #[error("another instance is the sole writer of {category:?}; stop it first")]
    SoleWriterTaken {
        /// The category.
        category: Category,
    },
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
}

/// Runs commands: cheap to clone, one per process and aggregate type. It ends with its last clone, or by
/// [`shutdown`](Self::shutdown).
pub struct Processor<A: Aggregate> {
    pub(crate) handle: Arc<Handle<A>>,
}

/// A [`Processor`] that is not kept alive by it.
pub struct WeakProcessor<A: Aggregate>(Weak<Handle<A>>);

impl<A: Aggregate> WeakProcessor<A> {
    /// The processor, while somebody else keeps it alive.
    #[must_use]
    pub fn upgrade(&self) -> Option<Processor<A>> {
        self.0.upgrade().map(|handle| Processor { handle })
    }
}

impl<A: Aggregate> Clone for WeakProcessor<A> {
    fn clone(&self) -> Self {
        Self(Weak::clone(&self.0))
    }
}

impl<A: Aggregate> std::fmt::Debug for WeakProcessor<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("WeakProcessor").finish_non_exhaustive()
    }
}

/// The sending ends of the queues.
pub(crate) struct Handle<A: Aggregate> {
    pub(crate) shared: Arc<Shared<A>>,
    pub(crate) queues: Vec<Sender<Work<A>>>,
    pub(crate) questions: Vec<Sender<Question<A>>>,
    pub(crate) workers: Tasks,
    pub(crate) readers: Tasks,
    pub(crate) forgets: Forgets,
}

impl<A: Aggregate> Processor<A> {
    /// Starts the shards.
    ///
    /// # Errors
    /// [`StartError`] when the category is invalid or the sole writer's lease cannot be had.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn start(parts: Parts<A>) -> Result<Self, StartError> {
        let category = Category::parse(A::CATEGORY)?;
        let Parts { store, options, .. } = parts;
        let calls = Calls::new(store, Arc::clone(&parts.runtime), options.store_timeout);
        let lease = match (options.sole_writer, calls.store().sole_writer()) {
            (false, _) => None,
            (true, None) => return Err(StartError::SoleWriterUnsupported),
            (true, Some(writers)) => match calls.bounded(|| writers.acquire(&category)).await?? {
                Some(lease) => Some(lease),
                None => return Err(StartError::SoleWriterTaken { category }),
            },
        };
        let tasks = Tasks::default();
        let shards = options.shards.get();
        let cache = |_| Cache::new(options.cache_aggregates.get(), options.cache_bytes);
        let shared = Arc::new(Shared {
            caches: (0..shards).map(cache).collect(),
            snapshots: Snapshots::new(
                calls.clone(),
                parts.snapshots.clone(),
                Arc::clone(&parts.runtime),
                parts.hooks.clone(),
                tasks.clone(),
            ),
            figures: WriteFigures::new(A::CATEGORY),
            category,
            calls,
            dedicated_snapshots: parts.snapshots,
            bus: parts.bus,
            runtime: parts.runtime,
            upcast: parts.upcast,
            hooks: parts.hooks,
            options,
            tasks,
            lease: Lease::new(lease),
            verified: Mutex::new(HashSet::new()),
            closing: AtomicBool::new(false),
        });
        let (workers, readers) = (Tasks::default(), Tasks::default());
        let (mut queues, mut questions) = (Vec::with_capacity(shards), Vec::with_capacity(shards));
        for at in 0..shards {
            let (queue, works) = channel(shared.options.queue_depth.map(std::num::NonZeroUsize::get));
            queues.push(queue);
            workers.spawn(&*shared.runtime, Shard::new(Arc::clone(&shared), at, works).run());
            let (asking, asked) = channel(None);
            questions.push(asking);
            readers.spawn(&*shared.runtime, answer_questions(Arc::clone(&shared), at, asked));
        }
        if parts.resume_forgets {
            resume_pending(&shared);
        }
        let handle = Handle {
            shared,
            queues,
            questions,
            workers,
            readers,
            forgets: Mutex::new(HashMap::new()),
        };
        Ok(Self {
            handle: Arc::new(handle),
        })
    }

    /// A handle that does not keep the processor alive.
    #[must_use]
    pub fn downgrade(&self) -> WeakProcessor<A> {
        WeakProcessor(Arc::downgrade(&self.handle))
    }

    /// Describes a command to send; it is sent when the answer is awaited.
    pub fn send<C: Command<A>>(&self, command: C) -> Sending<A, C> {
        Sending::new(Arc::clone(&self.handle), command)
    }

    /// Whether it was told to shut down: then it takes no more commands.
    #[must_use]
    pub fn is_shutting_down(&self) -> bool {
        self.handle.shared.is_closing()
    }

    /// The newest state of an aggregate, current at some moment of the call.
    ///
    /// # Errors
    /// [`Error::NotFound`] where none lives; what keeps it from being loaded otherwise.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn get(&self, aggregate_id: &str) -> Result<Arc<A>, Error> {
        let id = AggregateId::parse(aggregate_id)?;
        let held = self.held(&id).await?;
        match held.life {
            Some(life) => Ok(life.state.into_inner()),
            None => Err(Error::NotFound {
                stream: self.handle.shared.stream(&id),
            }),
        }
    }

    /// Whether an aggregate lives, at some moment of the call. Its events are not read.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be asked.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn exists(&self, aggregate_id: &str) -> Result<bool, Error> {
        let id = AggregateId::parse(aggregate_id)?;
        if let Some(held) = self.cached_for_sure(&id) {
            return Ok(held.life.is_some());
        }
        let (reply, answer) = oneshot::channel();
        let head = self.handle.ask(id, Wants::Head(reply), answer).await?;
        let head = head.map_err(|source| Error::Store { source })?;
        Ok(head.living().is_some())
    }

    /// Loads an aggregate into the cache.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn preload(&self, aggregate_id: &str) -> Result<(), Error> {
        self.get(aggregate_id).await.map(asynx_core::drop_caught)
    }

    async fn held(&self, id: &AggregateId) -> Result<Held<A>, Error> {
        if let Some(held) = self.cached_for_sure(id) {
            return Ok(held);
        }
        let (reply, answer) = oneshot::channel();
        self.handle.ask(id.clone(), Wants::State(reply), answer).await?
    }

    /// What the sole writer need not ask the store about.
    fn cached_for_sure(&self, id: &AggregateId) -> Option<Held<A>> {
        let shared = &self.handle.shared;
        let sure = shared.is_sole_writer() && !shared.is_closing();
        sure.then(|| shared.cache(id).get_still(id))?
    }
}

impl<A: Aggregate> Handle<A> {
    pub(crate) fn queue(&self, id: &AggregateId) -> &Sender<Work<A>> {
        &self.queues[shard_of(id.as_str(), self.queues.len())]
    }

    async fn ask<T>(&self, id: AggregateId, wants: Wants<A>, answer: oneshot::Receiver<T>) -> Result<T, Error> {
        let questions = &self.questions[shard_of(id.as_str(), self.questions.len())];
        let asked = questions.try_send(Question { id, wants });
        asked.map_err(|_| Error::ShuttingDown)?;
        answer.await.map_err(|_| Error::ShuttingDown)
    }
}

fn channel<T>(depth: Option<usize>) -> (Sender<T>, Queue<T>) {
    let (sender, receiver) = match depth {
        Some(depth) => async_channel::bounded(depth),
        None => async_channel::unbounded(),
    };
    (sender, Queue(receiver))
}

impl<A: Aggregate> Clone for Processor<A> {
    fn clone(&self) -> Self {
        Self {
            handle: Arc::clone(&self.handle),
        }
    }
}

impl<A: Aggregate> std::fmt::Debug for Processor<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Processor")
            .field("category", &self.handle.shared.category)
            .field("options", &self.handle.shared.options)
            .finish_non_exhaustive()
    }
}
