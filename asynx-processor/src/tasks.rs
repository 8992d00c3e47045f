use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use asynx_core::Runtime;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{AbortHandle, Abortable};

/// Counts tasks that run beside the shards, so that a shutdown waits for them and can end them.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    next: u64,
    running: BTreeMap<u64, AbortHandle>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Tasks {
    pub(crate) fn spawn(&self, runtime: &dyn Runtime, task: impl Future<Output = ()> + Send + 'static) {
        let (handle, registration) = AbortHandle::new_pair();
        let id = {
            let mut inner = self.lock();
            inner.next += 1;
            let id = inner.next;
            inner.running.insert(id, handle);
            id
        };
        let ending = Ending(self.clone(), id);
        let task = async move {
            let _ending = ending;
            let _ = Abortable::new(task, registration).await;
        };
        runtime.spawn(task.boxed());
    }

    /// Ends when no task runs.
    pub(crate) async fn idle(&self) {
        let waiting = {
            let mut inner = self.lock();
            if inner.running.is_empty() {
                return;
            }
            let (end, ended) = oneshot::channel();
            inner.waiting.push(end);
            ended
        };
        let _ = waiting.await;
    }

    /// How many tasks run.
    pub(crate) fn len(&self) -> usize {
        self.lock().running.len()
    }

    /// Drops every task at its next await.
    pub(crate) fn abort(&self) {
        let handles: Vec<AbortHandle> = self.lock().running.values().cloned().collect();
        handles.iter().for_each(AbortHandle::abort);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a task out, also where the runtime drops it.
struct Ending(Tasks, u64);

impl Drop for Ending {
    fn drop(&mut self) {
        let waiting = {
            let mut inner = self.0.lock();
            inner.running.remove(&self.1);
            match inner.running.is_empty() {
                true => std::mem::take(&mut inner.waiting),
                false => Vec::new(),
            }
        };
        for end in waiting {
            let _ = end.send(());
        }
    }
}
