//! One run from its seed to its verdict.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use asynx_core::{Bus, Error, Expected, Runtime, Store};
use asynx_lanes::LaneOptions;
use asynx_processor::Options;
use asynx_store_memory::MemoryStore;
use asynx_testkit::sim::{Sim, SimProcess};
use asynx_testkit::{PlainStore, Random};
use futures::future::{self, FutureExt};

use crate::calls::{Alive, Sent, within};
use crate::clients::Client;
use crate::history::{Answer, Caller, History, Request};
use crate::imports::import;
use crate::ledger::{Kind, Ledger, Op};
use crate::life::{self, Started};
use crate::sabotage::Sabotage;
use crate::scenario::{Scenario, StoreKind};

/// What all tasks of a run share.
pub(crate) struct Run {
    pub(crate) scenario: Scenario,
    pub(crate) machine: Machine,
    pub(crate) history: History,
    pub(crate) store: Arc<dyn Store>,
    /// The snapshot store of its own, where there is one.
    pub(crate) snapshots: MemoryStore,
    sabotage: Option<Sabotage>,
    slots: Mutex<Vec<Option<Started>>>,
    /// What was shut down, without its handle: a lease goes with the last one.
    shut_down_lives: Mutex<Vec<(usize, SimProcess)>>,
    healed: AtomicBool,
}

/// Makes processes.
pub(crate) struct Machine {
    sim: Arc<Sim>,
    main: SimProcess,
}

impl Machine {
    pub(crate) fn process(&self, name: &str) -> SimProcess {
        self.sim.process(name)
    }

    pub(crate) fn entropy(&self) -> u64 {
        self.main.entropy()
    }

    pub(crate) async fn sleep(&self, duration: Duration) {
        self.main.sleep(duration).await;
    }
}

/// Longer than anything that a healthy run waits for.
const LONG: Duration = Duration::from_secs(120);

/// Runs a scenario; `Err` when it got stuck.
pub(crate) fn play(scenario: &Scenario, sabotage: Option<Sabotage>) -> (Arc<Run>, Result<(), String>, u64) {
    let sim = Arc::new(Sim::with_schedule(scenario.seed, scenario.schedule).max_steps(3_000_000));
    let main = sim.main().clone();
    let store: Arc<dyn Store> = match scenario.store {
        StoreKind::Memory | StoreKind::Shy => Arc::new(MemoryStore::new()),
        StoreKind::Plain => Arc::new(PlainStore::default()),
    };
    let run = Arc::new(Run {
        scenario: scenario.clone(),
        history: History::new(main.clone()),
        machine: Machine {
            sim: Arc::clone(&sim),
            main,
        },
        store,
        snapshots: MemoryStore::new(),
        sabotage,
        slots: Mutex::new((0..scenario.processes).map(|_| None).collect()),
        shut_down_lives: Mutex::default(),
        healed: AtomicBool::new(false),
    });
    let stuck = sim.block_on(Arc::clone(&run).go());
    let stuck = stuck
        .and_then(|()| sim.run_until_idle())
        .map_err(|stuck| stuck.to_string());
    if stuck.is_err() {
        // Breaks the circles of what holds itself.
        run.slots().iter().flatten().for_each(Started::unlink);
    }
    for started in run.slots().iter().flatten() {
        started.alive.process.kill();
    }
    let trace = sim.trace();
    // What was killed is dropped; it holds this run.
    let _ = sim.run_until_idle();
    (run, stuck, trace)
}

impl Run {
    async fn go(self: Arc<Self>) {
        let slots = self.scenario.processes;
        for slot in 0..slots {
            self.begin(slot).await;
        }
        let clients = (0..self.scenario.clients).map(|number| Client::new(&self, number).work().boxed());
        let clients = future::join_all(clients.collect::<Vec<_>>());
        let chaos = Arc::clone(&self).chaos();
        let supervise = Arc::clone(&self).supervise();
        let working = future::join(clients, chaos).boxed();
        // The supervisor ends by itself, so that a run in which someone is never answered is seen to be stuck.
        match future::select(working, supervise.boxed()).await {
            future::Either::Left(_) => {}
            future::Either::Right(((), working)) => drop(working.await),
        }
        self.heal().await;
        self.probe().await;
        self.end().await;
        import(&self).await;
    }

