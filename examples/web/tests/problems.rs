//! Each error that a client can get, from the service itself: no socket, and a store that fails on purpose.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use asynx::Options;
use asynx::runtime::TokioRuntime;
use asynx::store::MemoryStore;
use asynx_testkit::faults::{Fault, FaultPlan, Faults, FaultyStore, Rule};
use asynx_testkit::layers::Call;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use futures::future::join_all;
use serde_json::{Value, json};
use tower::ServiceExt;
use web::{App, router};

struct Service {
    app: App,
    faults: Faults,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Service {
    async fn start() -> Self {
        Self::start_with(App::options()).await
    }

    async fn start_with(mut options: Options) -> Self {
        let runtime = Arc::new(TokioRuntime::current().unwrap());
        let store = FaultyStore::new(MemoryStore::new(), FaultPlan::seeded(1), runtime);
        let faults = store.faults();
        options.store_timeout = Duration::from_millis(200);
        options.settle_for = Duration::from_millis(200);
        Self {
            app: App::start(store, options).await.unwrap(),
            faults,
        }
    }

    async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    /// Places an order and gives its path.
    async fn placed(&self) -> String {
        let placed = self.ask("POST /orders", &[], ORDER).await;
        assert_eq!(placed.status, 201, "{}", placed.body);
        placed.headers["location"].to_str().unwrap().to_owned()
    }

    fn appends(&self, fault: Fault) {
        let rule = Rule::always(fault).on([Call::Append, Call::AppendBatch]);
        self.faults.replace(FaultPlan::seeded(1).with(rule));
    }
}

impl Answer {
    fn is(&self, status: u16, kind: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["type"], format!("/problems#{kind}"));
        assert_eq!(self.body["status"], status);
        for member in ["title", "detail"] {
            assert!(
                self.body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{}",
                self.body
            );
        }
    }

    fn invites_to_repeat(&self) -> bool {
        self.headers.contains_key("retry-after")
    }
}

const ORDER: &str = r#"{"customer": "Ada", "lines": [{"article": "espresso", "quantity": 2}]}"#;

