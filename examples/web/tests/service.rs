//! The service as a process: what clients see over its whole life.

mod support;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Folder, Server, eventually, read};

fn order(customer: &str) -> Value {
    json!({"customer": customer, "lines": [{"article": "espresso", "quantity": 2}]})
}

async fn place(server: &Server, customer: &str) -> String {
    let (status, placed) = server.post("/orders", order(customer)).await;
    assert_eq!(status, 201, "{placed}");
    placed["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_order_goes_its_way_and_is_seen_as_it_was() {
    let folder = Folder::new();
    let server = Server::start(folder.path(), 0).await;
    let id = place(&server, "Ada").await;
    let line = json!({"article": "cups", "quantity": 1});
    assert_eq!(server.post(&format!("/orders/{id}/lines"), line).await.0, 200);
    let path = format!("/orders/{id}/lines/cups");
    let changed = server.send(Method::PUT, &path, &[], Some(json!({"quantity": 3}))).await;
    assert_eq!(changed.headers()["etag"], "\"3\"");
    assert_eq!(read(changed).await.1["total_cents"], 2 * 2450 + 3 * 1800);
    assert_eq!(server.post(&format!("/orders/{id}/confirm"), Value::Null).await.0, 200);
    let (status, shipped) = server.post(&format!("/orders/{id}/ship"), Value::Null).await;
    assert_eq!((status, &shipped["status"]), (200, &json!("shipped")));

    assert_eq!(server.get(&format!("/orders/{id}")).await, (200, shipped.clone()));
    let (_, history) = server.get(&format!("/orders/{id}/history")).await;
    let names: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "OrderPlaced",
            "LineAdded",
            "QuantityChanged",
            "OrderConfirmed",
            "OrderShipped"
        ]
    );
    let (_, past) = server.get(&format!("/orders/{id}/versions/2")).await;
    assert_eq!(past["order"]["lines"][1]["quantity"], 1);
    assert_eq!(past["patch"][0]["path"], "/lines/1");
    eventually(async || server.get("/orders").await.1["orders"] == json!([shipped])).await;
}

#[tokio::test]
async fn the_stream_resumes_over_crashes_with_nothing_lost_and_nothing_twice() {
    let folder = Folder::new();
    let mut server = Server::start(folder.path(), 0).await;
    let port = server.port();
    let mut told = Vec::new();
    let mut placed = 0;
    for _ in 0..3 {
        let last = told.last().map(|told: &support::Told| told.id.clone());
        let mut events = server.events(last.as_deref()).await;
        for _ in 0..6 {
            place(&server, "Ada").await;
            placed += 1;
        }
        // It breaks in the middle: some events have come, the others are to come after the restart.
        told.extend(events.take(4).await);
        server.kill();
        // What the connection still held has come as well.
        while let Some(event) = events.next().await {
            told.push(event);
        }
        server = Server::start(folder.path(), port).await;
        // And some happen while nobody listens.
        place(&server, "Ben").await;
        placed += 1;
    }
    let last = told.last().unwrap().id.clone();
    let rest = placed - told.len();
    told.extend(server.events(Some(&last)).await.take(rest).await);

    let all = server.events(None).await.take(placed).await;
    assert_eq!(told, all);
    let mut ids: Vec<_> = all.iter().map(|told| &told.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), placed);
}

#[tokio::test]
async fn a_key_is_known_after_a_restart() {
    let folder = Folder::new();
    let server = Server::start(folder.path(), 0).await;
    let key = [("idempotency-key", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"")];
    let first = read(server.send(Method::POST, "/orders", &key, Some(order("Ada"))).await).await;
    assert_eq!(first.0, 201);
    server.kill();
    let server = Server::start(folder.path(), 0).await;
    let again = read(server.send(Method::POST, "/orders", &key, Some(order("Ada"))).await).await;
    assert_eq!(again, first);
    let (_, history) = server
        .get(&format!("/orders/{}/history", first.1["id"].as_str().unwrap()))
        .await;
    assert_eq!(history.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn sigterm_ends_streams_and_then_the_service() {
    let folder = Folder::new();
    let mut server = Server::start(folder.path(), 0).await;
    let mut events = server.events(None).await;
    place(&server, "Ada").await;
    events.take(1).await;
    server.terminate();
    assert_eq!(events.next().await, None);
    assert!(server.ended().await.success());
    assert!(server.try_send(Method::GET, "/health/live", &[], None).await.is_err());
}

#[tokio::test]
async fn two_services_on_one_database_see_each_other() {
    let folder = Folder::new();
    let one = Server::start(folder.path(), 0).await;
    let other = Server::start(folder.path(), 0).await;
    let mut events = other.events(None).await;
    let id = place(&one, "Ada").await;
    assert_eq!(events.take(1).await[0].order, id);
    assert_eq!(other.post(&format!("/orders/{id}/confirm"), Value::Null).await.0, 200);
    assert_eq!(one.post(&format!("/orders/{id}/ship"), Value::Null).await.0, 200);
    eventually(async || one.get("/orders").await.1["orders"][0]["status"] == "shipped").await;
}
