use asynx::Event;
use asynx::store::MemoryStore;

use crate::common::{Order, add, create, orders, soon};
use crate::spans::Spans;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn a_handler() {
    let orders = orders(MemoryStore::new()).await;
    let handler = |event: Event<Order>| async move {
        tracing::info_span!("inside");
        match event.version.get() {
            1 => Ok(()),
            _ => Err("no"),
        }
    };
    let subscribing = orders.subscribing(".*", handler).unwrap();
    let id = subscribing.named("mails").start().unwrap();
    let spans = Spans::default();
    let _subscribed = spans.subscribe();
    let event = soon(orders.send(create("O-1")).traceparent(PARENT)).await.unwrap();
    soon(orders.send(add("O-1", 1)).and_wait()).await.unwrap();
    soon(orders.idle()).await;
    let handled = spans.named("asynx.handle");
    let [first, second] = &handled[..] else {
        panic!("{handled:?}")
    };
    assert_eq!((first.parent, first.closed), (None, true));
    assert_eq!(
        first.names(),
        [
            "aggregate_id",
            "category",
            "event_id",
            "event_name",
            "handler",
            "outcome",
            "subscription",
            "traceparent",
            "version",
        ]
    );
    assert_eq!(
        (first.field("handler"), first.field("subscription")),
        ("mails", &*id.get().to_string())
    );
    assert_eq!((first.field("category"), first.field("aggregate_id")), ("order", "O-1"));
    assert_eq!(
        (first.field("event_name"), first.field("version")),
        ("OrderCreated", "1")
    );
    assert_eq!(first.field("event_id"), event.id.to_string());
    assert_eq!(
        (first.field("traceparent"), first.field("outcome")),
        (PARENT, "handled")
    );
    assert_eq!(
        (second.field("traceparent"), second.field("outcome")),
        ("none", "failed")
    );
    let inside = spans.named("inside");
    let parents: Vec<_> = inside.iter().filter_map(|span| span.parent).collect();
    let all = spans.all();
    assert_eq!(
        parents.iter().map(|at| all[*at].name).collect::<Vec<_>>(),
        ["asynx.handle"; 2]
    );
}
