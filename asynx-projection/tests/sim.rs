//! Engines in the simulator: processes that are paused beyond their leases, killed and started again, over a store that
//! answers late, loses answers, or never answers.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod seen;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{LogEvent, Parking, Transactions};
use asynx_core::{Position, Runtime, Store, StreamId};
use asynx_projection::{
    Batch, Detached, Engine, HandlerError, Lifecycle, Projection, Transactional, TransactionalProjection, Untyped,
};
use asynx_store_memory::MemoryStore;
use asynx_testkit::sim::Sim;
use asynx_testkit::{Random, samples};
use seen::{History, Seen, options};

struct Model(Seen);

impl Model {
    fn trouble(&self, batch: &Batch<'_, LogEvent>) -> Result<(), HandlerError> {
        let poison = self.0.history.lock().unwrap().poison;
        if batch.iter().any(|event| event.position.parts()[2] == poison) {
            return Err(HandlerError::permanent("poison"));
        }
        if self.0.process.entropy().is_multiple_of(20) {
            return Err(HandlerError::transient("come again"));
        }
        Ok(())
    }
}

#[async_trait]
impl Projection for Model {
    type Decode = Untyped;

    async fn handle(&self, batch: Batch<'_, LogEvent>) -> Result<(), HandlerError> {
        self.0.wait().await;
        self.trouble(&batch)?;
        let mut history = self.0.history.lock().unwrap();
        history.given.extend(batch.iter().map(|event| event.position));
        Ok(())
    }
}

#[async_trait]
impl TransactionalProjection<<Seen as Transactions>::Transaction> for Model {
    type Decode = Untyped;

    async fn handle(
        &self,
        transaction: &mut <Seen as Transactions>::Transaction,
        batch: Batch<'_, LogEvent>,
    ) -> Result<(), HandlerError> {
        self.0.wait().await;
        self.trouble(&batch)?;
        let history = self.0.history.clone();
        let positions: Vec<Position> = batch.iter().map(|event| event.position).collect();
        transaction
            .0
            .change(move || history.lock().unwrap().written.extend(positions));
        Ok(())
    }
}

const EVENTS: u64 = 60;

/// Runs two engines over a log that grows, while one or the other is paused, killed and started again.
fn play(seed: u64, unfenced: bool) -> (History, usize) {
    let sim = Arc::new(Sim::seeded(seed).max_steps(2_000_000));
    let base = MemoryStore::new();
    let history = Arc::new(Mutex::new(History {
        poison: 1 + seed % (2 * EVENTS),
        ..History::default()
    }));
    let start = |name: String| {
        let process = sim.process(&name);
        let seen = Seen {
            base: base.clone(),
            process: process.clone(),
            history: history.clone(),
            unfenced,
        };
        let runtime: Arc<dyn Runtime> = Arc::new(process.clone());
        let engine = Engine::builder(seen.clone(), runtime).build().unwrap();
        let transactional = Transactional {
            transactions: seen.clone(),
            projection: Model(seen.clone()),
        };
        run(&engine, "exactly", transactional);
        run(&engine, "at-least", Detached(Model(seen)));
        (process, engine)
    };
    let mut random = Random::seeded(seed);
    let chaos = async {
        let mut engines = vec![start("e0".to_owned()), start("e1".to_owned())];
        for round in 0..EVENTS {
            let stream = StreamId::parse("s", &format!("{}", round % 3)).unwrap();
            base.append(&stream, samples::event(round / 3 + 1)).await.unwrap();
            sim.main().sleep(Duration::from_micros(random.below(8_000))).await;
            let at = random.below(2) as usize;
            match random.below(12) {
                0 => {
                    let process = engines[at].0.clone();
                    process.pause();
                    let main = sim.main().clone();
                    let pause = Duration::from_millis(random.below(300));
                    let resume = process.clone();
                    main.clone().spawn(Box::pin(async move {
                        main.sleep(pause).await;
                        resume.resume();
                    }));
                }
                1 => {
                    engines[at].0.kill();
                    engines[at] = start(format!("e{at}.{round}"));
                }
                _ => {}
            }
        }
        // With all well again everything is handled.
        for _ in 0..4_000 {
            sim.main().sleep(Duration::from_millis(5)).await;
            let mut parked = 0;
            for reader in ["exactly@1", "at-least@1"] {
                parked += base.parked(reader, None, 10).await.unwrap().len();
            }
            let history = history.lock().unwrap();
            let poison = usize::from(history.poison <= EVENTS);
            if parked == 2 * poison && history.written.len() + poison >= EVENTS as usize && all_given(&history) {
                break;
            }
        }
        history.lock().unwrap().hangs = seed.is_multiple_of(2);
        for (process, engine) in engines {
            assert!(engine.stop(Duration::from_secs(1)).await, "{:?}", engine.statuses());
            process.kill();
        }
        base.parked("exactly@1", None, 10).await.unwrap().len()
    };
    let parked = sim
        .block_on(chaos)
        .unwrap_or_else(|stuck| panic!("seed {seed}: {stuck}"));
    drop(sim);
    let history = std::mem::take(&mut *history.lock().unwrap());
    (history, parked)
}

