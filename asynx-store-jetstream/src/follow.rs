use std::sync::{Arc, Mutex, PoisonError};

use asynx_core::Position;
use futures::StreamExt as _;
use futures::future::{Either, select};
use tokio::sync::watch;

use crate::row::sequence;
use crate::store::Shared;
use crate::wire::Wire;

/// Wakes who waits for the log to grow. The server tells the headers of what it has just stored; what gets lost on the
/// way is found by polling.
#[derive(Default)]
pub(crate) struct Follower {
    newest: Mutex<Option<watch::Receiver<u64>>>,
}

impl Shared {
    /// Ends when something may have come after a position.
    pub(crate) async fn changed(self: Arc<Self>, after: Option<Position>) {
        let after = after.map_or(0, |after| sequence(after).unwrap_or(u64::MAX));
        let mut newest = self.follow();
        // What came before somebody listened.
        if matches!(self.events.end().await, Ok(end) if end > after) {
            return;
        }
        drop(self);
        if newest.wait_for(|newest| *newest > after).await.is_err() {
            std::future::pending().await
        }
    }

    fn follow(&self) -> watch::Receiver<u64> {
        let mut newest = self.follower.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(newest) = newest.as_ref().filter(|newest| newest.has_changed().is_ok()) {
            return newest.clone();
        }
        let (tell, told) = watch::channel(0);
        *newest = Some(told.clone());
        let (wire, news) = (self.events.wire.clone(), self.names.news());
        let runtime = wire.runtime.clone();
        runtime.spawn(Box::pin(listen(wire, news, tell)));
        told
    }
}

/// Until nobody is there to be told, or the connection is closed for good.
async fn listen(wire: Arc<Wire>, news: String, tell: watch::Sender<u64>) {
    let Ok(mut stored) = wire.client.subscribe(news).await else {
        return;
    };
    loop {
        let message = match select(stored.next(), Box::pin(tell.closed())).await {
            Either::Left((Some(message), _)) => message,
            _ => return,
        };
        let headers = message.headers.unwrap_or_default();
        let seq = headers
            .get("Nats-Sequence")
            .and_then(|seq| seq.as_str().parse::<u64>().ok());
        tell.send_if_modified(|newest| {
            let is_newer = seq.is_some_and(|seq| seq > *newest);
            *newest = seq.unwrap_or(0).max(*newest);
            is_newer
        });
    }
}
