use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use asynx::store::MemoryStore;
use asynx::{Asynx, TraceContext};
use tracing::Instrument;

use crate::common::{Order, add, cancel, create, orders, soon};
use crate::spans::Spans;

#[tokio::test]
async fn a_command_from_its_caller_to_the_bus() {
    let orders = orders(MemoryStore::new()).await;
    let spans = Spans::default();
    let _subscribed = spans.subscribe();
    let request = tracing::info_span!("request");
    let event = soon(orders.send(create("O-1")).instrument(request)).await.unwrap();
    tokio::task::yield_now().await;
    let all = spans.all();
    let names: Vec<_> = all.iter().map(|span| span.name).collect();
    assert_eq!(
        names,
        ["request", "asynx.send", "asynx.load", "asynx.append", "asynx.publish"]
    );
    let [_, send, load, append, publish] = &all[..] else {
        panic!("{all:?}")
    };

    assert_eq!((send.parent, send.closed), (Some(0), true));
    assert_eq!(
        send.names(),
        [
            "aggregate_id",
            "category",
            "event_id",
            "event_name",
            "outcome",
            "version"
        ]
    );
    assert_eq!((send.field("category"), send.field("aggregate_id")), ("order", "O-1"));
    assert_eq!((send.field("event_name"), send.field("version")), ("OrderCreated", "1"));
    assert_eq!(
        (send.field("event_id"), send.field("outcome")),
        (&*event.id.to_string(), "accepted")
    );

    assert_eq!((load.parent, load.closed), (None, true));
    assert_eq!(load.names(), ["aggregate_ids", "aggregates", "category"]);
    assert_eq!((load.field("aggregate_ids"), load.field("aggregates")), ("O-1", "1"));

    assert_eq!(
        (append.parent, &append.follows[..], append.closed),
        (None, &[1][..], true)
    );
    assert_eq!(
        append.names(),
        ["aggregate_ids", "aggregates", "category", "events", "shard"]
    );
    assert_eq!((append.field("aggregate_ids"), append.field("events")), ("O-1", "1"));

    assert_eq!((publish.parent, publish.closed), (Some(1), true));
    assert_eq!(
        publish.names(),
        ["aggregate_id", "category", "event_id", "event_name", "version"]
    );
    assert_eq!(publish.field("event_id"), event.id.to_string());
}

#[tokio::test]
async fn how_commands_end() {
    let orders = orders(MemoryStore::new()).await;
    let spans = Spans::default();
    let _subscribed = spans.subscribe();
    soon(orders.send(cancel("O-1"))).await.unwrap_err();
    soon(orders.send(create("O-1"))).await.unwrap();
    soon(orders.send(add("O-1", 4711))).await.unwrap();
    let ends: Vec<_> = spans.named("asynx.send");
    let ends: Vec<_> = ends
        .iter()
        .map(|span| (span.field("outcome"), span.field("version")))
        .collect();
    assert_eq!(ends[..2], [("rejected", "none"), ("accepted", "1")]);
    let payloads = |span: &crate::spans::Seen| {
        span.values()
            .any(|value| value.contains("4711") || value.contains("missing"))
    };
    assert!(!spans.all().iter().any(payloads));
}

#[tokio::test]
async fn a_dropped_command_is_cancelled() {
    let orders = orders(MemoryStore::new()).await;
    let spans = Spans::default();
    let _subscribed = spans.subscribe();
    let mut dropped = Box::pin(orders.send(create("O-1")));
    assert!(futures::poll!(&mut dropped).is_pending());
    drop(dropped);
    assert_eq!(spans.named("asynx.send")[0].field("outcome"), "cancelled");
}

#[tokio::test]
async fn many_ids_are_cut_short() {
    let orders = Asynx::<Order>::builder()
        .store(MemoryStore::new())
        .shards(std::num::NonZeroUsize::MIN)
        .build()
        .await
        .unwrap();
    let spans = Spans::default();
    let _subscribed = spans.subscribe();
    let sends = (10..30).map(|number| orders.send(create(format!("O-{number}"))));
    soon(futures::future::try_join_all(sends)).await.unwrap();
    let appends = spans.named("asynx.append");
    let append = appends
        .iter()
        .find(|append| append.field("aggregates") == "20")
        .unwrap();
    assert!(append.field("aggregate_ids").starts_with("O-10 O-11 "));
    assert!(append.field("aggregate_ids").ends_with(" O-25 and 4 more"));
    assert_eq!(append.follows.len(), 20);
}

#[tokio::test]
async fn the_trace_context_of_the_caller_is_stored() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let orders = Asynx::<Order>::builder()
        .store(MemoryStore::new())
        .trace_context(move || match counted.fetch_add(1, Ordering::Relaxed) {
            0 => Some(TraceContext::new("hook's").with_tracestate("a=1")),
            1 => None,
            _ => panic!("oh"),
        })
        .build()
        .await
        .unwrap();
    let traced = soon(orders.send(create("O-1"))).await.unwrap();
    assert_eq!(traced.metadata.traceparent.as_deref(), Some("hook's"));
    assert_eq!(traced.metadata.tracestate.as_deref(), Some("a=1"));
    let own = orders.send(add("O-1", 1)).traceparent("own").tracestate("b=2");
    let own = soon(own).await.unwrap();
    assert_eq!(own.metadata.traceparent.as_deref(), Some("own"));
    assert_eq!(own.metadata.tracestate.as_deref(), Some("b=2"));
    for _ in 0..2 {
        let none = soon(orders.send(add("O-1", 1))).await.unwrap();
        assert_eq!(none.metadata.traceparent, None);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}
