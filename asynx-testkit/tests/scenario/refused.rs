//! Expectations that are not met, and what is told then.

use asynx_testkit::scenario::Scenario;
use serde_json::json;

use crate::domain::{Confirm, Order, Refused, create, failure, order, says};

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
