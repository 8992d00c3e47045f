//! Upcasters.

use asynx_testkit::scenario::UpcastScenario;
use asynx_upcast::{Chain, Upcaster, add_default, rename};
use serde_json::json;

use crate::domain::{Order, failure, says};

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
