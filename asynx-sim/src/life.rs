//! Starting a process: its store with faults, its bus with handlers, its processor.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use asynx_bus::InProcessBus;
use asynx_core::bus::{Hooks, Pattern, Subscription, SubscriptionOptions, Target, handler};
use asynx_core::store::SnapshotStore;
use asynx_core::{Bus, Event, Expected, NoUpcast, Runtime, Store};
use asynx_processor::{Parts, Processor, StartError};
use asynx_testkit::Random;
use asynx_testkit::faults::{Faults, FaultyStore};
use asynx_testkit::layers::{FiveMethods, Layered};
use asynx_testkit::sim::SimProcess;

use crate::calls::{Alive, Sent, seen, within};
use crate::history::{Caller, Delivery, ForgetRun, Life};
use crate::ledger::{Kind, Ledger, Op};
use crate::run::Run;
use crate::scenario::{SnapshotKind, StoreKind, SubscriptionPlan};
use crate::stores::{Laned, Recorder, Watch};

/// A process that lives.
pub(crate) struct Started {
    pub(crate) alive: Alive,
    pub(crate) faults: Vec<Faults>,
    /// The handlers' own way to send.
    link: Link,
}

/// What handlers send through; emptied when the process ends, since the processor holds its handlers.
type Link = Arc<Mutex<Option<Alive>>>;

/// What a handler says when it fails.
#[derive(Debug, thiserror::Error)]
#[error("on purpose")]
struct OnPurpose;