    /// Brings what has died back.
    async fn supervise(self: Arc<Self>) {
        for _ in 0..20_000 {
            self.machine
                .sleep(Duration::from_micros(500 + self.machine.entropy() % 6_000))
                .await;
            for slot in 0..self.scenario.processes {
                if self.is_dead(slot) {
                    self.begin(slot).await;
                }
            }
        }
    }

    fn is_dead(&self, slot: usize) -> bool {
        self.slots()[slot]
            .as_ref()
            .is_none_or(|started| started.alive.process.is_killed())
    }

    /// Starts a process; if it cannot be, the slot stays empty.
    async fn begin(self: &Arc<Self>, slot: usize) {
        let old = self.slots()[slot].take();
        if let Some(old) = old {
            old.unlink();
        }
        let lives = self.history.lock().lives.len();
        let started = life::start(self, slot, lives < 12 && !self.is_healed()).await;
        if let Some(Ok(started)) = started {
            if self.is_healed() {
                started.faults.iter().for_each(|faults| faults.heal());
            }
            self.slots()[slot] = Some(started);
        }
    }

    async fn chaos(self: Arc<Self>) {
        let mut random = Random::seeded(self.machine.entropy());
        let Scenario {
            kills,
            shutdowns,
            pause,
            steps,
            ..
        } = self.scenario;
        let mut deeds: Vec<bool> = (0..kills).map(|_| true).collect();
        deeds.extend((0..shutdowns).map(|_| false));
        random.shuffle(&mut deeds);
        let span = pause.as_micros() as u64 * steps / (deeds.len() as u64 + 1);
        for kill in deeds {
            self.machine
                .sleep(Duration::from_micros(random.below(2 * span + 2_000)))
                .await;
            let slot = random.below(self.scenario.processes as u64) as usize;
            let Some(alive) = self.alive(slot) else { continue };
            if kill {
                self.kill(&alive);
            } else {
                let deadline = Duration::from_micros(random.below(300_000));
                self.shut_down(slot, &alive, deadline).await;
            }
        }
    }

    fn kill(&self, alive: &Alive) {
        let name = self.history.life_name(alive.life);
        let tick = self.history.note(format_args!("KILL {name}"));
        self.history.lock().lives[alive.life].killed = Some(tick);
        alive.process.kill();
    }

    async fn shut_down(&self, slot: usize, alive: &Alive, deadline: Duration) {
        let name = self.history.life_name(alive.life);
        let tick = self.history.note(format_args!("SHUTDOWN {name} within {deadline:?}"));
        self.history.lock().lives[alive.life].shutting = Some(tick);
        let processor = alive.processor.clone();
        let done = within(&alive.process, async move { processor.shutdown(deadline).await }).await;
        let Some(done) = done else { return };
        self.history.note(format_args!("SHUT DOWN {name}: {done:?}"));
        if deadline == LONG
            && let Err(error) = &done
        {
            self.history
                .wrong("a shutdown with time ends in order", format!("{name}: {error}"));
        }
        if !matches!(done, Ok(()) | Err(Error::ShutdownIncomplete { .. })) {
            return;
        }
        let old = self.slots()[slot].take();
        if let Some(old) = old {
            old.unlink();
        }
        self.shut_down_lives().push((alive.life, alive.process.clone()));
    }

    /// What was shut down has come to rest by the end.
    async fn at_rest(&self) {
        let patience = self.scenario.options.store_timeout * 128;
        self.machine.sleep(patience).await;
        for (life, process) in std::mem::take(&mut *self.shut_down_lives()) {
            let left = process.tasks();
            if left > 0 && !process.is_killed() {
                let name = self.history.life_name(life);
                let hanging = self.machine.sim.hanging();
                let hanging = hanging.iter().filter(|one| one.process == name);
                let what = format!("{name}: {left} tasks: {:?}", hanging.collect::<Vec<_>>());
                self.history.wrong("nothing runs after a shutdown", what);
            }
        }
    }

