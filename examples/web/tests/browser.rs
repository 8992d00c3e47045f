//! The page in a real browser: it is live, it shows the past, and it misses nothing when the service is restarted.

mod support;
#[path = "support/browser.rs"]
mod window;

use std::net::Ipv4Addr;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::support::{Folder, PATIENCE, Server, Told, eventually};
use crate::window::Browser;

/// Keys, as WebDriver spells them.
const LEFT: &str = "\u{e012}";
const HOME: &str = "\u{e011}";

/// Stands in for the service, as a proxy does before one that is down, until the stream was asked for and refused. To a
/// browser that is an end, not a break: the page has to come back by itself.
async fn refuse_for_a_while(port: u16) {
    const ANSWER: &str =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let refusing = async {
        let mut refused = false;
        while !refused {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 4096];
            // A browser may connect ahead of time, and ask nothing.
            let asking = timeout(Duration::from_secs(1), stream.read(&mut asked));
            let Ok(Ok(length)) = asking.await else { continue };
            refused = asked[..length].starts_with(b"GET /events");
            let _ = stream.write_all(ANSWER.as_bytes()).await;
        }
    };
    timeout(PATIENCE, refusing).await.expect("the page asks for the stream");
}

/// What the page has been told of, oldest first.
async fn feed(browser: &Browser) -> Vec<Told> {
    let script = "return [...document.querySelectorAll('#feed li')].reverse()
        .map(({ dataset }) => [dataset.position, dataset.order, Number(dataset.version)])";
    let told: Vec<(String, String, u64)> = serde_json::from_value(browser.run(script).await).unwrap();
    told.into_iter()
        .map(|(id, order, version)| Told { id, order, version })
        .collect()
}

#[tokio::test]
async fn an_order_is_placed_moves_and_is_seen_as_it_was_over_a_restart() {
    let folder = Folder::new();
    let mut server = Server::start(folder.path(), 0).await;
    let browser = Browser::open(&server.url).await;
    browser.shows("#connection", "live").await;
    browser.run("window.loadedOnce = true").await;

    // It is placed here ...
    browser.type_into("#place [name=customer]", "Ada Lovelace").await;
    browser.click("#place button").await;
    browser.shows("#order-customer", "Ada Lovelace").await;
    browser.shows("#order-status", "open").await;
    let id = browser.text("#order-title").await;

    // ... and changed by somebody else, which shows by itself.
    let line = json!({"article": "cups", "quantity": 1});
    assert_eq!(server.post(&format!("/orders/{id}/lines"), line).await.0, 200);
    let path = format!("/orders/{id}/lines/cups");
    let changed = server.send(Method::PUT, &path, &[], Some(json!({"quantity": 3}))).await;
    assert_eq!(changed.status(), 200);
    browser.shows("#total", "€78.50").await;
    browser.picture("web-open.png", 1280, "light").await;
    // A button that is pressed keeps the keyboard, though the page draws the lines anew.
    browser.type_into("[aria-label='One more of Two cups']", " ").await;
    browser.shows("#total", "€96.50").await;
    let focused = browser.run("return document.activeElement.ariaLabel").await;
    assert_eq!(focused, json!("One more of Two cups"));
    assert_eq!(server.post(&format!("/orders/{id}/confirm"), Value::Null).await.0, 200);
    browser.shows("#order-status", "confirmed").await;
    browser.click("#ship").await;
    browser.shows("#order-status", "shipped").await;
    browser.shows("#event-name", "Order shipped").await;
    browser.shows("#event-version", "version 6 of 6").await;

    // Its history, by the keys of the slider and by the buttons beside it.
    browser.type_into("#version", HOME).await;
    browser.shows("#event-name", "Order placed").await;
    assert!(browser.text("#patch").await.contains("(the whole order)"));
    assert!(!browser.text("#state").await.contains("cups"));
    browser.click("#later").await;
    browser.shows("#event-name", "Line added").await;
    assert!(browser.text("#patch").await.contains("/lines/1"));
    assert!(browser.text("#state").await.contains("\"quantity\": 1"));
    browser.click("#later").await;
    browser.shows("#event-name", "Quantity changed").await;
    assert!(browser.text("#state").await.contains("\"quantity\": 3"));
    browser.type_into("#version", LEFT).await;
    browser.shows("#event-version", "version 2 of 6").await;

    // What would be refused is not offered.
    assert_eq!(
        browser.run("return document.getElementById('actions').hidden").await,
        json!(true)
    );

    // More orders, so that there is something to see.
    for (customer, article) in [
        ("Grace Hopper", "grinder"),
        ("Alan Turing", "filter"),
        ("Edsger Dijkstra", "decaf"),
    ] {
        let order = json!({"customer": customer, "lines": [{"article": article, "quantity": 1}]});
        assert_eq!(server.post("/orders", order).await.0, 201);
    }
    eventually(async || feed(&browser).await.len() == 9).await;
    // For people to look at; each is as wide as its screen at most.
    browser.picture("web-dark.png", 1280, "dark").await;
    browser.picture("web-narrow.png", 400, "light").await;
    browser.picture("web-light.png", 1280, "light").await;

    // The service dies. A command that is given meanwhile is sent again until it is answered, and carried out once.
    browser.click("#orders [data-order]:not([aria-current=true])").await;
    let other = browser.text("#order-title").await;
    assert_ne!(other, id);
    let port = server.port();
    server.kill();
    browser.shows("#connection", "connecting").await;
    browser.click("#confirm").await;
    refuse_for_a_while(port).await;
    server = Server::start(folder.path(), port).await;
    let order = json!({"customer": "Barbara Liskov", "lines": [{"article": "cups", "quantity": 2}]});
    assert_eq!(server.post("/orders", order).await.0, 201);
    browser.shows("#connection", "live").await;
    browser.shows("#order-status", "confirmed").await;
    browser.shows("#count", "(5)").await;

    // Nothing is lost, nothing comes twice, and it is the same page still.
    let all = server.events(None).await.take(11).await;
    eventually(async || feed(&browser).await.len() >= all.len()).await;
    assert_eq!(feed(&browser).await, all);
    let (_, history) = server.get(&format!("/orders/{other}/history")).await;
    assert_eq!(history.as_array().unwrap().len(), 2);
    assert_eq!(browser.run("return window.loadedOnce").await, json!(true));

    // What is forgotten goes from the page, too.
    let forgotten = server
        .send(Method::DELETE, &format!("/orders/{other}"), &[], None)
        .await;
    assert_eq!(forgotten.status(), 204);
    browser.shows("#count", "(4)").await;
    assert_eq!(
        browser.run("return document.getElementById('order').hidden").await,
        json!(true)
    );
    assert!(feed(&browser).await.iter().all(|told| told.order != other));
    browser.close().await;
}
