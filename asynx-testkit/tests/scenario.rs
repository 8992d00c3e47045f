//! Scenarios say yes to what is right, and no to everything else, readably.

#![expect(clippy::unwrap_used, reason = "a test says by it what it expects")]

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use asynx_core::{Aggregate, Command, Context, Event};
use asynx_testkit::scenario::{Events, Scenario, UpcastScenario};
use asynx_upcast::{Chain, Upcaster, add_default, rename};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    id: String,
    status: String,
    total: f64,
    #[serde(skip)]
    cached: u64,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

#[derive(Debug, PartialEq, thiserror::Error)]
enum Refused {
    #[error("the order exists")]
    Exists,
    #[error("the order is {0}")]
    Is(String),
}

/// A command made of functions.
struct Does {
    id: fn() -> String,
    name: fn() -> String,
    validate: fn(Option<&Order>) -> Result<(), Refused>,
    emit: fn(Option<&Order>) -> Order,
}

impl Command<Order> for Does {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (self.id)().into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        (self.name)().into()
    }

    fn validate(&self, order: Option<&Order>) -> Result<(), Refused> {
        (self.validate)(order)
    }

    fn emit(&self, order: Option<&Order>) -> Order {
        (self.emit)(order)
    }
}

struct Confirm;

impl Command<Order> for Confirm {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        "ORD-1".into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "OrderConfirmed".into()
    }

    fn validate(&self, order: Option<&Order>) -> Result<(), Refused> {
        match order {
            Some(order) if order.status == "pending" => Ok(()),
            Some(order) => Err(Refused::Is(order.status.clone())),
            None => Err(Refused::Is("nowhere".to_owned())),
        }
    }

    fn emit(&self, order: Option<&Order>) -> Order {
        let status = "confirmed".to_owned();
        Order {
            status,
            ..order.unwrap().clone()
        }
    }

    fn should_snapshot(&self) -> bool {
        true
    }
}

fn order() -> Order {
    Order {
        id: "ORD-1".to_owned(),
        status: "pending".to_owned(),
        total: 12.5,
        cached: 0,
    }
}

fn create() -> Does {
    Does {
        id: || "ORD-1".to_owned(),
        name: || "OrderCreated".to_owned(),
        validate: |order| order.map_or(Ok(()), |_| Err(Refused::Exists)),
        emit: |_| order(),
    }
}

/// What a scenario that must fail says.
fn failure<T>(scenario: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(scenario()))) else {
        panic!("the scenario did not fail");
    };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().unwrap()).to_owned(),
    }
}

#[track_caller]
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in:\n{message}");
    }
}

