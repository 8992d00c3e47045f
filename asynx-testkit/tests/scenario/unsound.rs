//! Commands and aggregates that asynx could not work with.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use asynx_core::{Aggregate, Command};
use asynx_testkit::scenario::Scenario;
use serde::{Deserialize, Serialize};

use crate::domain::{Does, Order, Refused, create, failure, order, says};

#[test]
fn commands_that_are_not_pure_are_found() {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let run = |command| failure(|| Scenario::given_nothing().when(command));

    let validates = run(Does {
        validate: |_| match COUNT.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Ok(()),
            _ => Err(Refused::Exists),
        },
        ..create()
    });
    says(
        &validates,
        &["validate is not pure: allowed, and refused by Exists when run again"],
    );
    let emits = run(Does {
        emit: |_| Order {
            total: COUNT.fetch_add(1, Ordering::Relaxed) as f64,
            ..order()
        },
        ..create()
    });
    says(
        &emits,
        &[
            "OrderCreated on order ORD-1: emit is not pure",
            "-   \"total\"",
            "+   \"total\"",
        ],
    );
    let names = run(Does {
        name: || format!("Order{}", COUNT.fetch_add(1, Ordering::Relaxed)),
        ..create()
    });
    says(&names, &["asked again, its id or event name is another"]);
    let ids = run(Does {
        id: || format!("ORD-{}", COUNT.fetch_add(1, Ordering::Relaxed)),
        ..create()
    });
    says(&ids, &["asked again"]);
}

#[test]
fn commands_that_cannot_be_stored_are_found() {
    let run = |command| failure(|| Scenario::given_nothing().when(command));
    let number = run(Does {
        emit: |_| Order {
            total: f64::INFINITY,
            ..order()
        },
        ..create()
    });
    says(&number, &["the new state cannot be stored", "/total"]);
    says(
        &run(Does {
            id: String::new,
            ..create()
        }),
        &["the aggregate id"],
    );
    says(
        &run(Does {
            name: || "asynx.mine".to_owned(),
            ..create()
        }),
        &["the event name"],
    );
    let other = failure(|| {
        Scenario::given([create()]).when(Does {
            id: || "ORD-2".to_owned(),
            ..create()
        })
    });
    says(&other, &["the scenario is about ORD-1"]);
    let skipped = Does {
        emit: |_| Order { cached: 7, ..order() },
        ..create()
    };
    let skipped = failure(|| Scenario::given_nothing().when(skipped).then_survives());
    says(&skipped, &["does not survive its serialisation"]);
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Lossy {
    #[serde(rename(serialize = "written", deserialize = "read"), default)]
    value: u8,
}

impl Aggregate for Lossy {
    const CATEGORY: &'static str = "lossy";
}

struct Lose;

impl Command<Lossy> for Lose {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        "1".into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "Lost".into()
    }

    fn validate(&self, _: Option<&Lossy>) -> Result<(), Refused> {
        Ok(())
    }

    fn emit(&self, _: Option<&Lossy>) -> Lossy {
        Lossy { value: 7 }
    }
}

#[test]
fn states_that_do_not_read_back_are_found() {
    let message = failure(|| Scenario::given_nothing().when(Lose));
    says(&message, &["Lost on lossy 1", "cannot be read back", "/written"]);
}
