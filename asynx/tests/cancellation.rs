//! Every future of the handle is dropped at every point at which it can be dropped, and the system goes on.

mod common;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use asynx::runtime::TokioRuntime;
use asynx::store::MemoryStore;
use asynx::{Asynx, Event, Expected, Overflow, Version};
use asynx_testkit::faults::{Fault, FaultPlan, FaultyStore, Rule};
use common::{Order, add, create, soon};
use futures::future::{BoxFuture, FutureExt};
use futures::{StreamExt, poll};

/// Each call to the store waits before and after, so that there is a point to be dropped at around each.
async fn slow_orders(store: &MemoryStore) -> Asynx<Order> {
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    let plan = FaultPlan::seeded(7).with(Rule::always(Fault::Reorder(Duration::from_micros(300))));
    let store = FaultyStore::new(store.clone(), plan, runtime);
    let orders = Asynx::builder()
        .store(store)
        .shards(NonZeroUsize::MIN)
        .queue(NonZeroUsize::new(2).unwrap(), Overflow::Wait)
        .snapshot_every(NonZeroUsize::new(2).unwrap())
        .build()
        .await
        .unwrap();
    orders
        .subscribe(".*", |_| async { tokio::task::yield_now().await })
        .unwrap();
    orders.on_forget(|_| async { tokio::task::yield_now().await }).unwrap();
    orders
}

/// Polls a future so often, each time after all other tasks had a turn, then drops it; `false` when it ended before.
async fn dropped_after<T>(polls: usize, mut future: BoxFuture<'_, T>) -> bool {
    for n in 0..polls {
        if poll!(&mut future).is_ready() {
            return false;
        }
        // Every few turns time passes, too, so that calls to the store end.
        match n % 3 {
            2 => tokio::time::sleep(Duration::from_micros(200)).await,
            _ => tokio::task::yield_now().await,
        }
    }
    true
}

