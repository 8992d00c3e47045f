//! Versions that take each other's place in the simulator: whoever switches may die at any moment.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod seen;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{LogEvent, Transactions};
use asynx_core::{Runtime, Store, StreamId};
use asynx_projection::{
    Batch, Engine, EngineError, HandlerError, ProjectionHandle, State, Transactional, TransactionalProjection, Untyped,
};
use asynx_store_memory::MemoryStore;
use asynx_testkit::sim::{Sim, SimProcess};
use asynx_testkit::{Random, samples};
use seen::{History, Seen, options};

/// Writes what is not replayed, as an outbox would.
struct Outbox {
    seen: Seen,
    version: u32,
    stuck: Arc<AtomicBool>,
}

#[async_trait]
impl TransactionalProjection<<Seen as Transactions>::Transaction> for Outbox {
    type Decode = Untyped;

    async fn handle(
        &self,
        transaction: &mut <Seen as Transactions>::Transaction,
        batch: Batch<'_, LogEvent>,
    ) -> Result<(), HandlerError> {
        self.seen.wait().await;
        if self.version == 1 && self.stuck.load(Ordering::SeqCst) && batch.iter().any(|event| event.stream == stuck()) {
            return Err(HandlerError::transient("stuck"));
        }
        if batch.is_replayed() {
            return Ok(());
        }
        let history = self.seen.history.clone();
        let positions: Vec<_> = batch.iter().map(|event| event.position).collect();
        transaction
            .0
            .change(move || history.lock().unwrap().written.extend(positions));
        Ok(())
    }
}

/// The stream that the first version cannot handle while it is stuck.
fn stuck() -> StreamId {
    StreamId::parse("s", "1").unwrap()
}

/// A world with one store.
struct World {
    sim: Arc<Sim>,
    base: MemoryStore,
    history: Arc<Mutex<History>>,
    events: u64,
    stuck: Arc<AtomicBool>,
}

impl World {
    fn seeded(seed: u64) -> Self {
        Self {
            sim: Arc::new(Sim::seeded(seed).max_steps(3_000_000)),
            base: MemoryStore::new(),
            history: Arc::default(),
            events: 0,
            stuck: Arc::default(),
        }
    }

    /// A process that runs some versions, each with so many partitions.
    fn start(&self, name: &str, versions: &[(u32, usize)]) -> Process {
        let process = self.sim.process(name);
        let seen = Seen {
            base: self.base.clone(),
            process: process.clone(),
            history: self.history.clone(),
            unfenced: false,
        };
        let runtime: Arc<dyn Runtime> = Arc::new(process.clone());
        let engine = Engine::builder(seen.clone(), runtime).build().unwrap();
        let run = |(version, partitions): &(u32, usize)| {
            let transactional = Transactional {
                transactions: seen.clone(),
                projection: Outbox {
                    seen: seen.clone(),
                    version: *version,
                    stuck: self.stuck.clone(),
                },
            };
            let options = options()
                .with_version(*version)
                .with_partitions(NonZeroUsize::new(*partitions).unwrap());
            engine.run("outbox", options, || Untyped, transactional).unwrap()
        };
        Process {
            handles: versions.iter().map(run).collect(),
            process,
            engine,
        }
    }

    /// Lets these be in use first.
    async fn first(&self, versions: &[(u32, usize)]) {
        let first = self.start("first", versions);
        self.until("it is in use", || first.state(0) == State::Live).await;
        first.end().await;
    }

    async fn append(&mut self, count: u64) {
        for _ in 0..count {
            let stream = StreamId::parse("s", &format!("{}", self.events % 5)).unwrap();
            self.base
                .append(&stream, samples::event(self.events / 5 + 1))
                .await
                .unwrap();
            self.events += 1;
        }
    }

    async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        for _ in 0..4_000 {
            if is_so() {
                return;
            }
            self.sim.main().sleep(Duration::from_millis(5)).await;
        }
        panic!("never so: {what}; written {:?}", self.written());
    }

    /// The numbers of what was written, in order.
    fn written(&self) -> Vec<u64> {
        let written = &self.history.lock().unwrap().written;
        let mut numbers: Vec<u64> = written.iter().map(|position| position.parts()[2]).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Every event has had its effect, and once.
    async fn all_written(&self, seed: u64) {
        let all: Vec<u64> = (1..=self.events).collect();
        self.until("everything is written", || self.written().len() >= all.len())
            .await;
        self.sim.main().sleep(Duration::from_millis(500)).await;
        assert_eq!(self.written(), all, "seed {seed}");
    }
}

struct Process {
    process: SimProcess,
    engine: Engine,
    handles: Vec<ProjectionHandle>,
}

