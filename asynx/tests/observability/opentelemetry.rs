use std::sync::Arc;

use async_trait::async_trait;
use asynx::projection::{Batch, Detached, Engine, Entry, HandlerError, Projection, ProjectionOptions, Typed};
use asynx::runtime::TokioRuntime;
use asynx::store::MemoryStore;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::Instrument;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

use crate::common::{Order, create, orders, soon};

fn traced() -> (InMemorySpanExporter, SdkTracerProvider, DefaultGuard) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    (exporter, provider, guard)
}

fn named<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    let found = spans.iter().find(|span| span.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {spans:?}"))
}

struct Watching;

#[async_trait]
impl Projection for Watching {
    type Decode = Typed<Order>;

    async fn handle(&self, _: Batch<'_, Entry<Order>>) -> Result<(), HandlerError> {
        Ok(())
    }
}

#[tokio::test]
async fn handlers_and_projections_are_linked_to_the_command() {
    let (exporter, provider, _guard) = traced();
    let store = MemoryStore::new();
    let orders = orders(store.clone()).await;
    orders.subscribe(".*", |_| async {}).unwrap();
    let request = tracing::info_span!("request");
    let event = soon(orders.send(create("O-1")).and_wait().instrument(request))
        .await
        .unwrap();
    let engine = Engine::builder(store, Arc::new(TokioRuntime::current().unwrap()))
        .build()
        .unwrap();
    let options = ProjectionOptions::new();
    let handle = engine
        .run("watching", options, Typed::<Order>::new, Detached(Watching))
        .unwrap();
    soon(async {
        while handle.status().handled == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(soon(engine.stop(std::time::Duration::from_secs(5))).await);
    soon(orders.idle()).await;
    provider.force_flush().unwrap();

    let spans = exporter.get_finished_spans().unwrap();
    let (request, send) = (named(&spans, "request"), named(&spans, "asynx.send"));
    assert_eq!(send.parent_span_id, request.span_context.span_id());
    let (trace, span) = (send.span_context.trace_id(), send.span_context.span_id());
    assert_eq!(
        event.metadata.traceparent.as_deref(),
        Some(&*format!("00-{trace}-{span}-01"))
    );
    assert_eq!(named(&spans, "asynx.publish").parent_span_id, span);
    let handled = spans.iter().filter(|span| span.name == "asynx.handle");
    let links: Vec<_> = handled
        .map(|handled| {
            let links = handled.links.iter();
            links
                .map(|link| (link.span_context.trace_id(), link.span_context.span_id()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(
        links,
        [[(trace, span)], [(trace, span)]],
        "one of the bus, one of the projection"
    );
    let appended = &named(&spans, "asynx.append").links;
    assert_eq!(
        appended
            .iter()
            .map(|link| link.span_context.span_id())
            .collect::<Vec<_>>(),
        [span]
    );
}

#[tokio::test]
async fn without_a_span_that_opentelemetry_knows_nothing_is_stored() {
    let orders = orders(MemoryStore::new()).await;
    let event = soon(orders.send(create("O-1"))).await.unwrap();
    assert_eq!(event.metadata.traceparent, None);
}
