use async_nats::{Client, HeaderMap};
use asynx::Store;
use bench_workload::{Action, System as _};
use bytes::Bytes;
use serde_json::json;

use crate::orders::{Orders, open};

/// As long as the ids of the clients.
const ID: &str = "ORD-0000-0000001";
/// What the server adds when it gives a message.
const ADDED: [&str; 5] = [
    "Nats-Stream",
    "Nats-Subject",
    "Nats-Sequence",
    "Nats-Time-Stamp",
    "Nats-Num-Pending",
];
pub(super) const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
pub(super) const NEAR: &str = "Asynx-Near";

/// A message that asynx stored.
pub(super) struct Recorded {
    pub(super) headers: HeaderMap,
    pub(super) payload: Bytes,
}

/// What comes before the id in a subject, and the messages of an order of so many events, just as asynx published them.
pub(super) async fn recorded(store: impl Store, client: &Client, events: u64) -> (String, Vec<Recorded>) {
    let orders = Orders(open(store).await);
    for event in 0..events {
        orders.send(ID, Action::at(event)).await;
    }
    let (mut prefix, mut all, mut seq) = (String::new(), Vec::new(), 0_u64);
    while all.len() < events as usize {
        seq += 1;
        let question = json!({ "seq": seq }).to_string();
        let answer = client
            .request("$JS.API.DIRECT.GET.asynx", question.into())
            .await
            .unwrap();
        let given = answer.headers.unwrap();
        let subject = given.get("Nats-Subject").unwrap().as_str();
        let Some(before) = subject.strip_suffix(ID) else {
            // The anchor.
            continue;
        };
        before.clone_into(&mut prefix);
        let mut headers = HeaderMap::new();
        for (name, values) in given.iter() {
            if !ADDED.contains(&name.to_string().as_str()) {
                headers.insert(name.clone(), values[0].clone());
            }
        }
        assert!(headers.get(EXPECTED).is_some(), "{headers:?}");
        let payload = answer.payload;
        all.push(Recorded { headers, payload });
    }
    (prefix, all)
}