impl Process {
    fn state(&self, at: usize) -> State {
        self.handles[at].status().state
    }

    /// Switches; what the store's faults do to that is not what is looked for.
    async fn switch(&self, world: &World, at: usize) {
        for _ in 0..100 {
            match self.handles[at].switch(Duration::from_secs(10)).await {
                Ok(()) => return,
                Err(EngineError::Store { .. } | EngineError::Hook { .. }) => {}
                Err(error) => panic!("{error}"),
            }
            world.sim.main().sleep(Duration::from_millis(5)).await;
        }
        panic!("it is never switched to");
    }

    async fn end(self) {
        assert!(self.engine.stop(Duration::from_secs(1)).await);
        self.process.kill();
    }
}

fn play(seed: u64, test: impl AsyncFnOnce(&mut World)) {
    let mut world = World::seeded(seed);
    let sim = world.sim.clone();
    sim.block_on(Box::pin(test(&mut world)))
        .unwrap_or_else(|stuck| panic!("seed {seed}: {stuck}"));
}

/// A process begins to switch, and dies within so many microseconds.
async fn die_in_a_switch(world: &World, random: &mut Random) {
    let dying = world.start("dying", &[(1, 1), (2, 1)]);
    world.sim.main().sleep(Duration::from_millis(100)).await;
    let new = dying.handles[1].clone();
    dying.process.spawn(Box::pin(async move {
        let _ = new.switch(Duration::from_secs(10)).await;
    }));
    let time = Duration::from_micros(random.below(60_000));
    world.sim.main().sleep(time).await;
    dying.process.kill();
}

#[test]
fn a_switch_whose_process_died_is_finished_where_the_new_version_runs() {
    for seed in 1..=100 {
        play(seed, async |world| {
            let mut random = Random::seeded(seed);
            world.append(10).await;
            world.first(&[(1, 1)]).await;
            let other = world.start("other", &[(1, 1), (2, 1)]);
            world
                .until("one serves", || {
                    other.state(0) == State::Live && other.state(1) == State::Ready
                })
                .await;
            die_in_a_switch(world, &mut random).await;
            world.append(10).await;
            let serves = || other.state(0) == State::Live || other.state(1) == State::Live;
            world.until("one serves again", serves).await;
            world.all_written(seed).await;
            other.end().await;
        });
    }
}

#[test]
fn a_switch_whose_process_died_is_undone_where_nobody_runs_the_new_version() {
    for seed in 1..=100 {
        play(seed, async |world| {
            let mut random = Random::seeded(seed);
            world.append(10).await;
            let other = world.start("other", &[(1, 1)]);
            world.until("it serves", || other.state(0) == State::Live).await;
            die_in_a_switch(world, &mut random).await;
            world.append(10).await;
            world.sim.main().sleep(Duration::from_millis(1_000)).await;
            let switched = asynx_in_use(world).await == 2;
            if switched {
                // It was done before the process died.
                world.until("replaced", || other.state(0) == State::Replaced).await;
            } else {
                world.all_written(seed).await;
            }
            let both = world.start("both", &[(2, 1)]);
            both.switch(world, 0).await;
            world.append(10).await;
            world.all_written(seed).await;
            other.end().await;
            both.end().await;
        });
    }
}

#[test]
fn effects_happen_once_over_a_switch_wherever_the_partitions_stand() {
    for seed in 1..=60 {
        play(seed, async |world| {
            world.first(&[(1, 3)]).await;
            let both = world.start("both", &[(1, 3), (2, 2)]);
            world.append(10).await;
            world.all_written(seed).await;
            world.stuck.store(true, Ordering::SeqCst);
            world.append(20).await;
            world.sim.main().sleep(Duration::from_secs(2)).await;
            let beside = world.written().len();
            assert!(beside > 10 && beside < 30, "seed {seed}: {beside}");
            both.switch(world, 1).await;
            // What the old one knows is not lost before it is of no use.
            let mut removed = both.handles[0].remove().await;
            while let Err(EngineError::StillNeeded { .. } | EngineError::Store { .. }) = removed {
                world.sim.main().sleep(Duration::from_millis(5)).await;
                removed = both.handles[0].remove().await;
            }
            world.append(10).await;
            world.all_written(seed).await;
            both.end().await;
        });
    }
}

/// Which version is in use.
async fn asynx_in_use(world: &World) -> u64 {
    let kept = asynx_core::store::Checkpoints::get(&world.base, "in use:outbox")
        .await
        .unwrap();
    kept.unwrap().position.unwrap().parts()[0] & u64::from(u32::MAX)
}