fn run<L: Lifecycle<Decode = Untyped>>(engine: &Engine, name: &str, lifecycle: L) {
    engine.run(name, options(), || Untyped, lifecycle).unwrap();
}

fn wanted(history: &History) -> Vec<u64> {
    (1..=EVENTS).filter(|number| *number != history.poison).collect()
}

fn numbers(positions: &[Position]) -> Vec<u64> {
    positions.iter().map(|position| position.parts()[2]).collect()
}

fn all_given(history: &History) -> bool {
    let mut given = numbers(&history.given);
    given.sort_unstable();
    given.dedup();
    given == wanted(history)
}

/// What was broken, if anything.
fn broken(history: &History, parked: usize) -> Option<String> {
    if numbers(&history.written) != wanted(history) {
        return Some(format!("exactly once, in order: {:?}", numbers(&history.written)));
    }
    if !all_given(history) {
        return Some(format!("at least once: {:?}", numbers(&history.given)));
    }
    if parked != usize::from(history.poison <= EVENTS) {
        return Some(format!("{parked} events are parked"));
    }
    let (reader, moves) = history.moves.iter().find(|(_, moves)| !moves.is_sorted())?;
    Some(format!("an old owner of {reader} wrote after a newer one: {moves:?}"))
}

#[test]
fn nothing_is_lost_or_written_twice_whatever_happens_to_the_processes() {
    for seed in 1..=150 {
        let (history, parked) = play(seed, false);
        if let Some(broken) = broken(&history, parked) {
            panic!("seed {seed}: {broken}");
        }
    }
}

#[test]
fn a_store_that_hangs_is_seen_and_a_stop_ends_in_time() {
    for seed in 1..=20 {
        let sim = Arc::new(Sim::seeded(seed).max_steps(2_000_000));
        let process = sim.process("e0");
        let seen = Seen {
            base: MemoryStore::new(),
            process: process.clone(),
            history: Arc::default(),
            unfenced: false,
        };
        let hanging = async {
            let engine = Engine::builder(seen.clone(), Arc::new(process.clone()))
                .build()
                .unwrap();
            let transactional = Transactional {
                transactions: seen.clone(),
                projection: Model(seen.clone()),
            };
            let parted = options().with_partitions(NonZeroUsize::new(3).unwrap());
            engine
                .run("exactly", parted.clone(), || Untyped, transactional)
                .unwrap();
            engine
                .run("at-least", parted, || Untyped, Detached(Model(seen.clone())))
                .unwrap();
            for number in 1..=10 {
                let stream = StreamId::parse("s", &number.to_string()).unwrap();
                seen.base.append(&stream, samples::event(1)).await.unwrap();
            }
            sim.main()
                .sleep(Duration::from_micros(process.entropy() % 100_000))
                .await;
            seen.history.lock().unwrap().hangs = true;
            sim.main().sleep(Duration::from_secs(1)).await;
            for (name, _, status) in engine.statuses() {
                let said = status.last_error.unwrap_or_default();
                assert!(said.contains("not answered within"), "{seed} {name}: {said}");
            }
            assert!(
                engine.stop(Duration::from_secs(1)).await,
                "{seed}: {:?}",
                engine.statuses()
            );
            process.kill();
        };
        sim.block_on(hanging)
            .unwrap_or_else(|stuck| panic!("seed {seed}: {stuck}"));
    }
}

#[test]
fn without_the_fence_an_old_owner_is_seen_to_write() {
    let caught = (1..=150).find(|seed| {
        let (history, parked) = play(*seed, true);
        broken(&history, parked).is_some()
    });
    assert!(caught.is_some(), "the simulator proves nothing");
}
