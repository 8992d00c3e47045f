use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use asynx_core::{Position, Runtime};
use futures::StreamExt as _;
use futures::channel::{mpsc, oneshot};
use futures::future::{BoxFuture, Either, select};
use sqlx::postgres::PgListener;

use crate::log::position;
use crate::store::Shared;

/// At most one notification in this time, for all appends in it together. Outside of the appends' transactions, where
/// it would take a lock of the whole database.
const NOTIFY_EVERY: Duration = Duration::from_millis(10);
/// How soon it is looked again for an event that is stored but may still be preceded by another one: at first, and at
/// last. Also the least time between two looks.
const NOT_FINAL: Duration = Duration::from_millis(2);
const STILL_NOT_FINAL: Duration = Duration::from_millis(250);
/// How soon a listener that has no connection tries again to have one: at first, and at last, since a standby never lets
/// anybody listen.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);
const LISTEN_AT_LAST: Duration = Duration::from_secs(30);

/// Wakes those who wait for the log to grow: after appends of this store, after notifications of other processes, and
/// in any case after a while.
#[derive(Default)]
pub(crate) struct Follower {
    state: Arc<Mutex<State>>,
    /// Dropped with the store, which ends the listening.
    alive: Mutex<Option<oneshot::Sender<()>>>,
}

#[derive(Default)]
struct State {
    /// The newest event that is known to be final.
    tail: Option<Position>,
    /// Who waits, by ticket.
    waiting: BTreeMap<u64, Waker>,
    last_ticket: u64,
    /// Wakes the task that looks at the log; `None` until somebody waits.
    look: Option<mpsc::Sender<()>>,
    notifying: Notifying,
}

#[derive(Default, PartialEq, Eq)]
enum Notifying {
    #[default]
    No,
    Yes,
    /// And once more, for what was stored since.
    Again,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Follower {
    /// Ends when there are final events after a position.
    pub(crate) fn changed(&self, shared: &Arc<Shared>, after: Option<Position>) -> BoxFuture<'static, ()> {
        self.start(shared);
        Box::pin(Changed {
            state: self.state.clone(),
            after,
            ticket: None,
        })
    }

    fn start(&self, shared: &Arc<Shared>) {
        let (look, looks) = {
            let mut state = lock(&self.state);
            if state.look.is_some() {
                return;
            }
            let (look, looks) = mpsc::channel(0);
            state.look = Some(look.clone());
            (look, looks)
        };
        let runtime = &shared.runtime;
        runtime.spawn(Box::pin(follow(
            Arc::downgrade(shared),
            looks,
            runtime.clone(),
            shared.options.poll_interval,
        )));
        if shared.options.notify {
            let (alive, ended) = oneshot::channel();
            *self.alive.lock().unwrap_or_else(PoisonError::into_inner) = Some(alive);
            runtime.spawn(Box::pin(listen(Arc::downgrade(shared), look, runtime.clone(), ended)));
        }
    }
}

impl Shared {
    /// Something was appended here.
    pub(crate) fn appended(self: &Arc<Self>) {
        let mut state = lock(&self.follower.state);
        if let Some(look) = &mut state.look {
            // Full: it is going to look anyway.
            let _ = look.try_send(());
        }
        if !self.options.notify {
            return;
        }
        let start = state.notifying == Notifying::No;
        state.notifying = if start { Notifying::Yes } else { Notifying::Again };
        drop(state);
        if start {
            self.runtime
                .spawn(Box::pin(notify(Arc::downgrade(self), self.runtime.clone())));
        }
    }