#[tokio::test]
async fn what_is_not_there() {
    let service = Service::start().await;
    let order = service.placed().await;
    for line in [
        "GET /nothing",
        "GET /orders/ORD-0",
        "GET /orders/ORD-0/history",
        "GET /orders/ORD-0/versions/1",
        "POST /orders/ORD-0/confirm",
        &format!("GET {order}/versions/2"),
        &format!("GET {order}/versions/zero"),
    ] {
        service.ask(line, &[], "").await.is(404, "not-found");
    }
    let no_line = service
        .ask(&format!("PUT {order}/lines/cups"), &[], r#"{"quantity": 1}"#)
        .await;
    no_line.is(404, "not-found");
    service.ask("DELETE /orders", &[], "").await.is(405, "method");
}

#[tokio::test]
async fn what_cannot_be_understood() {
    let service = Service::start().await;
    service.ask("POST /orders", &[], "{").await.is(400, "malformed");
    service
        .ask("POST /orders", &[("idempotency-key", "\"\"")], ORDER)
        .await
        .is(400, "malformed");
    let long = "k".repeat(256);
    service
        .ask("POST /orders", &[("idempotency-key", &long)], ORDER)
        .await
        .is(400, "malformed");
    service
        .ask("POST /orders", &[("if-match", "\"new\"")], ORDER)
        .await
        .is(400, "malformed");
    for line in [
        "GET /events?after=now",
        "GET /events?after=0-0-1&after=0-0-2",
        "GET /orders/%FF",
        "POST /orders/%FF/ship",
    ] {
        service.ask(line, &[], "").await.is(400, "malformed");
    }
    let order = service.placed().await;
    service
        .ask(&format!("POST {order}/lines"), &[], "")
        .await
        .is(415, "media-type");
    let large = format!("\"{}\"", " ".repeat(3 << 20));
    service.ask("POST /orders", &[], &large).await.is(413, "too-large");
}

#[tokio::test]
async fn what_the_domain_refuses() {
    let service = Service::start().await;
    for body in [
        r#"{"customer": " ", "lines": [{"article": "espresso", "quantity": 2}]}"#,
        r#"{"customer": "Ada", "lines": []}"#,
        r#"{"customer": "Ada", "lines": [{"article": "espresso", "quantity": 0}]}"#,
        r#"{"customer": "Ada", "lines": [{"article": "tea", "quantity": 1}]}"#,
        r#"{"customer": "Ada", "lines": [{"article": "cups"}]}"#,
        r#"{"customer": "Ada", "lines": [], "paid": true}"#,
    ] {
        service.ask("POST /orders", &[], body).await.is(422, "invalid");
    }
    let order = service.placed().await;
    let early = service.ask(&format!("POST {order}/ship"), &[], "").await;
    early.is(409, "refused");
    assert_eq!(
        early.body["detail"],
        "the order is open; that can be done only while it is confirmed"
    );
    assert_eq!(early.body["applied"], "no");
    assert!(!early.invites_to_repeat());
    let twice = service
        .ask(
            &format!("POST {order}/lines"),
            &[],
            r#"{"article": "espresso", "quantity": 1}"#,
        )
        .await;
    twice.is(409, "refused");
}

#[tokio::test]
async fn an_order_that_has_changed_meanwhile() {
    let service = Service::start().await;
    let order = service.placed().await;
    let seen = service.ask(&format!("GET {order}"), &[], "").await;
    let tag = seen.headers["etag"].to_str().unwrap().to_owned();
    let confirm = format!("POST {order}/confirm");
    assert_eq!(service.ask(&confirm, &[("if-match", &tag)], "").await.status, 200);
    service
        .ask(&format!("POST {order}/cancel"), &[("if-match", &tag)], "")
        .await
        .is(412, "changed");
}

#[tokio::test]
async fn a_key_makes_repeating_safe_and_stands_for_one_request() {
    let service = Service::start().await;
    let key = [("idempotency-key", "one")];
    let placed = service.ask("POST /orders", &key, ORDER).await;
    let again = service.ask("POST /orders", &key, ORDER).await;
    assert_eq!((again.status, &again.body), (201, &placed.body));
    let other = ORDER.replace("Ada", "Ben");
    service.ask("POST /orders", &key, &other).await.is(422, "key-reused");

    let order = placed.headers["location"].to_str().unwrap();
    let key = [("idempotency-key", "two"), ("if-match", "\"1\"")];
    let line = format!("PUT {order}/lines/espresso");
    let changed = service.ask(&line, &key, r#"{"quantity": 7}"#).await;
    assert_eq!(service.ask(&format!("POST {order}/confirm"), &[], "").await.status, 200);
    // Neither the rule that a confirmed order stays as it is, nor the version, stands against what was done already.
    let again = service.ask(&line, &key, r#"{"quantity": 7}"#).await;
    assert_eq!((again.status, &again.body), (200, &changed.body));
    service
        .ask(&line, &key, r#"{"quantity": 8}"#)
        .await
        .is(422, "key-reused");
    service
        .ask(&format!("POST {order}/ship"), &key, "")
        .await
        .is(422, "key-reused");
}

#[tokio::test]
async fn others_who_always_write_first() {
    let service = Service::start().await;
    let order = service.placed().await;
    service.appends(Fault::Conflict);
    let lost = service.ask(&format!("POST {order}/confirm"), &[], "").await;
    lost.is(409, "conflict");
    assert_eq!(lost.body["applied"], "no");
    assert!(lost.invites_to_repeat());
}

#[tokio::test]
async fn a_store_that_is_down() {
    let service = Service::start().await;
    let order = service.placed().await;
    service.appends(Fault::FailBefore);
    let down = service.ask(&format!("POST {order}/confirm"), &[], "").await;
    down.is(503, "unavailable");
    assert_eq!(down.body["applied"], "no");
    assert!(down.invites_to_repeat());
    service.appends(Fault::Refuse);
    let broken = service.ask(&format!("POST {order}/confirm"), &[], "").await;
    broken.is(500, "failed");
    assert!(!broken.invites_to_repeat());
}

/// Whether to repeat depends on the key: without one it might be done twice.
#[tokio::test]
async fn an_outcome_that_nobody_knows() {
    let service = Service::start().await;
    let (keyed, plain) = (service.placed().await, service.placed().await);
    service.appends(Fault::Hold);
    let unknown = service.ask(&format!("POST {plain}/confirm"), &[], "").await;
    unknown.is(500, "unknown-outcome");
    assert_eq!(unknown.body["applied"], "unknown");
    assert!(!unknown.invites_to_repeat());

    let (confirm, key) = (format!("POST {keyed}/confirm"), [("idempotency-key", "once")]);
    let unknown = service.ask(&confirm, &key, "").await;
    unknown.is(503, "unknown-outcome");
    assert_eq!(unknown.body["applied"], "unknown");
    assert!(unknown.invites_to_repeat());
    service.faults.heal();
    let known = service.ask(&confirm, &key, "").await;
    assert_eq!((known.status, &known.body["status"]), (200, &json!("confirmed")));
    assert_eq!(known.body["version"], 2);
}

#[tokio::test]
async fn what_was_forgotten() {
    let service = Service::start().await;
    let order = service.placed().await;
    let (confirm, key) = (format!("POST {order}/confirm"), [("idempotency-key", "once")]);
    assert_eq!(service.ask(&confirm, &key, "").await.status, 200);
    assert_eq!(service.ask(&format!("DELETE {order}"), &[], "").await.status, 204);
    service.ask(&format!("GET {order}"), &[], "").await.is(404, "not-found");
    service
        .ask(&format!("DELETE {order}"), &[], "")
        .await
        .is(404, "not-found");
    let again = service.ask(&confirm, &key, "").await;
    again.is(410, "forgotten");
    assert_eq!(again.body["applied"], "yes");
}

#[tokio::test]
async fn more_than_can_wait() {
    let mut options = App::options();
    (options.shards, options.queue_depth) = (NonZeroUsize::MIN, Some(NonZeroUsize::MIN));
    let service = Service::start_with(options).await;
    service.appends(Fault::Slow(Duration::from_millis(100)));
    let answers = join_all((0..5).map(|_| service.ask("POST /orders", &[], ORDER))).await;
    let (placed, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert!(!placed.is_empty() && !others.is_empty());
    for full in others {
        full.is(503, "unavailable");
        assert!(full.invites_to_repeat());
    }
}

#[tokio::test]
async fn a_position_of_another_log() {
    let service = Service::start().await;
    service.ask("GET /events?after=9-9-9", &[], "").await.is(409, "stale");
}

#[tokio::test]
async fn a_service_that_is_not_ready() {
    let service = Service::start().await;
    assert_eq!(service.ask("GET /health/ready", &[], "").await.status, 200);
    let rule = Rule::always(Fault::FailBefore).on([Call::LogRead]);
    service.faults.replace(FaultPlan::seeded(1).with(rule));
    service.ask("GET /health/ready", &[], "").await.is(503, "unavailable");
    assert_eq!(service.ask("GET /health/live", &[], "").await.status, 200);
    service.faults.heal();
    assert_eq!(service.ask("GET /health/ready", &[], "").await.status, 200);
    service.app.stop();
    service.ask("GET /health/ready", &[], "").await.is(503, "unavailable");
    service.app.finish(Duration::from_secs(5)).await.unwrap();
    service.ask("POST /orders", &[], ORDER).await.is(503, "unavailable");
}

/// What the types lead to.
#[tokio::test]
async fn every_type_is_listed() {
    let service = Service::start().await;
    let request = Request::get("/problems").body(Body::empty()).unwrap();
    let response = router(service.app.clone()).oneshot(request).await.unwrap();
    let listed = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let listed = String::from_utf8(listed.to_vec()).unwrap();
    assert!(listed.contains("unknown-outcome"), "{listed}");
}
