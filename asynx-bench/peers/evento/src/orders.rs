use bench_workload::{Action, Arguments, Change, Order, System};
use evento::metadata::Event;
use evento::migrator::{Migrate as _, Plan};
use evento::{Executor, Postgres, Projection, ProjectionAggregate as _};
use sqlx::PgPool;

use crate::events::{LineAdded, LineRemoved, OrderEvents, OrderPlaced, QuantityChanged, StatusChanged};

/// The write model as its README has it: the last states are kept in the process, each load reads what came since.
#[evento::projection(id = id)]
#[evento::snapshot(memory)]
pub struct Purchase {
    pub id: String,
    pub order: Order,
}

#[evento::handler]
async fn on_placed(event: Event<OrderPlaced>, purchase: &mut Purchase) -> anyhow::Result<()> {
    purchase.id = event.aggregate_id.clone();
    purchase.order = event.data.order.clone();
    Ok(())
}

#[evento::handler]
async fn on_quantity(event: Event<QuantityChanged>, purchase: &mut Purchase) -> anyhow::Result<()> {
    let QuantityChanged { line, quantity } = event.data;
    purchase.order.apply(Change::QuantityChanged { line, quantity });
    Ok(())
}

#[evento::handler]
async fn on_status(event: Event<StatusChanged>, purchase: &mut Purchase) -> anyhow::Result<()> {
    purchase.order.apply(Change::StatusChanged {
        status: event.data.status,
    });
    Ok(())
}

#[evento::handler]
async fn on_added(event: Event<LineAdded>, purchase: &mut Purchase) -> anyhow::Result<()> {
    purchase.order.apply(Change::LineAdded {
        line: event.data.line.clone(),
    });
    Ok(())
}

#[evento::handler]
async fn on_removed(event: Event<LineRemoved>, purchase: &mut Purchase) -> anyhow::Result<()> {
    purchase.order.apply(Change::LineRemoved { line: event.data.line });
    Ok(())
}

fn purchases<E: Executor>() -> Projection<E, Purchase> {
    Projection::new::<OrderEvents>()
        .handler(on_placed())
        .handler(on_quantity())
        .handler(on_status())
        .handler(on_added())
        .handler(on_removed())
        .strict()
}

#[derive(Clone)]
pub(crate) struct Orders {
    pub(crate) executor: Postgres,
    pub(crate) pool: PgPool,
}

/// With the driver's pool of ten connections.
pub(crate) async fn open() -> Orders {
    let pool = PgPool::connect(&Arguments::database()).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let migrator = evento::sql_migrator::new::<sqlx::Postgres>().unwrap();
    migrator.run(&mut *connection, &Plan::apply_all()).await.unwrap();
    drop(connection);
    Orders {
        executor: pool.clone().into(),
        pool,
    }
}

impl Orders {
    /// Its plans rest on statistics, which a table that was just filled does not have yet.
    pub(crate) async fn analyze(&self) {
        sqlx::query("analyze").execute(&self.pool).await.unwrap();
    }

    pub(crate) async fn act(&self, id: &str, actions: &[Action]) {
        let loaded = purchases().load(id).execute(&self.executor).await.unwrap();
        let mut order = loaded.as_ref().map(|purchase| purchase.order.clone());
        let mut write = match &loaded {
            Some(purchase) => purchase.write().unwrap(),
            None => evento::append(id),
        };
        for action in actions {
            let change = action.decide(id, order.as_ref()).unwrap();
            if actions.len() > 1 {
                order.get_or_insert_default().apply(change.clone());
            }
            match change {
                Change::Placed { order } => write.event(&OrderPlaced { order }),
                Change::QuantityChanged { line, quantity } => write.event(&QuantityChanged { line, quantity }),
                Change::StatusChanged { status } => write.event(&StatusChanged { status }),
                Change::LineAdded { line } => write.event(&LineAdded { line }),
                Change::LineRemoved { line } => write.event(&LineRemoved { line }),
            };
        }
        write.commit(&self.executor).await.unwrap();
    }
}

impl System for Orders {
    async fn send(&self, id: &str, action: Action) -> Option<u64> {
        self.act(id, &[action]).await;
        None
    }

    async fn state(&self, id: &str) -> Order {
        purchases()
            .load(id)
            .execute(&self.executor)
            .await
            .unwrap()
            .unwrap()
            .order
    }

    async fn warmed(&self) {
        self.analyze().await;
    }
}
