//! What the handlers of requests share.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use asynx::runtime::{Runtime, TokioRuntime};
use asynx::{Asynx, Options, Store};
use futures::FutureExt;
use tokio::sync::watch;

use crate::board::Board;
use crate::domain::Order;

/// Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) orders: Asynx<Order>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) board: Arc<Board>,
    stopping: Arc<watch::Sender<bool>>,
}

impl App {
    /// Options for a service: whoever waits for an answer over HTTP had better hear "not now" than wait for long.
    pub fn options() -> Options {
        let mut options = Options::default();
        options.store_timeout = Duration::from_secs(5);
        options.settle_for = Duration::from_secs(5);
        options.queue_depth = NonZeroUsize::new(1_000);
        options
    }

    /// Starts it on a store; must be called on tokio.
    ///
    /// # Errors
    /// What keeps the store from being used.
    pub async fn start(store: impl Store, options: Options) -> Result<Self, Box<dyn std::error::Error>> {
        let store: Arc<dyn Store> = Arc::new(store);
        let runtime = TokioRuntime::current()?;
        let orders = Asynx::<Order>::builder()
            .store(Arc::clone(&store))
            .options(options)
            .build()
            .await?;
        let app = Self {
            orders,
            store,
            runtime: Arc::new(runtime),
            board: Arc::default(),
            stopping: Arc::new(watch::Sender::new(false)),
        };
        let following = Arc::clone(&app.board).follow(Arc::clone(&app.store), Arc::clone(&app.runtime));
        let stopped = app.stopped();
        app.runtime.spawn(
            async move {
                tokio::select! {
                    () = following => {}
                    () = stopped => {}
                }
            }
            .boxed(),
        );
        Ok(app)
    }

    /// Ends when the service is to stop. Streams of events would keep their connections open for ever: they end then.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stopping = self.stopping.subscribe();
        async move {
            // An error says that the app has gone, which is as good.
            let _ = stopping.wait_for(|stop| *stop).await;
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// From now on it is not ready, and streams of events end.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Lets what was sent be carried out, once no more requests come.
    ///
    /// # Errors
    /// Where that takes longer than the deadline.
    pub async fn finish(&self, deadline: Duration) -> Result<(), asynx::Error> {
        self.orders.shutdown(deadline).await
    }
}
