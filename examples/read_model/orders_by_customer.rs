//! The read model: orders by customer, and in its second version what each customer has to pay.
//!
//! Each version has a table of its own. Readers look at a view, so that they need not know which one is in use.

use asynx::projection::{Batch, Entry, HandlerError, TransactionalProjection, Typed};
use asynx::store::{SqliteStore, SqliteTransaction, Transactions};

use crate::domain::Order;

/// What differs between the versions.
pub struct OrdersByCustomer {
    /// Makes what the version needs, where it is not there yet.
    prepare: &'static [&'static str],
    /// Takes an order's line away, and what it counted.
    clear: &'static [&'static str],
    /// Writes an order's line, and what it counts.
    write: &'static [&'static str],
    switch: &'static [&'static str],
    remove: &'static [&'static str],
}

pub const FIRST: OrdersByCustomer = OrdersByCustomer {
    prepare: &[
        "CREATE TABLE IF NOT EXISTS orders_1 (id TEXT PRIMARY KEY, customer TEXT, cents INTEGER, paid INTEGER)",
        // The first version is in use from the beginning: nothing is switched.
        "CREATE VIEW IF NOT EXISTS orders AS SELECT * FROM orders_1",
    ],
    clear: &["DELETE FROM orders_1 WHERE id = ?1"],
    write: &["INSERT INTO orders_1 VALUES (?1, ?2, ?3, ?4)"],
    switch: &[],
    remove: &["DROP TABLE IF EXISTS orders_1"],
};

pub const SECOND: OrdersByCustomer = OrdersByCustomer {
    prepare: &[
        "CREATE TABLE IF NOT EXISTS orders_2 (id TEXT PRIMARY KEY, customer TEXT, cents INTEGER, paid INTEGER)",
        "CREATE TABLE IF NOT EXISTS customers_2 (customer TEXT PRIMARY KEY, orders INTEGER, open_cents INTEGER)",
    ],
    clear: &[
        "UPDATE customers_2 SET orders = orders - 1, open_cents = open_cents - old.cents * (1 - old.paid)
         FROM orders_2 AS old WHERE old.id = ?1 AND old.customer = customers_2.customer",
        "DELETE FROM orders_2 WHERE id = ?1",
    ],
    write: &[
        "INSERT INTO orders_2 VALUES (?1, ?2, ?3, ?4)",
        "INSERT INTO customers_2 SELECT customer, 1, cents * (1 - paid) FROM orders_2 WHERE id = ?1
         ON CONFLICT (customer) DO UPDATE SET orders = orders + 1, open_cents = open_cents + excluded.open_cents",
    ],
    switch: &[
        "DROP VIEW IF EXISTS orders",
        "CREATE VIEW orders AS SELECT * FROM orders_2",
        "CREATE VIEW customers AS SELECT * FROM customers_2",
    ],
    remove: &["DROP TABLE IF EXISTS orders_2", "DROP TABLE IF EXISTS customers_2"],
};

impl OrdersByCustomer {
    pub async fn prepare(&self, store: &SqliteStore) -> Result<(), HandlerError> {
        let mut transaction = store.begin().await?;
        run(&mut transaction, self.prepare).await?;
        Ok(store.commit(transaction).await?)
    }
}

#[async_trait::async_trait]
impl TransactionalProjection<SqliteTransaction> for OrdersByCustomer {
    type Decode = Typed<Order>;

    async fn handle(
        &self,
        transaction: &mut SqliteTransaction,
        batch: Batch<'_, Entry<Order>>,
    ) -> Result<(), HandlerError> {
        for entry in batch.iter() {
            let id = entry.aggregate_id().as_str();
            for sql in self.clear {
                sqlx::query(*sql).bind(id).execute(transaction.connection()?).await?;
            }
            // Of an order that was forgotten nothing is written again.
            let Some(event) = entry.event() else { continue };
            let Order { customer, cents, paid } = &*event.aggregate;
            sqlx::query(self.write[0])
                .bind(id)
                .bind(customer)
                .bind(cents)
                .bind(paid)
                .execute(transaction.connection()?)
                .await?;
            for sql in &self.write[1..] {
                sqlx::query(*sql).bind(id).execute(transaction.connection()?).await?;
            }
        }
        Ok(())
    }

    async fn switched(&self, transaction: &mut SqliteTransaction) -> Result<(), HandlerError> {
        run(transaction, self.switch).await
    }

    async fn removed(&self, transaction: &mut SqliteTransaction) -> Result<(), HandlerError> {
        run(transaction, self.remove).await
    }
}

async fn run(transaction: &mut SqliteTransaction, statements: &[&'static str]) -> Result<(), HandlerError> {
    for sql in statements {
        sqlx::query(*sql).execute(transaction.connection()?).await?;
    }
    Ok(())
}
