//! The read model by itself: given what happened, then what stands in its tables. No engine runs.

#[path = "domain.rs"]
mod domain;
#[path = "orders_by_customer.rs"]
mod orders_by_customer;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use asynx::projection::testing::Given;
use asynx::store::{SqliteStore, Transactions};
use asynx_testkit::scenario::{Events, assert_model};
use serde_json::json;

use crate::domain::{Order, Pay, Place};
use crate::orders_by_customer::{FIRST, OrdersByCustomer, SECOND};

fn placed(id: &str, customer: &str, cents: i64) -> Events<Order> {
    Events::of(id).command(Place {
        id: id.to_owned(),
        customer: customer.to_owned(),
        cents,
    })
}

fn paid(id: &str, customer: &str, cents: i64) -> Events<Order> {
    placed(id, customer, cents).command(Pay { id: id.to_owned() })
}

/// Two of Ada's, one of which is paid, and one of Ben's.
fn three_orders() -> Given<Order> {
    Given::new()
        .events(placed("ORD-1", "Ada", 1200))
        .events(paid("ORD-2", "Ada", 500))
        .events(placed("ORD-3", "Ben", 700))
}

async fn prepared(projection: &OrdersByCustomer) -> SqliteStore {
    let store = SqliteStore::in_memory().await.expect("a store in memory opens");
    projection.prepare(&store).await.expect("the tables can be made");
    store
}

/// What each customer has: orders, and cents that are still to be paid.
async fn customers(store: &SqliteStore, sql: &'static str) -> BTreeMap<String, (i64, i64)> {
    let mut transaction = store.begin().await.expect("a transaction begins");
    let connection = transaction.connection().expect("it is open");
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(sql)
        .fetch_all(connection)
        .await
        .expect("the table is there");
    rows.into_iter()
        .map(|(name, orders, cents)| (name, (orders, cents)))
        .collect()
}

const BY_FIRST: &str = "SELECT customer, count(*), sum(cents * (1 - paid)) FROM orders_1 GROUP BY customer";
const BY_SECOND: &str = "SELECT customer, orders, open_cents FROM customers_2 WHERE orders > 0";

#[tokio::test]
async fn both_versions_know_what_each_customer_has_to_pay() {
    for (version, sql) in [(FIRST, BY_FIRST), (SECOND, BY_SECOND)] {
        let store = prepared(&version).await;
        three_orders()
            .hand_to_in(&store, &version)
            .await
            .expect("it is handled");
        let expected = json!({"Ada": [2, 1200], "Ben": [1, 700]});
        assert_model(expected, customers(&store, sql).await);
    }
}

/// Batches of any size, each of which is tried and lost first, make the same.
#[tokio::test]
async fn a_batch_that_comes_again_counts_once() {
    for size in 1..=4 {
        let store = prepared(&SECOND).await;
        let given = three_orders().by(NonZeroUsize::new(size).expect("not 0")).twice();
        given.hand_to_in(&store, &SECOND).await.expect("it is handled");
        let expected = json!({"Ada": [2, 1200], "Ben": [1, 700]});
        assert_model(expected, customers(&store, BY_SECOND).await);
    }
}

/// Seen as it happens, and by a version that is built after the payloads are gone.
#[tokio::test]
async fn of_a_forgotten_order_nothing_is_left() {
    let given = three_orders().events(paid("ORD-4", "Cleo", 900).forgotten());
    for given in [given.clone(), given.erased()] {
        let store = prepared(&SECOND).await;
        given.hand_to_in(&store, &SECOND).await.expect("it is handled");
        let expected = json!({"Ada": [2, 1200], "Ben": [1, 700]});
        assert_model(expected, customers(&store, BY_SECOND).await);
    }
}
