use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::store::{InlineBatch, InlineProjection, LogEvent};
use asynx_core::{Runtime, Store, StoreError, catch_future};
use futures::channel::oneshot;
use futures::future::{AbortHandle, Either, abortable, select};

use super::InlineSet;

/// What inline projections are to do.
pub struct Work<'a> {
    /// Where they run.
    pub runtime: &'a Arc<dyn Runtime>,
    /// The store without the events.
    pub store: &'a Arc<dyn Store>,
    /// The events, in the order of the log.
    pub events: &'a [LogEvent],
    /// How long each may take, where that is not what it says itself.
    pub timeout: Option<Duration>,
    /// Whether an earlier version has handled them.
    pub replayed: bool,
    /// What was not done if they fail, as in "nothing was written".
    pub undone: &'static str,
    /// Whether a cause of the driver is one that may go away.
    pub is_transient: fn(&(dyn Error + 'static)) -> bool,
}

/// What became of a transaction.
pub enum Applied<T> {
    /// It is to be committed.
    Yes(T),
    /// It is to be rolled back.
    No(T, StoreError),
    /// A projection that was late, or that blocks its thread, still has it; it will not be committed.
    Late(StoreError),
}

impl<T: Send + 'static> InlineSet<T> {
    /// Runs those that want the events, one after the other, each in a task of its own: one that blocks its thread is
    /// seen to be late all the same.
    ///
    /// # Cancel safety
    /// Dropping the future drops the transaction, at once or when the projection is done that has it.
    pub async fn apply(&self, mut transaction: T, work: &Work<'_>) -> Applied<T> {
        for projection in self.iter() {
            let categories = projection.categories();
            let wanted = |event: &&LogEvent| categories.is_empty() || categories.contains(&event.stream.category);
            let events: Vec<LogEvent> = work.events.iter().filter(wanted).cloned().collect();
            if events.is_empty() {
                continue;
            }
            transaction = match run(projection, transaction, events, work).await {
                Applied::Yes(transaction) => transaction,
                failed => return failed,
            };
        }
        Applied::Yes(transaction)
    }

    /// Tells them that the events are committed.
    pub fn committed(&self, events: &[LogEvent]) {
        for projection in self.iter() {
            let _ = asynx_core::catch(|| projection.committed(events));
        }
    }
}

async fn run<T: Send + 'static>(
    projection: &Arc<dyn InlineProjection<T>>,
    mut transaction: T,
    events: Vec<LogEvent>,
    work: &Work<'_>,
) -> Applied<T> {
    let named = named(&**projection, &events, work.undone);
    let (applying, store, replayed) = (Arc::clone(projection), Arc::clone(work.store), work.replayed);
    let (reply, outcome) = oneshot::channel();
    let (task, abort) = abortable(async move {
        let batch = match replayed {
            true => InlineBatch::replayed(&events, &store),
            false => InlineBatch::new(&events, &store),
        };
        let applied = catch_future(applying.apply(&mut transaction, &batch)).await;
        // Nobody waits any more if it was late: then the transaction is dropped.
        let _ = reply.send((transaction, applied));
    });
    let _abort = Abort(abort);
    work.runtime.spawn(Box::pin(async move {
        let _ = task.await;
    }));
    let timeout = work.timeout.unwrap_or_else(|| projection.timeout());
    match select(outcome, work.runtime.sleep(timeout)).await {
        Either::Left((Ok((transaction, Ok(Ok(())))), _)) => Applied::Yes(transaction),
        Either::Left((Ok((transaction, Ok(Err(cause)))), _)) => {
            let transient = cause.is_transient() || causes(&cause).any(work.is_transient);
            let said = match transient {
                true => StoreError::transient(named),
                false => StoreError::permanent(named),
            };
            Applied::No(transaction, said.caused_by(cause))
        }
        Either::Left((Ok((transaction, Err(panic))), _)) => Applied::No(
            transaction,
            StoreError::permanent(named).caused_by(format!("it {panic}")),
        ),
        Either::Left((Err(_), _)) => Applied::Late(StoreError::transient(named).caused_by("its task was dropped")),
        // Not tried again: it would hold up all others once more.
        Either::Right(_) => {
            let late = format!("it was not done within {timeout:?}");
            Applied::Late(StoreError::permanent(named).caused_by(late))
        }
    }
}

fn named<T: Send + 'static>(projection: &dyn InlineProjection<T>, events: &[LogEvent], undone: &str) -> String {
    let (name, version) = (projection.name(), projection.version());
    let at = events.first().map(|first| {
        let LogEvent {
            event_name,
            event_id,
            stream,
            ..
        } = first;
        format!(" at {event_name} {event_id} of {stream} in version {}", first.version)
    });
    let more = match events.len() {
        0 | 1 => String::new(),
        count => format!(" or one of {} events after it", count - 1),
    };
    let at = at.unwrap_or_default();
    format!("version {version} of the inline projection {name:?} failed{at}{more}, so {undone}")
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}

struct Abort(AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}
