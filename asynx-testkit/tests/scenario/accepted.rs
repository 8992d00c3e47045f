//! Commands that do what the scenario expects.

use asynx_testkit::scenario::Scenario;
use asynx_upcast::{Chain, rename};
use serde_json::json;

use crate::domain::{Confirm, Does, Order, Refused, create, order};

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
