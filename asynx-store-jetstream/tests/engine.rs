//! All of asynx on JetStream, while the server is killed: keys are carried out once, a projection is given every event.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod server;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asynx::projection::{Batch, Detached, Engine, Entry, HandlerError, Projection, ProjectionOptions, Typed};
use asynx::runtime::TokioRuntime;
use asynx::store::{JetStreamOptions, JetStreamStore};
use asynx::{Aggregate, Asynx, Command, Error, EventId};
use serde::{Deserialize, Serialize};
use server::{Opens as _, Servers, TOKIO};

const IDS: [&str; 4] = ["a", "b", "c.*", ">"];
const EACH: u64 = 150;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Counter {
    count: u64,
}

impl Aggregate for Counter {
    const CATEGORY: &'static str = "counter";
}

struct Count(&'static str);

impl Command<Counter> for Count {
    type Rejection = Infallible;

    fn aggregate_id(&self) -> Cow<'_, str> {
        self.0.into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "Counted".into()
    }

    fn validate(&self, _: Option<&Counter>) -> Result<(), Infallible> {
        Ok(())
    }

    fn emit(&self, current: Option<&Counter>) -> Counter {
        Counter {
            count: current.map_or(0, |current| current.count) + 1,
        }
    }
}

/// The ids of events by aggregate; none of one that was forgotten.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<BTreeMap<String, BTreeSet<EventId>>>>);

impl Seen {
    fn counts(&self) -> BTreeMap<String, usize> {
        let seen = self.0.lock().unwrap();
        seen.iter().map(|(id, events)| (id.clone(), events.len())).collect()
    }
}

#[async_trait::async_trait]
impl Projection for Seen {
    type Decode = Typed<Counter>;

    async fn handle(&self, batch: Batch<'_, Entry<Counter>>) -> Result<(), HandlerError> {
        let mut seen = self.0.lock().unwrap();
        for entry in batch.iter() {
            let id = entry.aggregate_id().to_string();
            match entry {
                Entry::Event(event) => {
                    seen.entry(id).or_default().insert(event.id);
                }
                _ => {
                    seen.remove(&id);
                }
            }
        }
        Ok(())
    }
}

/// Sends each key until it is carried out, by whomever.
async fn count(counters: Asynx<Counter>) {
    for n in 0..EACH {
        for id in IDS {
            let key = format!("{n}");
            let mut tries = 0;
            while let Err(error) = counters.send(Count(id)).idempotency_key(&key).await {
                tries += 1;
                assert!(tries < 200, "{error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is not so after half a minute: {what}");
}

#[test]
fn two_processes_count_each_key_once_and_a_projection_sees_all() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let options = JetStreamOptions::new().with_request_timeout(Duration::from_secs(1));
        let stores: [JetStreamStore; 3] = [
            servers.store(options.clone()).await,
            servers.store(options.clone()).await,
            servers.store(options).await,
        ];
        let mut counters = Vec::new();
        for store in &stores[..2] {
            counters.push(Asynx::<Counter>::builder().store(store.clone()).build().await.unwrap());
        }
        let seen = Seen::default();
        let runtime = Arc::new(TokioRuntime::current().unwrap());
        let engine = Engine::builder(Arc::new(stores[2].clone()), runtime).build().unwrap();
        let projection = Detached(seen.clone());
        let _running = engine
            .run("seen", ProjectionOptions::new(), Typed::new, projection)
            .unwrap();

        let counting: Vec<_> = counters
            .iter()
            .map(|counters| TOKIO.spawn(count(counters.clone())))
            .collect();
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            servers.kill(0);
            tokio::time::sleep(Duration::from_millis(100)).await;
            servers.start_again(0);
        }
        for done in counting {
            done.await.unwrap();
        }
        for id in IDS {
            assert_eq!(counters[0].get(id).await.unwrap().count, EACH, "{id}");
        }
        until("all events were seen", || {
            let counts = seen.counts();
            IDS.iter().all(|id| counts.get(*id) == Some(&(EACH as usize)))
        })
        .await;

        counters[1].forget("c.*").await.unwrap();
        assert!(matches!(counters[0].get("c.*").await, Err(Error::NotFound { .. })));
        until("the forget was seen", || !seen.counts().contains_key("c.*")).await;
        assert_eq!(counters[0].get(">").await.unwrap().count, EACH);
        counters[0].send(Count("c.*")).await.unwrap();
        assert_eq!(counters[1].get("c.*").await.unwrap().count, 1);
        assert!(engine.stop(Duration::from_secs(10)).await);
        for counters in counters {
            counters.shutdown(Duration::from_secs(10)).await.unwrap();
        }
    });
}
