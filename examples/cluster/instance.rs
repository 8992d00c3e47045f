//! One instance of the service, a process of its own: takes items into orders, and is told what all instances do.

use std::sync::Arc;
use std::time::Duration;

use asynx::bus::{Hooks, JetStreamBus, JetStreamBusOptions, Pattern, SubscriptionOptions, handler};
use asynx::store::{JetStreamOptions, JetStreamStore};
use asynx::{Asynx, Event, SendError, StoreError};
use asynx_examples::say;
use blocking::Unblock;
use futures::future::pending;
use futures::io::{AsyncBufReadExt, BufReader};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::Result;
use crate::order::{AddItem, Order};
use crate::said::Said;

/// How many items each instance takes.
pub const ITEMS: usize = 300;
/// Into how many orders both put them.
pub const ORDERS: usize = 20;
const REPLICAS: usize = 3;
/// How many customers an instance serves at a time.
const CUSTOMERS: usize = 8;
/// What a customer does between two items.
const PAUSE: Duration = Duration::from_millis(20);
/// After how long without an answer a server is asked again.
const REQUEST: Duration = Duration::from_secs(2);
/// After how long without a sign of life the mailer's events are given again.
const ACKNOWLEDGE: Duration = Duration::from_secs(3);
/// An event on top of another instance's event waits for that one, which must not be given up while a node is gone. Longer
/// than by default, since all three nodes may be on one busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The events, three times.
pub async fn open_store(urls: &str) -> Result<JetStreamStore, StoreError> {
    let options = JetStreamOptions::new()
        .with_replicas(REPLICAS)
        .with_request_timeout(REQUEST);
    JetStreamStore::connect_with(urls, options).await
}

/// The bus between the instances, three times as well.
async fn open_bus(urls: &str) -> Result<JetStreamBus<Order>> {
    let hooks = Hooks::default().on_publish_error(|event: &Event<Order>, error| {
        eprintln!("{} {} was not published: {error}", event.aggregate_id, event.version);
    });
    let options = JetStreamBusOptions::new()
        .with_replicas(REPLICAS)
        .with_request_timeout(REQUEST)
        .with_ack_wait(ACKNOWLEDGE)
        .with_patience(PATIENCE);
    Ok(JetStreamBus::connect_with(urls, hooks, options).await?)
}

/// Begins and ends when it is told to.
pub async fn run(name: &str, urls: &str) -> Result<()> {
    let store = open_store(urls).await?;
    let bus = Arc::new(open_bus(urls).await?);
    let orders = Asynx::<Order>::builder().store(store).bus(bus.clone()).build().await?;

    // Every instance is given every event, such as for the screens that it serves.
    orders.subscribe("ItemAdded", |event: Event<Order>| async move {
        say!("{}", Said::Saw(event.aggregate.newest().to_owned()));
    })?;
    // The instances share this one, so that an item gets its mail once and not from each.
    let mail = handler(|event: Event<Order>| async move {
        say!("{}", Said::Mailed(event.aggregate.newest().to_owned()));
    });
    let options = SubscriptionOptions::default();
    bus.subscribe_durable("mailer", Pattern::parse("ItemAdded")?, mail, options)?;

    say!("{}", Said::Ready);
    let mut told = BufReader::new(Unblock::new(std::io::stdin())).lines();
    told.next().await;
    let adding = async {
        let adding = (1..=ITEMS).map(|number| add(&orders, name, number));
        stream::iter(adding)
            .buffer_unordered(CUSTOMERS)
            .try_collect::<()>()
            .await?;
        pending().await
    };
    // The end of stdin tells it to end, or that who started it has ended.
    tokio::select! {
        failed = adding => return failed,
        _ = told.next() => {}
    }
    orders.shutdown(Duration::from_secs(5)).await?;
    bus.closed().await;
    Ok(())
}

/// Sends a command until there is an answer. With its key it is carried out once, however often it is sent.
async fn add(orders: &Asynx<Order>, name: &str, number: usize) -> Result<()> {
    let item = format!("{name}-{number}");
    let begin = Instant::now();
    loop {
        let command = AddItem {
            order: order_id(number % ORDERS),
            item: item.clone(),
        };
        match orders.send(command).idempotency_key(&item).await {
            Ok(_) => break,
            Err(SendError::Failed(error)) if error.is_transient() => sleep(PAUSE).await,
            Err(error) => return Err(format!("{item}: {error}").into()),
        }
    }
    let took = begin.elapsed();
    say!("{}", Said::Answered { item, took });
    sleep(PAUSE).await;
    Ok(())
}

pub fn order_id(number: usize) -> String {
    format!("ORD-{number:02}")
}