#[test]
fn accepted_commands_show_event_patch_and_state() {
    Scenario::<Order>::given_nothing()
        .when(create())
        .then_event("OrderCreated")
        .then_patch(json!([{"op": "add", "path": "", "value": {"total": 12.5, "status": "pending", "id": "ORD-1"}}]))
        .then_state_eq(order())
        .then_survives()
        .when(Confirm)
        .then_event("OrderConfirmed")
        .then_patch(r#"[{"path":"/status","op":"replace","value":"confirmed"}]"#)
        .then_document(json!({"id": "ORD-1", "status": "confirmed", "total": 12.5}))
        .then_state(|order| assert_eq!(order.status, "confirmed"))
        .then_snapshot()
        .when(Confirm)
        .then_rejected(Refused::Is("confirmed".to_owned()))
        .when(create())
        .then_rejected_with(|refused| assert!(matches!(refused, Refused::Exists)));
}

#[test]
fn what_is_given() {
    let confirmed = |scenario: Scenario<Order>| {
        scenario
            .when(Confirm)
            .then_rejected(Refused::Is("confirmed".to_owned()))
    };
    confirmed(Scenario::given((create(), Confirm)));
    confirmed(Scenario::given([create()]).and([Confirm]));
    confirmed(Scenario::given(vec![create()]).and(vec![Confirm]));
    confirmed(Scenario::given_state(Order {
        status: "confirmed".to_owned(),
        ..order()
    }));
    confirmed(Scenario::given_events([
        (
            "OrderCreated",
            json!([{"op": "add", "path": "", "value": {"id": "1", "status": "new", "total": 1}}]),
        ),
        (
            "OrderConfirmed",
            json!([{"op": "replace", "path": "/status", "value": "confirmed"}]),
        ),
    ]));
    let chain = Chain::builder(2).step(1, rename("/state", "status")).build().unwrap();
    let stored = r#"[{"op":"add","path":"","value":{"id":"1","state":"confirmed","total":1}}]"#;
    confirmed(Scenario::given_events([("OrderCreated", stored)]).upcast(chain));
    Scenario::given_state(order()).then_state(|given: &Order| assert_eq!(*given, order()));
}

#[test]
fn foreign_members_of_stored_documents_stay() {
    let stored =
        json!([{"op": "add", "path": "", "value": {"id": "1", "status": "pending", "total": 1, "gift": true}}]);
    Scenario::<Order>::given_events([("OrderCreated", stored)])
        .when(Confirm)
        .then_document(json!({"id": "1", "status": "confirmed", "total": 1, "gift": true}))
        .then_state_eq(Order {
            id: "1".to_owned(),
            status: "confirmed".to_owned(),
            total: 1.0,
            cached: 0,
        });
}

#[test]
fn a_command_without_effect_is_an_event_all_the_same() {
    Scenario::given_state(order())
        .when(Does {
            validate: |_| Ok(()),
            ..create()
        })
        .then_event("OrderCreated")
        .then_no_change();
}

#[test]
fn another_patch_is_shown_by_lines() {
    let message = failure(|| {
        Scenario::given_state(order())
            .when(Confirm)
            .then_patch(json!([{"op": "replace", "path": "/status", "value": "paid"}]))
    });
    assert_eq!(
        message,
        r#"OrderConfirmed on order ORD-1: the patch is another
expected (-), actual (+):
  - {"op":"replace","path":"/status","value":"paid"}
  + {"op":"replace","path":"/status","value":"confirmed"}
state before:
  {
    "id": "ORD-1",
    "status": "pending",
    "total": 12.5
  }"#
    );
}

#[test]
fn another_state_is_shown_by_lines() {
    let message = failure(|| Scenario::given_state(order()).when(Confirm).then_state_eq(order()));
    says(
        &message,
        &[
            "OrderConfirmed on order ORD-1: the state is another",
            "\n      \"id\": \"ORD-1\",\n  -   \"status\": \"pending\",\n  +   \"status\": \"confirmed\",\n      \"total\": 12.5",
        ],
    );
    let message = failure(|| {
        Scenario::given_state(order())
            .when(Confirm)
            .then_document(json!({"id": "ORD-1", "status": "confirmed"}))
    });
    says(&message, &["+   \"total\": 12.5"]);
}

#[test]
fn another_ending_is_told() {
    let refused = || Scenario::given_state(order()).when(create());
    says(
        &failure(|| refused().then_event("OrderCreated")),
        &["it was rejected: the order exists (Exists)"],
    );
    says(&failure(|| refused().then_state(|_| ())), &["it was rejected"]);
    says(&failure(|| refused().then_patch(json!([]))), &["it was rejected"]);
    says(&failure(|| refused().then_no_change()), &["it was rejected"]);
    says(&failure(|| refused().then_document(json!({}))), &["it was rejected"]);
    says(&failure(|| refused().then_survives()), &["it was rejected"]);
    says(&failure(|| refused().then_snapshot()), &["it was rejected"]);
    let other = failure(|| refused().then_rejected(Refused::Is("pending".to_owned())));
    says(&other, &["it was rejected for another reason", "+ Exists"]);

    let accepted = || Scenario::given_nothing().when(create());
    says(
        &failure(|| accepted().then_event("OrderMade")),
        &["the event is \"OrderCreated\", expected \"OrderMade\""],
    );
    says(
        &failure(|| accepted().then_rejected(Refused::Exists)),
        &["it was accepted", "\"op\":\"add\"", "nothing"],
    );
    says(&failure(|| accepted().then_rejected_with(|_| ())), &["it was accepted"]);
    says(&failure(|| accepted().then_snapshot()), &["it asks for no snapshot"]);
    says(&failure(|| accepted().then_no_change()), &["the patch is another"]);
    says(
        &failure(|| accepted().then_patch(json!({"op": "add"}))),
        &["what was given is no patch"],
    );
}

#[test]
fn what_is_given_must_be_right() {
    let given = failure(|| Scenario::<Order>::given((Confirm, create())));
    says(&given, &["the given OrderConfirmed was rejected: the order is nowhere"]);
    let unfit = [(
        "OrderPaid",
        json!([{"op": "replace", "path": "/status", "value": "paid"}]),
    )];
    let unfit = failure(|| Scenario::<Order>::given_events(unfit).when(Confirm));
    says(&unfit, &["the patch of OrderPaid does not fit", "/status", "nothing"]);
    let no_order = [("OrderCreated", json!([{"op": "add", "path": "", "value": {"id": 1}}]))];
    let no_order = failure(|| Scenario::<Order>::given_events(no_order).when(Confirm));
    says(&no_order, &["the document is no \"order\"", "\"id\": 1"]);
    let no_number = Order {
        total: f64::NAN,
        ..order()
    };
    says(
        &failure(|| Scenario::given_state(no_number)),
        &["the given state cannot be stored", "/total"],
    );
    let reserved = [("asynx.forgotten", json!([]))];
    failure(|| Scenario::<Order>::given_events(reserved));
}

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

fn old_events() -> [(&'static str, serde_json::Value); 2] {
    [
        (
            "OrderCreated",
            json!([{"op": "add", "path": "", "value": {"id": "1", "state": "new"}}]),
        ),
        (
            "OrderPaid",
            json!([{"op": "replace", "path": "/state", "value": "paid"}]),
        ),
    ]
}

#[test]
fn upcasters_are_held_to_their_events() {
    let chain = || {
        Chain::builder(2)
            .step(1, rename("/state", "status").then(add_default("/total", 0)))
            .build()
            .unwrap()
    };
    let migrate = |mut old: asynx_core::patch::Json| {
        let members = old.as_object_mut().unwrap();
        let status = members.remove("state").unwrap();
        members.insert("status", status);
        members.insert("total", 0);
        old
    };
    let good = || UpcastScenario::by(chain()).given_events(1, old_events());
    let _ = good()
        .then_document(json!({"id": "1", "status": "paid", "total": 0}))
        .then_state(|order: &Order| assert_eq!(order.status, "paid"))
        .then_commutes(migrate);
    let _ = good()
        .given_events(
            2,
            [(
                "OrderConfirmed",
                json!([{"op": "replace", "path": "/status", "value": "confirmed"}]),
            )],
        )
        .then_state(|order: &Order| assert_eq!(order.status, "confirmed"));
    let taken = [("OrderMoved", json!([{"op": "replace", "path": "/status", "value": 1}]))];
    let refused = || {
        UpcastScenario::by(chain())
            .given_events(1, old_events())
            .given_events(1, taken.clone())
    };
    let _ = refused().then_refused(|reason| says(reason, &["OrderMoved cannot be upcast", "/status"]));

    says(
        &failure(|| refused().then_document(json!({}))),
        &["OrderMoved cannot be upcast"],
    );
    says(
        &failure(|| good().then_refused(|_| ())),
        &["the events can be read", "\"status\": \"paid\""],
    );
    let other = failure(|| good().then_document(json!({"id": "1", "status": "new", "total": 0})));
    says(
        &other,
        &[
            "the events fold to another document",
            "-   \"status\": \"new\"",
            "+   \"status\": \"paid\"",
        ],
    );
    let newer = failure(|| {
        UpcastScenario::by(chain())
            .given_events(3, old_events())
            .then_document(json!({}))
    });
    says(&newer, &["newer than 2"]);

    // The trap: a closure that thinks of one event only.
    let naive = |name: &asynx_core::EventName, mut patch: asynx_core::patch::Patch| {
        if name.as_str() == "OrderCreated" {
            let document = patch.0[0].value_mut().unwrap().as_object_mut().unwrap();
            let status = document.remove("state").unwrap();
            document.insert("status", status);
            document.insert("total", 0);
        }
        Ok::<_, &str>(patch)
    };
    let naive = Chain::builder(2).step(1, naive).build().unwrap();
    let message = failure(|| {
        UpcastScenario::by(naive)
            .given_events(1, old_events())
            .then_commutes(migrate)
    });
    says(&message, &["the patch of OrderPaid does not fit", "/state"]);
}

#[test]
fn events_are_those_that_handlers_are_given() {
    let events = Events::<Order>::of("ORD-1")
        .command(create())
        .metadata(|metadata| metadata.user = Some("ada".to_owned()))
        .command(Confirm)
        .state("OrderImported", Order { total: 1.0, ..order() })
        .forgotten()
        .command(create());
    let events = events.build();
    let names: Vec<&str> = events.iter().map(|event| event.event_name.as_str()).collect();
    assert_eq!(
        names,
        [
            "OrderCreated",
            "OrderConfirmed",
            "OrderImported",
            "asynx.forgotten",
            "OrderCreated"
        ]
    );
    let versions: Vec<u64> = events.iter().map(|event| event.version.get()).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
    assert_eq!(
        events[1].patch_json(),
        r#"[{"op":"replace","path":"/status","value":"confirmed"}]"#
    );
    assert_eq!(events[1].previous.as_deref(), Some(&order()));
    assert_eq!(events[1].aggregate.status, "confirmed");
    assert_eq!(events[3].aggregate.total, 1.0);
    assert!(events[0].previous.is_none() && events[4].previous.is_none());
    let users: Vec<_> = events.iter().map(|event| event.metadata.user.as_deref()).collect();
    assert_eq!(users, [None, Some("ada"), Some("ada"), Some("ada"), Some("ada")]);
    assert!(events.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(events[1].occurred_at.to_string(), "2025-01-01T00:00:01.000000Z");
    let again = Events::<Order>::of("ORD-1").command(create()).build();
    assert_eq!(again[0].id, events[0].id);
    assert_ne!(events[1].id, events[0].id);
}

#[test]
fn handlers_are_called_in_their_context() {
    let seen = Mutex::new(Vec::new());
    let events = || Events::<Order>::of("ORD-1").command(create()).command(Confirm);
    events().hand_to(async |event: Event<Order>| {
        let mut metadata = asynx_core::Metadata::default();
        Context::current().unwrap().inherit(&mut metadata);
        assert_eq!(metadata.causation_id, Some(event.id.to_string()));
        seen.lock().unwrap().push(event.version.get());
    });
    assert_eq!(*seen.lock().unwrap(), [1, 2]);
    let message = failure(|| {
        events().hand_to(|event| {
            std::future::ready(if event.version.get() == 2 {
                Err("the table is gone")
            } else {
                Ok(())
            })
        });
    });
    says(&message, &["the handler failed on OrderConfirmed 2: the table is gone"]);
    says(
        &failure(|| events().command(Confirm)),
        &["OrderConfirmed on ORD-1 was rejected: the order is confirmed"],
    );
    says(
        &failure(|| Events::<Order>::of("ORD-1").forgotten()),
        &["no order ORD-1 to forget"],
    );
    says(
        &failure(|| Events::<Order>::of("ORD-2").command(create())),
        &["the scenario is about ORD-2"],
    );
}
