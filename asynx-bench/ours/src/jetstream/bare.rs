use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use async_nats::{Client, Request};
use asynx_nats_testing::Servers;
use bench_workload::{Arguments, Load, Report, per_second};
use serde::Deserialize;

use super::recorded::{EXPECTED, NEAR, Recorded, recorded};
use super::servers::store;

const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const STOP: u8 = 2;

/// The messages of asynx, published in a bare loop: each lane waits for its answer, as a client does, and has as many
/// streams.
pub(crate) async fn raw(arguments: &Arguments, report: &mut Report) {
    let (load, count) = (arguments.load(), arguments.get("servers", 1));
    let servers = Servers::start(count, "");
    let store = store(&servers, count).await;
    let client = async_nats::connect(servers.url_of(0)).await.unwrap();
    let (prefix, messages) = recorded(store, &client, load.stream).await;
    let messages = Arc::new(messages);
    let phase = Arc::new(AtomicU8::new(WARM_UP));
    let lanes = (0..load.clients).map(|number| {
        let lane = Lane::new(number, &prefix, &load, client.clone(), Arc::clone(&messages));
        tokio::spawn(lane.work(Arc::clone(&phase)))
    });
    let lanes: Vec<_> = lanes.collect();
    tokio::time::sleep(load.warm_up).await;
    phase.store(MEASURE, Ordering::SeqCst);
    let begun = Instant::now();
    tokio::time::sleep(load.measure).await;
    phase.store(STOP, Ordering::SeqCst);
    let time = begun.elapsed();
    let mut stored = 0;
    for lane in lanes {
        stored += lane.await.unwrap();
    }
    report.figure("publish_per_s", per_second(stored, time));
}

/// One message in flight after the other.
struct Lane {
    client: Client,
    messages: Arc<Vec<Recorded>>,
    /// What comes before the number of an order.
    subject: String,
    fresh: u64,
    orders: Vec<Place>,
}

struct Place {
    subject: String,
    events: usize,
    /// The sequences of the first message and of the last.
    first: u64,
    last: u64,
}

#[derive(Deserialize)]
struct Ack {
    seq: Option<u64>,
}

impl Lane {
    fn new(number: usize, prefix: &str, load: &Load, client: Client, messages: Arc<Vec<Recorded>>) -> Self {
        let mut lane = Self {
            client,
            messages,
            subject: format!("{prefix}RAW-{number:04}-"),
            fresh: 0,
            orders: Vec::new(),
        };
        lane.orders = (0..load.aggregates.div_ceil(load.clients))
            .map(|_| lane.place())
            .collect();
        lane
    }

    fn place(&mut self) -> Place {
        self.fresh += 1;
        Place {
            subject: format!("{}{:07}", self.subject, self.fresh),
            events: 0,
            first: 0,
            last: 0,
        }
    }

    async fn work(mut self, phase: Arc<AtomicU8>) -> u64 {
        let (mut stored, mut at) = (0, 0);
        loop {
            self.publish(at).await;
            at = (at + 1) % self.orders.len();
            match phase.load(Ordering::Relaxed) {
                MEASURE => stored += 1,
                STOP => return stored,
                _ => {}
            }
        }
    }

    async fn publish(&mut self, at: usize) {
        let place = &mut self.orders[at];
        let message = &self.messages[place.events];
        let mut headers = message.headers.clone();
        headers.insert(EXPECTED, place.last.to_string());
        if headers.get(NEAR).is_some() {
            headers.insert(NEAR, format!("1 {}", place.first));
        }
        let request = Request::new()
            .headers(headers)
            .payload(message.payload.clone())
            .timeout(None);
        let answer = self.client.send_request(place.subject.clone(), request).await.unwrap();
        let ack: Ack = serde_json::from_slice(&answer.payload).unwrap();
        let Some(seq) = ack.seq.filter(|seq| *seq > 0) else {
            panic!("{} was not stored: {:?}", place.subject, answer.payload);
        };
        if place.events == 0 {
            place.first = seq;
        }
        place.last = seq;
        place.events += 1;
        if place.events == self.messages.len() {
            self.orders[at] = self.place();
        }
    }
}
