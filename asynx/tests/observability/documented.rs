//! `docs/observability.md` and `docs/grafana.json` against what is told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use asynx::Asynx;
use asynx::projection::{Batch, Detached, Engine, Entry, HandlerError, Projection, ProjectionOptions, Typed};
use asynx::runtime::TokioRuntime;
use asynx::store::MemoryStore;
use asynx_observe::{FIGURES, Figure, Kind, Unit};
use metrics_util::debugging::DebuggingRecorder;
use serde_json::Value as Json;

use crate::common::{Order, create, soon};
use crate::figures::{Figures, Told, Value};
use crate::spans::Spans;

const PAGE: &str = include_str!("../../../docs/observability.md");
const DASHBOARD: &str = include_str!("../../../docs/grafana.json");

/// The cells of each row whose first one begins so.
fn rows(begin: &str) -> Vec<Vec<String>> {
    let rows = PAGE.lines().filter(|line| line.starts_with(&format!("| `{begin}")));
    let cells = |row: &str| row.trim_matches('|').split(" | ").map(cell).collect();
    rows.map(cells).collect()
}

fn cell(text: &str) -> String {
    let text = text.trim();
    let whole = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
    whole.unwrap_or(text).to_owned()
}

fn kind(figure: &Figure) -> &'static str {
    match figure.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    }
}

fn unit(figure: &Figure) -> &'static str {
    match figure.unit {
        Unit::Count => "count",
        Unit::Seconds => "seconds",
    }
}

#[test]
fn the_table_has_every_figure() {
    let listed: Vec<_> = FIGURES
        .iter()
        .map(|figure| {
            let labels = figure.labels.join(", ");
            [figure.name, kind(figure), unit(figure), &labels, figure.help]
                .map(str::to_owned)
                .to_vec()
        })
        .collect();
    assert_eq!(rows("asynx_"), listed);
}

struct Nothing;

#[async_trait]
impl Projection for Nothing {
    type Decode = Typed<Order>;

    async fn handle(&self, _: Batch<'_, Entry<Order>>) -> Result<(), HandlerError> {
        Ok(())
    }
}

/// Everything that tells something, once.
async fn everything() {
    let store = MemoryStore::new();
    let orders = Asynx::<Order>::builder().store(store.clone()).build().await.unwrap();
    orders.subscribe(".*", |_| async {}).unwrap();
    soon(orders.send(create("O-1")).and_wait()).await.unwrap();
    let engine = Engine::builder(store, Arc::new(TokioRuntime::current().unwrap()))
        .build()
        .unwrap();
    let options = ProjectionOptions::new();
    let handle = engine
        .run("nothing", options, Typed::<Order>::new, Detached(Nothing))
        .unwrap();
    soon(async {
        while handle.status().handled == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    asynx_observe::watermark_age(Duration::ZERO);
    assert!(soon(engine.stop(Duration::from_secs(5))).await);
}

#[tokio::test]
async fn what_is_registered_is_what_is_listed() {
    let recorder = DebuggingRecorder::new();
    let _installed = metrics::set_default_local_recorder(&recorder);
    everything().await;
    let figures = Figures::of(&recorder);
    let registered: BTreeSet<_> = figures.all().iter().map(registered).collect();
    let listed = |figure: &Figure| {
        let labels = figure.labels.iter().map(|label| (*label).to_owned());
        let told = [figure.name, kind(figure), unit(figure), figure.help].map(str::to_owned);
        (told, labels.collect::<BTreeSet<_>>())
    };
    assert_eq!(registered, FIGURES.iter().map(listed).collect());
}

fn registered(told: &Told) -> ([String; 4], BTreeSet<String>) {
    let kind = match told.value {
        Value::Counter(_) => "counter",
        Value::Gauge(_) => "gauge",
        Value::Histogram(_) => "histogram",
    };
    let told_ = [&told.name, kind, &told.unit, &told.help].map(str::to_owned);
    (told_, told.labels.keys().cloned().collect())
}

#[tokio::test]
async fn the_spans_have_the_fields_of_the_table() {
    let spans = Spans::default();
    let _subscribed = spans.subscribe();
    everything().await;
    let seen: BTreeSet<_> = spans
        .all()
        .into_iter()
        .filter(|span| span.name.starts_with("asynx"))
        .map(|span| (span.name.to_owned(), span.declared.join(", ")))
        .collect();
    let listed = rows("asynx.").into_iter().map(|row| (row[0].clone(), row[3].clone()));
    assert_eq!(seen, listed.collect());
}

/// The names that begin with `asynx_` in a query, each with what follows it.
fn names(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    query.match_indices("asynx_").map(move |(at, _)| {
        let rest = &query[at..];
        rest.split_at(rest.find(|c| !is_part(c)).unwrap_or(rest.len()))
    })
}

/// The figure that Prometheus has under a name, given how `metrics-exporter-prometheus` writes histograms with buckets.
fn figure(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| match figure.kind {
        Kind::Histogram => ["_bucket", "_sum", "_count"]
            .iter()
            .any(|suffix| name.strip_suffix(suffix) == Some(figure.name)),
        Kind::Counter | Kind::Gauge => name == figure.name,
    })
}

fn texts<'a>(json: &'a Json, key: &str, found: &mut Vec<&'a str>) {
    match json {
        Json::Object(members) => {
            for (name, value) in members {
                if let (true, Some(text)) = (name == key, value.as_str()) {
                    found.push(text);
                }
                texts(value, key, found);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| texts(item, key, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_shows_every_figure_and_no_other() {
    let dashboard: Json = serde_json::from_str(DASHBOARD).unwrap();
    let mut queries = Vec::new();
    texts(&dashboard, "expr", &mut queries);
    texts(&dashboard, "query", &mut queries);
    let mut shown = BTreeSet::new();
    for query in queries {
        for (name, rest) in names(query) {
            let figure = figure(name).unwrap_or_else(|| panic!("there is no {name}: {query}"));
            shown.insert(figure.name);
            let selected = rest.strip_prefix('{').and_then(|rest| rest.split_once('='));
            if let Some((label, _)) = selected {
                assert!(figure.labels.contains(&label), "{name} has no label {label}: {query}");
            }
            for by in query.split("by (").skip(1) {
                let grouped = by.split(')').next().unwrap().split(", ");
                for label in grouped.filter(|label| *label != "le") {
                    assert!(figure.labels.contains(&label), "{name} has no label {label}: {query}");
                }
            }
        }
    }
    let all: BTreeSet<_> = FIGURES.iter().map(|figure| figure.name).collect();
    assert_eq!(shown, all);
}

#[test]
fn the_page_speaks_of_no_figure_that_there_is_not() {
    for (name, _) in names(PAGE) {
        assert!(FIGURES.iter().any(|figure| figure.name == name), "{name}");
    }
}