impl Started {
    pub(crate) fn unlink(&self) {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Starts a process anew. `None` when it died on the way.
pub(crate) async fn start(run: &Arc<Run>, slot: usize, may_crash: bool) -> Option<Result<Started, StartError>> {
    let lives = run.history.lock().lives.len();
    let name = format!("p{slot}.{lives}");
    let process = run.machine.process(&name);
    let scenario = &run.scenario;
    let life = run.history.life(Life {
        name,
        killed: None,
        shutting: None,
        subscriptions: scenario.subscriptions.iter().map(|plan| plan.pattern).collect(),
    });
    let (store, faults) = store(run, &process, life, may_crash);
    let (snapshots, snapshot_faults) = match scenario.snapshots {
        SnapshotKind::Dedicated => {
            let plan = scenario.plan(run.machine.entropy(), false);
            let faulty = FaultyStore::new(run.snapshots.clone(), plan, Arc::new(run.late(&process)));
            let faults = faulty.faults();
            (Some(Arc::new(faulty) as Arc<dyn SnapshotStore>), Some(faults))
        }
        _ => (None, None),
    };
    let link: Link = Arc::default();
    let bus = bus(run, &process, life, &link);
    let parts = Parts {
        store,
        snapshots,
        bus,
        runtime: Arc::new(process.clone()),
        upcast: Arc::new(NoUpcast),
        hooks: Hooks::default(),
        options: run.options(),
        resume_forgets: true,
    };
    let processor = match within(&process, Processor::start(parts)).await? {
        Ok(processor) => processor,
        Err(error) => {
            process.kill();
            return Some(Err(error));
        }
    };
    let alive = Alive {
        history: run.history.clone(),
        process,
        life,
        processor,
    };
    *link.lock().unwrap_or_else(PoisonError::into_inner) = Some(alive.clone());
    Some(Ok(Started {
        alive,
        faults: [Some(faults), snapshot_faults].into_iter().flatten().collect(),
        link,
    }))
}

fn store(run: &Arc<Run>, process: &SimProcess, life: usize, may_crash: bool) -> (Arc<dyn Store>, Faults) {
    let scenario = &run.scenario;
    let recorder = Recorder {
        base: Arc::clone(&run.store),
        history: run.history.clone(),
        life,
        shows_unique_ids: scenario.store == StoreKind::Memory,
        shows_snapshots: scenario.snapshots == SnapshotKind::InStore,
    };
    let plan = scenario.plan(run.machine.entropy(), may_crash);
    let faulty = FaultyStore::new(recorder, plan, Arc::new(run.late(process)));
    let faults = faulty.faults();
    let watch = Watch {
        faults: faults.clone(),
        process: process.clone(),
        history: run.history.clone(),
        life,
    };
    let watched = Layered::over(faulty, watch);
    let store: Arc<dyn Store> = match scenario.store {
        StoreKind::Plain => Arc::new(FiveMethods::of(watched)),
        _ => Arc::new(watched),
    };
    let store = match &scenario.lanes {
        Some(options) => {
            let options = run.sabotaged_lanes(options.clone());
            Arc::new(Laned::new(store, Arc::new(process.clone()), options))
        }
        None => store,
    };
    (store, faults)
}

fn bus(run: &Arc<Run>, process: &SimProcess, life: usize, link: &Link) -> Arc<dyn Bus<Ledger>> {
    let bus = run.bus(process);
    for (number, plan) in run.scenario.subscriptions.iter().enumerate() {
        let subscriber = Subscriber {
            run: Arc::clone(run),
            process: process.clone(),
            life,
            number,
            plan: plan.clone(),
            link: Arc::clone(link),
        };
        let subscriber = Arc::new(subscriber);
        let fallback = plan.fallback.then(|| {
            let process = process.clone();
            handler(move |_: Event<Ledger>| {
                let process = process.clone();
                async move { process.sleep(Duration::from_micros(process.entropy() % 200)).await }
            })
        });
        let _ = bus.subscribe(Subscription {
            pattern: Pattern::parse(plan.pattern).expect("the patterns are valid"),
            target: Target::Handler(handler(move |event| {
                let subscriber = Arc::clone(&subscriber);
                async move { subscriber.handle(event).await }
            })),
            options: SubscriptionOptions {
                fallback,
                timeout: plan.timeout,
                concurrency: NonZeroUsize::new(plan.concurrency).unwrap_or(NonZeroUsize::MIN),
                ..SubscriptionOptions::default()
            },
        });
    }
    for fails in run.scenario.forget_handlers.clone() {
        let (history, process, run) = (run.history.clone(), process.clone(), Arc::clone(run));
        let _ = bus.on_forget(handler(move |event: Event<Ledger>| {
            let (history, process, run) = (history.clone(), process.clone(), Arc::clone(&run));
            async move {
                let _running = history.forget_run(ForgetRun {
                    life,
                    ledger: event.aggregate_id.to_string(),
                    tombstone: event.version.get(),
                    began: 0,
                    ended: None,
                });
                let mut random = Random::seeded(process.entropy());
                process.sleep(Duration::from_micros(random.below(3_000))).await;
                match random.chance(fails) && !run.is_healed() {
                    true => Err(OnPurpose),
                    false => Ok(()),
                }
            }
        }));
    }
    bus
}

/// A subscription's handler.
struct Subscriber {
    run: Arc<Run>,
    process: SimProcess,
    life: usize,
    number: usize,
    plan: SubscriptionPlan,
    link: Link,
}

impl Subscriber {
    async fn handle(&self, event: Event<Ledger>) -> Result<(), OnPurpose> {
        let _handling = self.run.history.deliver(Delivery {
            life: self.life,
            subscription: self.number,
            ledger: event.aggregate_id.to_string(),
            seen: seen(&event),
            began: 0,
            ended: None,
        });
        let mut random = Random::seeded(self.process.entropy());
        let plan = &self.plan;
        if random.chance(0.7) {
            let slow = random.below(plan.slow.as_micros() as u64 + 1);
            self.process.sleep(Duration::from_micros(slow)).await;
        }
        assert!(!random.chance(plan.panics), "on purpose");
        if random.chance(plan.hangs) {
            std::future::pending::<()>().await;
        }
        if random.chance(plan.sends) && !event.metadata.extra.contains_key("handler") {
            self.send(&event, &mut random).await;
        }
        match random.chance(plan.fails) {
            true => Err(OnPurpose),
            false => Ok(()),
        }
    }

    async fn send(&self, event: &Event<Ledger>, random: &mut Random) {
        let alive = self.link.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(alive) = alive else { return };
        let ledger = match random.chance(0.5) {
            true => event.aggregate_id.to_string(),
            false => self.run.ledger(random),
        };
        let sent = Sent {
            op: Op {
                op: self.run.history.next_op(),
                ledger,
                kind: if random.chance(0.5) { Kind::Note } else { Kind::Add(1) },
                snapshot: false,
            },
            expected: Expected::Any,
            key: random.chance(0.5).then(|| format!("after-{}", event.id)),
            wait: random.chance(0.5),
            by_handler: true,
        };
        alive.send(Caller::Handler(self.number), sent).await;
    }
}

/// A bus whose handlers run in a process.
pub(crate) fn in_process_bus(process: &SimProcess) -> InProcessBus<Ledger> {
    InProcessBus::new(Arc::new(process.clone()), Hooks::default())
}