    /// Ends all faults, and waits for what is still on its way.
    async fn heal(self: &Arc<Self>) {
        self.healed.store(true, Ordering::SeqCst);
        for started in self.slots().iter().flatten() {
            started.faults.iter().for_each(|faults| faults.heal());
        }
        self.history.note("HEAL");
        self.machine
            .sleep(self.scenario.later + self.scenario.options.store_timeout * 2)
            .await;
        for slot in 0..self.scenario.processes {
            for _ in 0..5 {
                if self.is_dead(slot) {
                    self.begin(slot).await;
                }
            }
            if self.is_dead(slot) {
                self.history.wrong("a process can be started", format!("slot {slot}"));
            }
        }
        // What a forget left behind is resumed meanwhile.
        self.machine.sleep(Duration::from_secs(2)).await;
    }

    /// With all well again, every process must serve.
    async fn probe(self: &Arc<Self>) {
        for slot in 0..self.scenario.processes {
            let Some(alive) = self.alive(slot) else { continue };
            let run = Arc::clone(self);
            let probing = async move {
                for number in 0..run.scenario.ledgers {
                    run.probe_ledger(&alive, format!("L{number}")).await;
                }
            };
            let Some(process) = self.alive(slot).map(|alive| alive.process) else {
                continue;
            };
            within(&process, probing).await;
        }
    }

    async fn probe_ledger(&self, alive: &Alive, ledger: String) {
        for key in [None, Some(format!("probe-{}", alive.life))] {
            // A depth of one and a full queue are no trouble, only a reason to come again.
            let op = Op {
                op: self.history.next_op(),
                ledger: ledger.clone(),
                kind: Kind::Note,
                snapshot: false,
            };
            let sent = Sent {
                op,
                expected: Expected::Any,
                key,
                wait: true,
                by_handler: false,
            };
            alive.send(Caller::Probe, sent).await;
        }
        alive.ask(Caller::Probe, Request::Get(ledger.clone())).await;
        alive.ask(Caller::Probe, Request::Exists(ledger.clone())).await;
        let events = alive.ask(Caller::Probe, Request::History(ledger.clone())).await;
        if let Answer::Events(events) = events
            && let Some(last) = events.last()
        {
            alive.ask(Caller::Probe, Request::GetAt(ledger, last.version)).await;
        }
    }

    /// Ends every process in order, and leaves nothing running.
    async fn end(self: &Arc<Self>) {
        for slot in 0..self.scenario.processes {
            if let Some(alive) = self.alive(slot) {
                self.shut_down(slot, &alive, LONG).await;
            }
        }
        self.at_rest().await;
    }

    fn shut_down_lives(&self) -> MutexGuard<'_, Vec<(usize, SimProcess)>> {
        self.shut_down_lives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Option<Started>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self, slot: usize) -> Option<Alive> {
        let slots = self.slots();
        let alive = slots[slot].as_ref().map(|started| started.alive.clone());
        alive.filter(|alive| !alive.process.is_killed())
    }

    /// A process that lives, at random.
    pub(crate) fn pick(&self, random: &mut Random) -> Option<Alive> {
        let slot = random.below(self.scenario.processes as u64) as usize;
        self.alive(slot)
    }

    pub(crate) fn ledger(&self, random: &mut Random) -> String {
        format!("L{}", random.below(self.scenario.ledgers as u64))
    }

    pub(crate) fn is_healed(&self) -> bool {
        self.healed.load(Ordering::SeqCst)
    }

    /// Where statements end that nobody waits for any more. They outlive their process, unless it holds a lease: what
    /// fences a holder's late statements off is the store's business.
    pub(crate) fn late(&self, process: &SimProcess) -> SimProcess {
        match self.scenario.options.sole_writer {
            true => process.clone(),
            false => self.machine.main.clone(),
        }
    }

    pub(crate) fn options(&self) -> Options {
        let options = self.scenario.options.clone();
        match self.sabotage {
            Some(sabotage) => sabotage.into_options(options),
            None => options,
        }
    }

    pub(crate) fn sabotaged_lanes(&self, options: LaneOptions) -> LaneOptions {
        match self.sabotage {
            Some(sabotage) => sabotage.into_lanes(options),
            None => options,
        }
    }

    pub(crate) fn bus(&self, process: &SimProcess) -> Arc<dyn Bus<Ledger>> {
        Arc::new(life::in_process_bus(process))
    }
}
