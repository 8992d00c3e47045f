use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use asynx_core::StoreError;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

/// Proofs that a read sees everything that was answered before it began, shared by the reads that wait for one.
#[derive(Default)]
pub(crate) struct Fence {
    newest: Mutex<Option<Passing>>,
}

#[derive(Clone)]
struct Passing {
    /// From here on it proves nothing to who comes later.
    begun: Arc<AtomicBool>,
    passed: Shared<BoxFuture<'static, Result<u64, StoreError>>>,
}

impl Fence {
    /// The sequence that a read must have seen, by a proof that begins after this call. Proofs follow each other, so that
    /// one serves all who came while the one before it was under way.
    pub(crate) async fn pass<F>(&self, prove: impl FnOnce() -> F) -> Result<u64, StoreError>
    where
        F: Future<Output = Result<u64, StoreError>> + Send + 'static,
    {
        self.join(prove).passed.await
    }

    fn join<F>(&self, prove: impl FnOnce() -> F) -> Passing
    where
        F: Future<Output = Result<u64, StoreError>> + Send + 'static,
    {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = newest.as_ref().filter(|waiting| !waiting.begun.load(Ordering::SeqCst)) {
            return waiting.clone();
        }
        let before = newest.take();
        let begun = Arc::new(AtomicBool::new(false));
        let (begins, proof) = (begun.clone(), prove());
        let passed = async move {
            if let Some(before) = before {
                let _ = before.passed.await;
            }
            begins.store(true, Ordering::SeqCst);
            proof.await
        };
        let passing = Passing {
            begun,
            passed: passed.boxed().shared(),
        };
        *newest = Some(passing.clone());
        passing
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use futures::executor::block_on;
    use futures::future::join;
    use futures::{channel::oneshot, poll};

    use super::*;

    #[test]
    fn who_comes_while_one_is_under_way_waits_for_the_next() {
        block_on(async {
            let (fence, count) = (Fence::default(), Arc::new(AtomicU64::new(0)));
            let (go, gone) = oneshot::channel::<()>();
            let proof = |wait: Option<oneshot::Receiver<()>>| {
                let count = count.clone();
                move || async move {
                    let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                    if let Some(wait) = wait {
                        let _ = wait.await;
                    }
                    Ok(number)
                }
            };
            let mut first = Box::pin(fence.pass(proof(Some(gone))));
            assert!(poll!(&mut first).is_pending());
            let (second, third) = (fence.pass(proof(None)), fence.pass(proof(None)));
            let mut both = Box::pin(join(second, third));
            assert!(poll!(&mut both).is_pending());
            go.send(()).unwrap();
            assert_eq!(first.await.unwrap(), 1);
            let (second, third) = both.await;
            assert_eq!((second.unwrap(), third.unwrap()), (2, 2));
            assert_eq!(fence.pass(proof(None)).await.unwrap(), 3);
        });
    }

    #[test]
    fn one_that_nobody_waits_for_any_more_hinders_nobody() {
        block_on(async {
            let (fence, (go, gone)) = (Fence::default(), oneshot::channel::<()>());
            let mut dropped = Box::pin(fence.pass(|| async move {
                let _ = gone.await;
                Ok(6)
            }));
            assert!(poll!(&mut dropped).is_pending());
            drop(dropped);
            let mut next = Box::pin(fence.pass(|| async { Ok(7) }));
            assert!(poll!(&mut next).is_pending());
            drop(go);
            assert_eq!(next.await.unwrap(), 7);
        });
    }
}
