use asynx_core::Bus;
use asynx_core::bus::SubscriptionOptions;
use futures::StreamExt;

use crate::stage::{Stage, event, label, noted, noting, on_every_runtime, stream, tombstone};

on_every_runtime!(no_handler_and_no_stream_is_given_a_tombstone);

async fn no_handler_and_no_stream_is_given_a_tombstone(stage: Stage) {
    let (handler, mut notes) = noting();
    stage.subscribe(".*", std::sync::Arc::clone(&handler));
    stage.subscribe(r"asynx\.forgotten", handler);
    let (subscription, listener) = stream(".*", None, SubscriptionOptions::default());
    stage.bus.subscribe(subscription).unwrap();
    let (forgets, mut forgotten) = noting();
    stage.bus.on_forget(forgets).unwrap();
    stage.bus.publish(event("a1")).unwrap();
    stage.bus.publish(tombstone("a2")).unwrap();
    assert!(stage.bus.publish_tracked(tombstone("a2")).unwrap().is_empty());
    stage.bus.forget(tombstone("a3")).await.unwrap();
    stage.bus.idle().await;
    stage.bus.close();
    assert_eq!(noted(&mut notes), ["a1"]);
    assert_eq!(noted(&mut forgotten), ["a3"]);
    let streamed: Vec<_> = listener.map(|event| label(&event)).collect().await;
    assert_eq!(streamed, ["a1"]);
}
