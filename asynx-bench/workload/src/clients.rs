use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::{Action, Order, Random, System};

/// How hard a system is worked, and for how long.
#[derive(Debug, Clone)]
pub struct Load {
    /// Each sends one command after the other.
    pub clients: usize,
    /// Divided among the clients, so that they do not get into each other's way.
    pub aggregates: usize,
    /// A stream of so many events is full: a new order takes its place.
    pub stream: u64,
    /// What is there before the warm-up.
    pub beforehand: Beforehand,
    pub warm_up: Duration,
    pub measure: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beforehand {
    Nothing,
    /// Each order has its first event.
    Placed,
    /// The streams have all lengths, from 0 to full.
    Staggered,
}

/// What was found out.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub sent: u64,
    pub time: Duration,
}

impl Measured {
    pub fn per_second(&self) -> f64 {
        crate::per_second(self.sent, self.time)
    }
}

const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const STOP: u8 = 2;

/// Of so many orders of each client the state is compared with what it must be.
const CHECKED: usize = 2;

/// Runs the clients: first unmeasured, then measured; then looks whether the orders are what they must be.
pub async fn run<S: System>(system: &S, load: &Load) -> Measured {
    let phase = Arc::new(AtomicU8::new(WARM_UP));
    let staged = Arc::new(Barrier::new(load.clients + 1));
    let mut clients = JoinSet::new();
    for number in 0..load.clients {
        let client = Client::new(number, system.clone(), load);
        clients.spawn(client.work(phase.clone(), staged.clone()));
    }
    staged.wait().await;
    tokio::time::sleep(load.warm_up).await;
    system.warmed().await;
    phase.store(MEASURE, Ordering::SeqCst);
    let begun = Instant::now();
    tokio::time::sleep(load.measure).await;
    phase.store(STOP, Ordering::SeqCst);
    let time = begun.elapsed();
    let sent = clients.join_all().await.into_iter().sum();
    assert!(sent > 0, "nothing was carried out in {time:?}");
    Measured { sent, time }
}

struct Client<S> {
    number: usize,
    system: S,
    orders: Vec<Place>,
    stream: u64,
    beforehand: Beforehand,
    fresh: usize,
    random: Random,
}

struct Place {
    id: String,
    events: u64,
}

impl<S: System> Client<S> {
    fn new(number: usize, system: S, load: &Load) -> Self {
        let share = load.aggregates / load.clients + usize::from(number < load.aggregates % load.clients);
        let mut client = Self {
            number,
            system,
            orders: Vec::new(),
            stream: load.stream,
            beforehand: load.beforehand,
            fresh: 0,
            random: Random::new(number as u64 + 1),
        };
        client.orders = (0..share.max(1)).map(|_| client.fresh()).collect();
        client
    }

    /// Gives the number of commands that ended while it was measured.
    async fn work(mut self, phase: Arc<AtomicU8>, staged: Arc<Barrier>) -> u64 {
        self.stage().await;
        staged.wait().await;
        let mut sent = 0;
        loop {
            let at = self.random.below(self.orders.len());
            self.step(at).await;
            match phase.load(Ordering::Relaxed) {
                MEASURE => sent += 1,
                STOP => break,
                _ => {}
            }
        }
        self.check().await;
        sent
    }

    async fn stage(&mut self) {
        for at in 0..self.orders.len() {
            let events = match self.beforehand {
                Beforehand::Nothing => 0,
                Beforehand::Placed => 1,
                Beforehand::Staggered => at as u64 * self.stream / self.orders.len() as u64,
            };
            for _ in 0..events {
                self.step(at).await;
            }
        }
    }

    async fn step(&mut self, at: usize) {
        // A memory store may never wait for anything, and would not let the other clients run.
        tokio::task::consume_budget().await;
        let place = &mut self.orders[at];
        let version = self.system.send(&place.id, Action::at(place.events)).await;
        place.events += 1;
        if let Some(version) = version {
            assert_eq!(version, place.events, "the version of {}", place.id);
        }
        if place.events == self.stream {
            self.orders[at] = self.fresh();
        }
    }

    fn fresh(&mut self) -> Place {
        self.fresh += 1;
        let id = format!("ORD-{:04}-{:07}", self.number, self.fresh);
        Place { id, events: 0 }
    }

    async fn check(&mut self) {
        let begun = self.orders.iter().filter(|place| place.events > 0);
        for place in begun.take(CHECKED) {
            let state = self.system.state(&place.id).await;
            assert_eq!(
                state,
                Order::expected(&place.id, place.events),
                "the state of {}",
                place.id
            );
        }
    }
}
