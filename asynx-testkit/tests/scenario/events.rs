//! Events for handlers.

use std::sync::Mutex;

use asynx_core::{Context, Event};
use asynx_testkit::scenario::Events;

use crate::domain::{Confirm, Order, create, failure, order, says};

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