/// Drops what `call` makes after 0, 1, 2, ... polls, until it ends by itself; each time, everything goes on.
async fn survives(name: &str, call: impl Fn(Asynx<Order>) -> BoxFuture<'static, ()>) {
    let mut polls = 0;
    loop {
        let store = MemoryStore::new();
        let orders = slow_orders(&store).await;
        for id in ["O-1", "O-2"] {
            soon(orders.send(create(id))).await.unwrap();
            soon(orders.send(add(id, 1))).await.unwrap();
        }
        let dropped = dropped_after(polls, call(orders.clone())).await;
        // O-1 is what the call was about: it may be gone by now, or go in a moment.
        let total = soon(orders.send(add("O-2", 1))).await.unwrap().aggregate.total;
        assert_eq!(
            soon(orders.get("O-2")).await.unwrap().total,
            total,
            "{name}, {polls} polls"
        );
        soon(orders.idle()).await;
        let ended = soon(orders.shutdown(Duration::from_secs(10))).await;
        assert!(ended.is_ok(), "{name}, {polls} polls: {ended:?}");
        drop(orders);
        soon(async {
            while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        // What is stored can be read, and there is nothing half.
        let cold = common::orders(store).await;
        let history: Vec<_> = soon(cold.history("O-1").collect::<Vec<_>>()).await;
        let versions = history
            .iter()
            .filter_map(|event| event.as_ref().ok())
            .map(|event| event.version);
        let versions: Vec<u64> = versions.map(Version::get).collect();
        assert!(
            versions.windows(2).all(|pair| pair[1] == pair[0] + 1),
            "{name}: {versions:?}"
        );
        drop(cold);
        if !dropped {
            assert!(polls > 0, "{name} was never dropped");
            return;
        }
        polls += 1;
    }
}

#[tokio::test]
async fn send() {
    survives("send", |orders| {
        async move { drop(orders.send(add("O-1", 1)).await) }.boxed()
    })
    .await;
    survives("send with everything", |orders| {
        let sending = orders
            .send(add("O-1", 1))
            .expecting(Expected::Exists)
            .idempotency_key("k")
            .and_wait();
        async move { drop(sending.await) }.boxed()
    })
    .await;
    survives("a rejected send", |orders| {
        async move { drop(orders.send(create("O-1")).idempotency_key("k").await) }.boxed()
    })
    .await;
}

#[tokio::test]
async fn send_into_a_full_queue() {
    survives("send into a full queue", |orders| {
        async move {
            let sends = (0..6).map(|n| orders.send(add("O-1", n)));
            futures::future::join_all(sends).await;
        }
        .boxed()
    })
    .await;
}

#[tokio::test]
async fn reads() {
    survives("get", |orders| async move { drop(orders.get("O-1").await) }.boxed()).await;
    survives("get of what is not there", |orders| {
        async move { drop(orders.get("O-9").await) }.boxed()
    })
    .await;
    survives("exists", |orders| {
        async move { drop(orders.exists("O-1").await) }.boxed()
    })
    .await;
    survives("preload", |orders| {
        async move { drop(orders.preload("O-1").await) }.boxed()
    })
    .await;
    survives("get_at", |orders| {
        async move { drop(orders.get_at("O-1", Version::FIRST).await) }.boxed()
    })
    .await;
    survives("history", |orders| {
        async move { drop(orders.history("O-1").collect::<Vec<_>>().await) }.boxed()
    })
    .await;
    survives("replay", |orders| {
        async move {
            let slowly = |_: Event<Order>| tokio::task::yield_now();
            drop(orders.replay("O-1", .., slowly).await);
        }
        .boxed()
    })
    .await;
}

#[tokio::test]
async fn forget() {
    survives("forget", |orders| {
        async move { drop(orders.forget("O-1").await) }.boxed()
    })
    .await;
}

#[tokio::test]
async fn events() {
    survives("next_event", |orders| {
        let next = orders.next_event("OrderGrown");
        async move {
            orders.send(add("O-1", 1)).await.unwrap();
            drop(next.await);
        }
        .boxed()
    })
    .await;
    survives("listen", |orders| {
        let listener = orders.listen("*", 1).unwrap();
        async move {
            orders.send(add("O-1", 1)).await.unwrap();
            drop(listener.collect::<Vec<_>>().await);
        }
        .boxed()
    })
    .await;
    survives("idle", |orders| {
        async move {
            orders.send(add("O-1", 1)).await.unwrap();
            orders.idle().await;
        }
        .boxed()
    })
    .await;
}

#[tokio::test]
async fn build() {
    let mut polls = 0;
    loop {
        let runtime = Arc::new(TokioRuntime::current().unwrap());
        let plan = FaultPlan::seeded(7).with(Rule::always(Fault::Slow(Duration::from_micros(300))));
        let store = FaultyStore::new(MemoryStore::new(), plan, runtime);
        let store = Arc::new(store);
        let building = Asynx::<Order>::builder()
            .store(Arc::clone(&store))
            .sole_writer()
            .build();
        let dropped = dropped_after(polls, building.boxed()).await;
        // A lease that was taken by a build that was dropped is free again.
        soon(async {
            while Asynx::<Order>::builder()
                .store(Arc::clone(&store))
                .sole_writer()
                .build()
                .await
                .is_err()
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
        if !dropped {
            return;
        }
        polls += 1;
    }
}

/// A shutdown goes on when its future is dropped.
#[tokio::test]
async fn shutdown() {
    for polls in 0..10 {
        let orders = slow_orders(&MemoryStore::new()).await;
        let sent = tokio::spawn(orders.send(create("O-1")));
        tokio::task::yield_now().await;
        let dropped = dropped_after(polls, orders.shutdown(Duration::from_secs(10)).boxed()).await;
        let answer = soon(sent).await.unwrap();
        if polls == 0 {
            answer.unwrap();
            continue;
        }
        let again = soon(orders.shutdown(Duration::ZERO)).await;
        assert!(matches!(again, Err(asynx::Error::AlreadyShuttingDown)));
        assert!(soon(orders.send(create("O-2"))).await.is_err());
        drop(orders);
        soon(async {
            while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        if !dropped {
            return;
        }
    }
}
