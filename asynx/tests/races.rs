//! Staged races, on every runtime: 64 cancels of one order, of which one succeeds.

mod common;

use std::num::NonZeroUsize;
use std::sync::Arc;

use asynx::runtime::{SmolRuntime, TokioRuntime};
use asynx::store::MemoryStore;
use asynx::{Asynx, Runtime, SendError};
use common::{Order, Refused, cancel, create};
use futures::channel::oneshot;
use futures::future::join_all;

async fn instance(store: &MemoryStore, runtime: Arc<dyn Runtime>, shards: usize) -> Asynx<Order> {
    Asynx::builder()
        .store(store.clone())
        .runtime(Shared(runtime))
        .shards(NonZeroUsize::new(shards).unwrap())
        .build()
        .await
        .unwrap()
}

struct Shared(Arc<dyn Runtime>);

impl Runtime for Shared {
    fn spawn(&self, task: futures::future::BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }
    fn sleep(&self, duration: std::time::Duration) -> futures::future::BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }
    fn now(&self) -> asynx::Timestamp {
        self.0.now()
    }
    fn entropy(&self) -> u64 {
        self.0.entropy()
    }
}

/// Each task waits at the barrier; the outcomes come back as values.
async fn cancel_64_times(runtime: Arc<dyn Runtime>, instances: usize, shards: usize) {
    for round in 0..10 {
        let store = MemoryStore::new();
        let mut all = Vec::new();
        for _ in 0..instances {
            all.push(instance(&store, Arc::clone(&runtime), shards).await);
        }
        let id = format!("O-{round}");
        all[0].send(create(&id)).await.unwrap();
        for other in &all {
            other.preload(&id).await.unwrap();
        }
        let (mut starts, mut answers) = (Vec::new(), Vec::new());
        for n in 0..64 {
            let (start, started) = oneshot::channel::<()>();
            let (reply, answer) = oneshot::channel();
            let (orders, id) = (all[n % instances].clone(), id.clone());
            runtime.spawn(Box::pin(async move {
                started.await.unwrap();
                let _ = reply.send(orders.send(cancel(id)).await);
            }));
            starts.push(start);
            answers.push(answer);
        }
        for start in starts {
            start.send(()).unwrap();
        }
        let timeout = runtime.sleep(std::time::Duration::from_secs(30));
        let answers = match futures::future::select(join_all(answers), timeout).await {
            futures::future::Either::Left((answers, _)) => answers,
            futures::future::Either::Right(_) => panic!("somebody got no answer"),
        };
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        let winners = answers.iter().filter(|answer| answer.is_ok()).count();
        let rejected = answers
            .iter()
            .filter(|answer| matches!(answer, Err(SendError::Rejected(Refused("cancelled")))));
        assert_eq!((winners, rejected.count()), (1, 63), "{answers:?}");
        for instance in all {
            assert_eq!(instance.get(&id).await.unwrap().status, "cancelled");
            instance.shutdown(std::time::Duration::from_secs(5)).await.unwrap();
        }
    }
}

async fn every_shape(runtime: Arc<dyn Runtime>) {
    for instances in [1, 2] {
        for shards in [1, 8] {
            cancel_64_times(Arc::clone(&runtime), instances, shards).await;
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn one_of_64_cancels_succeeds_on_tokio_with_one_thread() {
    every_shape(Arc::new(TokioRuntime::current().unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_64_cancels_succeeds_on_tokio_with_many_threads() {
    every_shape(Arc::new(TokioRuntime::current().unwrap())).await;
}

#[test]
fn one_of_64_cancels_succeeds_on_smol() {
    smol::block_on(every_shape(Arc::new(SmolRuntime::default())));
}

/// What another instance has done before a call began is seen by that call, whatever its cache holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_rejection_rests_on_what_was_outdated_when_the_call_began() {
    let store = MemoryStore::new();
    let runtime: Arc<dyn Runtime> = Arc::new(TokioRuntime::current().unwrap());
    let (one, other) = (
        instance(&store, Arc::clone(&runtime), 2).await,
        instance(&store, runtime, 2).await,
    );
    let tasks = (0..16).map(|task| {
        let (one, other) = (one.clone(), other.clone());
        tokio::spawn(async move {
            for n in 0..20 {
                let id = format!("O-{task}-{n}");
                assert_eq!(
                    other.send(cancel(&id)).await.unwrap_err().rejection(),
                    Some(&Refused("missing"))
                );
                one.send(create(&id)).await.unwrap();
                other.send(cancel(&id)).await.expect("it was created before this call");
                assert_eq!(
                    one.send(cancel(&id)).await.unwrap_err().rejection(),
                    Some(&Refused("cancelled"))
                );
                one.forget(&id).await.unwrap();
                assert_eq!(
                    other.send(cancel(&id)).await.unwrap_err().rejection(),
                    Some(&Refused("missing"))
                );
            }
        })
    });
    let all = join_all(tasks);
    let all = tokio::time::timeout(std::time::Duration::from_secs(60), all)
        .await
        .unwrap();
    all.into_iter().for_each(Result::unwrap);
}