    /// Looks where the log ends and wakes those who wait. Whether there are events that are not final yet.
    async fn look(&self) -> Result<bool, sqlx::Error> {
        let mut connection = self.connections.background().await?;
        let row: (Option<i32>, Option<i64>, Option<i32>, bool) = sqlx::query_as(self.statements.log_tail.get())
            .fetch_one(&mut *connection)
            .await?;
        drop(connection);
        let (Some(epoch), Some(tx), Some(seq), more) = row else {
            return Ok(row.3);
        };
        let tail = position(epoch, tx, seq.into());
        let waiting = {
            let mut state = lock(&self.follower.state);
            if state.tail >= Some(tail) {
                return Ok(more);
            }
            state.tail = Some(tail);
            std::mem::take(&mut state.waiting)
        };
        // Wakers are foreign code, so they run after the lock.
        waiting.into_values().for_each(Waker::wake);
        Ok(more)
    }
}

impl Shared {
    async fn notify(&self) -> Result<(), sqlx::Error> {
        let mut connection = self.connections.background().await?;
        let notify = sqlx::query("select pg_notify($1, '')").bind(self.names.channel());
        notify.execute(&mut *connection).await.map(drop)
    }
}

async fn follow(shared: Weak<Shared>, mut looks: mpsc::Receiver<()>, runtime: Arc<dyn Runtime>, poll: Duration) {
    let mut soon = NOT_FINAL;
    loop {
        let Some(store) = shared.upgrade() else { return };
        // An error goes away, or is told to whoever reads.
        let more = store.look().await.unwrap_or(false);
        drop(store);
        soon = if more {
            (soon * 2).min(STILL_NOT_FINAL)
        } else {
            NOT_FINAL
        };
        let pause = if more { soon.min(poll) } else { poll };
        runtime.sleep(NOT_FINAL).await;
        if let Either::Left((None, _)) = select(looks.next(), runtime.sleep(pause)).await {
            return;
        }
    }
}

async fn listen(
    shared: Weak<Shared>,
    mut look: mpsc::Sender<()>,
    runtime: Arc<dyn Runtime>,
    mut ended: oneshot::Receiver<()>,
) {
    let mut again = LISTEN_AGAIN;
    while let Some(store) = shared.upgrade() {
        let (pool, channel) = (store.connections.background_pool().clone(), store.names.channel());
        drop(store);
        let mut listened = false;
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(&channel).await?;
            listened = true;
            loop {
                // Also when it has just begun to listen: nobody may have heard what came before.
                let _ = look.try_send(());
                // None: the connection was lost, and a notification with it perhaps.
                listener.try_recv().await?;
            }
        };
        let listening: BoxFuture<'_, Result<(), sqlx::Error>> = Box::pin(listening);
        if let Either::Right(_) = select(listening, &mut ended).await {
            return;
        }
        again = if listened {
            LISTEN_AGAIN
        } else {
            (again * 2).min(LISTEN_AT_LAST)
        };
        runtime.sleep(again).await;
    }
}

async fn notify(shared: Weak<Shared>, runtime: Arc<dyn Runtime>) {
    while let Some(store) = shared.upgrade() {
        // Where it fails, the others find out by polling.
        let _ = store.notify().await;
        drop(store);
        runtime.sleep(NOTIFY_EVERY).await;
        let Some(store) = shared.upgrade() else { return };
        let mut state = lock(&store.follower.state);
        if state.notifying != Notifying::Again {
            state.notifying = Notifying::No;
            return;
        }
        state.notifying = Notifying::Yes;
    }
}

struct Changed {
    state: Arc<Mutex<State>>,
    after: Option<Position>,
    /// Under what our waker is kept.
    ticket: Option<u64>,
}

impl Future for Changed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Cloned and dropped outside the lock: wakers are foreign code.
        let waker = cx.waker().clone();
        let mut state = lock(&self.state);
        if state.tail > self.after {
            return Poll::Ready(());
        }
        let ticket = self.ticket.unwrap_or_else(|| {
            state.last_ticket += 1;
            state.last_ticket
        });
        let replaced = state.waiting.insert(ticket, waker);
        drop(state);
        drop(replaced);
        self.ticket = Some(ticket);
        Poll::Pending
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let waker = lock(&self.state).waiting.remove(&ticket);
            drop(waker);
        }
    }
}
