use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use asynx_core::{Runtime, Store, StoreError};

use crate::limits::in_time;
use crate::status::Board;

/// A lease that is renewed for as long as this lives.
pub(crate) struct Tenure(Arc<Held>);

struct Held {
    store: Arc<dyn Store>,
    runtime: Arc<dyn Runtime>,
    name: String,
    token: u64,
    time: Duration,
    board: Arc<Board>,
    /// Until when it surely is ours, in microseconds since 1970; 0 once it was lost or given back.
    until: AtomicI64,
}

impl Tenure {
    /// Takes a lease; `None` while another has it.
    pub(crate) async fn take(
        store: &Arc<dyn Store>,
        runtime: &Arc<dyn Runtime>,
        name: &str,
        holder: &str,
        time: Duration,
        board: &Arc<Board>,
    ) -> Result<Option<Self>, StoreError> {
        let leases = store.leases();
        let leases = leases.ok_or_else(|| StoreError::permanent("the store has no leases"))?;
        let now = runtime.now();
        let Some(token) = leases.acquire(name, holder, time, now).await? else {
            return Ok(None);
        };
        let held = Arc::new(Held {
            store: store.clone(),
            runtime: runtime.clone(),
            name: name.to_owned(),
            token,
            time,
            board: board.clone(),
            until: AtomicI64::new(sure_until(now.as_micros(), time)),
        });
        runtime.spawn(Box::pin(renew(Arc::downgrade(&held))));
        Ok(Some(Self(held)))
    }

    /// Whether it surely is still ours. Once false it stays false.
    pub(crate) fn is_held(&self) -> bool {
        self.0.is_held()
    }

    /// Gives it back, so that another need not wait for its end.
    pub(crate) async fn give_back(self) {
        self.0.until.store(0, Ordering::Release);
        if let Some(leases) = self.0.store.leases() {
            // Where this fails it ends by itself.
            let _ = leases.release(&self.0.name, self.0.token).await;
        }
    }
}

impl Held {
    fn is_held(&self) -> bool {
        let until = self.until.load(Ordering::Acquire);
        let held = self.runtime.now().as_micros() < until;
        if !held {
            self.until.store(0, Ordering::Release);
        }
        held
    }
}

/// A little less than the store's, since clocks differ in speed.
fn sure_until(now: i64, time: Duration) -> i64 {
    let micros = i64::try_from(time.as_micros() * 9 / 10).unwrap_or(i64::MAX);
    now.saturating_add(micros)
}

async fn renew(held: std::sync::Weak<Held>) {
    loop {
        let Some((runtime, pause)) = held.upgrade().map(|held| (held.runtime.clone(), held.time / 3)) else {
            return;
        };
        runtime.sleep(pause).await;
        let Some(held) = held.upgrade().filter(|held| held.is_held()) else {
            return;
        };
        let Some(leases) = held.store.leases() else { return };
        let now = runtime.now();
        // Soon enough to try again.
        let renew = leases.renew(&held.name, held.token, held.time, now);
        match in_time(&*held.runtime, held.time / 4, renew).await {
            Ok(true) => {
                let until = sure_until(now.as_micros(), held.time);
                // Not where it was lost meanwhile.
                let longer = |old| (old > 0).then_some(until);
                let _ = held.until.fetch_update(Ordering::AcqRel, Ordering::Acquire, longer);
            }
            Ok(false) => {
                held.until.store(0, Ordering::Release);
                return;
            }
            // Tried again until the end.
            Err(error) => held.board.say(&error.to_string()),
        }
    }
}
