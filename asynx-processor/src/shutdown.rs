use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use asynx_core::{Aggregate, Error};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{Either, select};

use crate::processor::Processor;
use crate::sabotage::Sabotage;

impl<A: Aggregate> Processor<A> {
    /// Ends in order: takes no more commands, answers those it has, writes what snapshots are due, lets handlers
    /// finish, closes the bus. After the deadline the rest is cut off; commands that were not begun are answered
    /// [`Error::ShuttingDown`] then, the others [`Error::Ended`]. Reads are answered until the end.
    ///
    /// # Errors
    /// [`Error::AlreadyShuttingDown`] for a second call, [`Error::ShutdownIncomplete`] when the deadline passed.
    ///
    /// # Cancel safety
    /// The shutdown goes on when the future is dropped.
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), Error> {
        let shared = Arc::clone(&self.handle.shared);
        if shared.closing.swap(true, Ordering::SeqCst) {
            return Err(Error::AlreadyShuttingDown);
        }
        for queue in &self.handle.queues {
            queue.close();
        }
        let (handle, (ended, end)) = (Arc::clone(&self.handle), oneshot::channel());
        let task = async move {
            if shared.is_sabotaged(Sabotage::ShutdownDropsQueue) {
                handle.workers.abort();
            }
            let orderly = async {
                handle.workers.idle().await;
                shared.tasks.idle().await;
                shared.bus.idle().await;
            };
            let in_time = match select(orderly.boxed(), shared.runtime.sleep(deadline)).await {
                Either::Left(_) => Ok(()),
                Either::Right(_) => Err(Error::ShutdownIncomplete {
                    deadline,
                    left: format!(
                        "{} shards with commands and {} tasks were cut off, and the handlers that still ran",
                        handle.workers.len(),
                        shared.tasks.len()
                    ),
                }),
            };
            if in_time.is_err() {
                shared.lease.doubt();
            }
            handle.workers.abort();
            shared.tasks.abort();
            shared.bus.close();
            for questions in &handle.questions {
                questions.close();
            }
            handle.readers.abort();
            shared.lease.give_back();
            let _ = ended.send(in_time);
        };
        self.handle.shared.runtime.spawn(task.boxed());
        end.await.unwrap_or(Err(Error::ShutdownIncomplete {
            deadline,
            left: "the runtime was stopped before".to_owned(),
        }))
    }
}
