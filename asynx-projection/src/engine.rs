use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use asynx_core::{Runtime, Store};
use asynx_observe::ProjectionFigures;
use futures::future::{Either, join_all, select};

use crate::bounded::Bounded;
use crate::handle::{Inner, OfType, Part};
use crate::limits::Limits;
use crate::partitions::{Partition, Share};
use crate::role::Built;
use crate::runner::{Runner, Wish};
use crate::subscribe::{Reader, narrow};
use crate::{EngineError, Lifecycle, ProjectionHandle, ProjectionOptions, Status};

/// Runs projections over the log of one store. Cheap to clone.
///
/// Each projection, and each partition of one, runs in a task of its own: one that fails, panics or hangs affects no
/// other. Any number of processes may run an engine with the same projections over the same store; a lease sees to it
/// that one at a time runs each, and a fence to it that a process that was only paused cannot write.
///
/// Projections run until they are stopped, also when the engine and their handles are dropped.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    runtime: Arc<dyn Runtime>,
    holder: String,
    running: Mutex<BTreeMap<String, Arc<Inner>>>,
}

/// Makes an [`Engine`].
pub struct EngineBuilder {
    store: Arc<dyn Store>,
    runtime: Arc<dyn Runtime>,
    holder: Option<String>,
}

impl EngineBuilder {
    /// Sets how this process calls itself in leases, by default a random number. 1 to 100 bytes; no two processes may
    /// have the same.
    #[must_use]
    pub fn with_holder(mut self, holder: impl Into<String>) -> Self {
        self.holder = Some(holder.into());
        self
    }

    /// Makes the engine.
    ///
    /// # Errors
    /// [`EngineError::Lacking`] where the store has no log, checkpoints, leases or parking; [`EngineError::Holder`].
    pub fn build(self) -> Result<Engine, EngineError> {
        let store = &self.store;
        let lacking = [
            ("log", store.log().is_none()),
            ("checkpoints", store.checkpoints().is_none()),
            ("leases", store.leases().is_none()),
            ("parking", store.parking().is_none()),
        ];
        if let Some((missing, _)) = lacking.into_iter().find(|(_, lacks)| *lacks) {
            return Err(EngineError::Lacking { missing });
        }
        let holder = self
            .holder
            .unwrap_or_else(|| format!("{:016x}", self.runtime.entropy()));
        if holder.is_empty() || holder.len() > 100 || holder.contains('\0') {
            return Err(EngineError::Holder { holder });
        }
        Ok(Engine {
            shared: Arc::new(Shared {
                store: self.store,
                runtime: self.runtime,
                holder,
                running: Mutex::default(),
            }),
        })
    }
}

impl fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineBuilder")
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Begins an engine over a store, whose tasks run on a runtime.
    #[must_use]
    pub fn builder(store: impl Store, runtime: Arc<dyn Runtime>) -> EngineBuilder {
        EngineBuilder {
            store: Arc::new(store),
            runtime,
            holder: None,
        }
    }

    /// Runs a projection from now on: from its checkpoint, or from the beginning of the log.
    ///
    /// `decode` makes a decoder for each partition.
    ///
    /// # Errors
    /// [`EngineError::Name`], [`EngineError::Option`] and [`EngineError::Running`]: nothing was begun.
    pub fn run<L: Lifecycle>(
        &self,
        name: &str,
        options: ProjectionOptions,
        decode: impl Fn() -> L::Decode + Send + Sync + 'static,
        lifecycle: L,
    ) -> Result<ProjectionHandle, EngineError> {
        if name.is_empty() || name.len() > 120 || name.contains('\0') {
            return Err(EngineError::Name { name: name.to_owned() });
        }
        options.check()?;
        let of = options.partitions.get();
        let limits = Limits {
            runtime: self.shared.runtime.clone(),
            handler: options.timeout,
            store: options.store_timeout,
        };
        let store: Arc<dyn Store> = Arc::new(Bounded {
            base: self.shared.store.clone(),
            limits: limits.clone(),
        });
        let built = Built {
            version: options.version,
            partitions: of,
        };
        let whole = format!("{name}@{}", options.version);
        let inner = Arc::new(Inner {
            name: name.to_owned(),
            built,
            parts: parts(name, built),
            store: store.clone(),
            runtime: self.shared.runtime.clone(),
            limits: limits.clone(),
        });
        {
            let mut running = self.shared.running();
            let before = running.get(&whole).filter(|inner| !inner.is_stopped());
            if before.is_some() {
                let (name, version) = (name.to_owned(), options.version);
                return Err(EngineError::Running { name, version });
            }
            running.insert(whole.clone(), inner.clone());
        }
        let lifecycle = Arc::new(lifecycle);
        let share = Arc::new(Share::new(of));
        for (number, part) in inner.parts.iter().enumerate() {
            let decode = decode();
            let mut filter = options.filter.clone();
            narrow(&mut filter, &decode);
            let runner = Runner {
                reader: Reader {
                    store: store.clone(),
                    runtime: self.shared.runtime.clone(),
                    filter,
                    max_events: options.batch.get(),
                    max_bytes: options.batch_bytes,
                    poll_interval: options.poll_interval,
                },
                runtime: self.shared.runtime.clone(),
                lifecycle: lifecycle.clone(),
                decode,
                name: part.reader.clone(),
                holder: self.shared.holder.clone(),
                built,
                partition: Partition { number, of },
                share: share.clone(),
                options: options.clone(),
                projection: name.to_owned(),
                limits: limits.clone(),
                board: part.board.clone(),
                control: part.control.clone(),
                leaving_since: None,
            };
            self.shared.runtime.spawn(Box::pin(runner.run()));
        }
        if of > 1 {
            let keep = share.keep(
                store,
                self.shared.runtime.clone(),
                whole,
                self.shared.holder.clone(),
                options.lease_time,
                inner.clone(),
            );
            self.shared.runtime.spawn(Box::pin(keep));
        }
        Ok(ProjectionHandle::new(inner, Arc::new(OfType { lifecycle, decode })))
    }

    /// How every projection of this engine is doing, with its name and version, in the order of their names.
    #[must_use]
    pub fn statuses(&self) -> Vec<(String, u32, Status)> {
        let running = self.shared.running();
        running
            .values()
            .map(|inner| (inner.name.clone(), inner.built.version, inner.status()))
            .collect()
    }

    /// Stops every projection in order: each ends the batch that it is at, and keeps its checkpoint. `true` if all had
    /// stopped before the deadline; the others stop as soon as they can.
    ///
    /// # Cancel safety
    /// They are stopped all the same.
    pub async fn stop(&self, deadline: Duration) -> bool {
        let inners: Vec<Arc<Inner>> = self.shared.running().values().cloned().collect();
        inners.iter().for_each(|inner| inner.wish(Wish::Stop));
        let stopped = join_all(inners.iter().map(|inner| inner.stopped()));
        let sleep = self.shared.runtime.sleep(deadline);
        matches!(select(Box::pin(stopped), sleep).await, Either::Left(_))
    }
}

fn parts(name: &str, built: Built) -> Vec<Part> {
    let readers = built.readers(name).into_iter().enumerate();
    let figures = |number| ProjectionFigures::new(name, built.version, number);
    readers
        .map(|(number, reader)| Part::new(reader, figures(number)))
        .collect()
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.shared.running().keys().cloned().collect();
        f.debug_struct("Engine")
            .field("holder", &self.shared.holder)
            .field("running", &names)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Inner>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
