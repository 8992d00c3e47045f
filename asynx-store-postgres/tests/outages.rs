//! Servers that stop, crash, only read, or end our connections in the middle: nothing is lost, nothing happens twice.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic fails the test, which spawns where it stands"
)]

mod server;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use asynx::Asynx;
use asynx_core::store::{AppendError, LogFilter, LogQuery};
use asynx_core::{Store, Version};
use asynx_store_postgres::{PostgresOptions, PostgresStore};
use asynx_testkit::samples;
use server::{Cluster, Count, Counter, connect, connect_to, counters, order, run, soon, unique};
use tokio::time::{sleep, timeout};

const COUNTERS: usize = 4;

/// Commands of eight clients, until told to stop. Who counted on each counter: every command that was answered.
struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<Vec<(usize, String)>>>,
}

impl Load {
    fn start(counters: &Asynx<Counter>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let client = |client: usize| {
            let (counters, stop) = (counters.clone(), stop.clone());
            tokio::spawn(async move {
                let mut answered = Vec::new();
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let (counter, by) = (number % COUNTERS, format!("{client}-{number}"));
                    let command = Count(format!("c{counter}"), by.clone());
                    let event = timeout(Duration::from_secs(40), counters.send(command)).await;
                    event.expect("an answer").expect("outages are survived");
                    answered.push((counter, by));
                }
                answered
            })
        };
        let clients = (0..8).map(client).collect();
        Self { stop, clients }
    }

    /// Every answered command happened, and once.
    async fn end(self, counters: &Asynx<Counter>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut answered: Vec<BTreeSet<String>> = vec![BTreeSet::new(); COUNTERS];
        for client in self.clients {
            for (counter, by) in client.await.unwrap() {
                assert!(answered[counter].insert(by));
            }
        }
        for (counter, answered) in answered.into_iter().enumerate() {
            let counter = soon(counters.get(format!("c{counter}"))).await.unwrap();
            let counted: BTreeSet<String> = counter.by.iter().cloned().collect();
            assert_eq!(counted.len(), counter.by.len(), "nothing happened twice");
            assert_eq!(counted, answered, "what was answered happened, and nothing else");
            assert!(counter.count > 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_backends_under_load() {
    let schema = server::Schema::new();
    let name = unique("ended");
    let separator = if server::url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}application_name={name}", server::url());
    let store = PostgresStore::connect_with(&url, schema.options()).await.unwrap();
    let counters = counters(&store).await;
    let load = Load::start(&counters);
    let mut other = connect().await;
    let mut ended = 0;
    for _ in 0..20 {
        sleep(Duration::from_millis(100)).await;
        // In the middle of an append, as far as they are.
        let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity
             where application_name = $1 and (state = 'active' or query like '%materialized%')";
        let now: i64 = sqlx::query_scalar(end).bind(&name).fetch_one(&mut other).await.unwrap();
        ended += now;
    }
    assert!(ended >= 20, "{ended} were ended");
    load.end(&counters).await;
    soon(counters.shutdown(Duration::from_secs(10))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_under_load() {
    let cluster = Cluster::start();
    let store = PostgresStore::connect(&cluster.url()).await.unwrap();
    let counters = counters(&store).await;
    let load = Load::start(&counters);
    for mode in ["fast", "immediate", "fast"] {
        sleep(Duration::from_millis(500)).await;
        cluster.stop(mode);
        sleep(Duration::from_millis(200)).await;
        cluster.go_on();
    }
    sleep(Duration::from_millis(500)).await;
    load.end(&counters).await;
    soon(counters.shutdown(Duration::from_secs(10))).await.unwrap();
}

#[tokio::test]
async fn a_server_that_stays_away() {
    let cluster = Cluster::start();
    let options = PostgresOptions::new().with_acquire_timeout(Duration::from_millis(500));
    let store = PostgresStore::connect_with(&cluster.url(), options).await.unwrap();
    let stream = order("a");
    store.append(&stream, samples::event(1)).await.unwrap();
    cluster.stop("fast");
    // The first append may find a connection that looks alive.
    let _ = soon(store.append(&stream, samples::event(2))).await.unwrap_err();
    match soon(store.append(&stream, samples::event(2))).await.unwrap_err() {
        AppendError::NotApplied(error) => {
            assert!(error.is_transient(), "{error}");
            assert!(
                error.to_string().contains("the connection to PostgreSQL failed"),
                "{error}"
            );
        }
        other => panic!("{other}"),
    }
    let _ = soon(store.count(&stream, Version::FIRST)).await.unwrap_err();
    let error = soon(store.count(&stream, Version::FIRST)).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(
        error.to_string().contains("the connection to PostgreSQL failed"),
        "{error}"
    );
    cluster.go_on();
    assert_eq!(soon(store.count(&stream, Version::FIRST)).await.unwrap(), 1);
    soon(store.append(&stream, samples::event(2))).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_was_idle_for_long_is_tested_first() {
    let schema = server::Schema::new();
    let name = unique("idle");
    let separator = if server::url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}application_name={name}", server::url());
    let store = PostgresStore::connect_with(&url, schema.options()).await.unwrap();
    let stream = order("a");
    store.append(&stream, samples::event(1)).await.unwrap();
    assert_eq!(store.count(&stream, Version::FIRST).await.unwrap(), 1);
    sleep(Duration::from_millis(1100)).await;
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1";
    sqlx::query(end)
        .bind(&name)
        .execute(&mut connect().await)
        .await
        .unwrap();
    soon(store.append(&stream, samples::event(2))).await.unwrap();
    assert_eq!(soon(store.count(&stream, Version::FIRST)).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_only_reads_until_it_is_promoted() {
    let primary = Cluster::start();
    let store = PostgresStore::connect(&primary.url()).await.unwrap();
    let stream = order("a");
    store.append(&stream, samples::event(1)).await.unwrap();
    let standby = primary.standby();

    let error = soon(PostgresStore::connect_with(
        &standby.url(),
        PostgresOptions::new().with_schema("other"),
    ))
    .await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("PostgreSQL only reads"), "{error}");

    let copy = soon(PostgresStore::connect(&standby.url())).await.unwrap();
    assert_eq!(copy.count(&stream, Version::FIRST).await.unwrap(), 1);
    let query = LogQuery {
        after: None,
        filter: LogFilter::default(),
        max_events: 10,
        max_bytes: usize::MAX,
    };
    assert_eq!(copy.log().unwrap().read(&query).await.unwrap().events.len(), 1);
    for count in [1, 2] {
        let outcome = soon(copy.append_batch(&[samples::group(&stream, 2, count)]))
            .await
            .remove(0);
        match outcome.stopped {
            Some(AppendError::NotApplied(error)) => {
                assert!(error.is_transient(), "{error}");
                assert!(error.to_string().contains("PostgreSQL only reads"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }

    // A long read on the primary's side of things does not matter to the standby; a write that is under way there does.
    let mut writing = connect_to(&primary.url()).await;
    run(&mut writing, "create table other (n int)").await;
    run(&mut writing, "begin; insert into other values (1)").await;
    store.append(&stream, samples::event(2)).await.unwrap();
    while copy.count(&stream, Version::FIRST).await.unwrap() < 2 {
        sleep(Duration::from_millis(10)).await;
    }
    let page = copy.log().unwrap().read(&query).await.unwrap();
    assert_eq!(
        page.events.len(),
        1,
        "what could still be preceded is held back here too"
    );
    run(&mut writing, "commit").await;
    soon(async {
        while copy.log().unwrap().read(&query).await.unwrap().events.len() < 2 {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;

    primary.stop("immediate");
    standby.promote();
    soon(copy.append(&stream, samples::event(3))).await.unwrap();
    let events = copy.log().unwrap().read(&query).await.unwrap().events;
    let versions: Vec<u64> = events.iter().map(|event| event.version.get()).collect();
    assert_eq!(versions, [1, 2, 3]);
}
