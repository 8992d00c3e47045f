//! Types that change: upcasters on every way out of the store, and two versions of a type side by side.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::borrow::Cow;

use asynx::store::MemoryStore;
use asynx::upcast::{Chain, Json, Operation, Patch, Upcaster, add_default, rename};
use asynx::{Aggregate, Asynx, Command, Error, Event, EventName, Store, Version};
use common::soon;
use futures::StreamExt;
use serde::{Deserialize, Serialize};

/// Replaces the state by what a function makes of it.
struct Edit<A>(fn(Option<&A>) -> A);

impl<A: Aggregate> Command<A> for Edit<A> {
    type Rejection = std::convert::Infallible;

    fn aggregate_id(&self) -> Cow<'_, str> {
        "O-1".into()
    }
    fn event_name(&self) -> Cow<'_, str> {
        "Edited".into()
    }
    fn validate(&self, _: Option<&A>) -> Result<(), Self::Rejection> {
        Ok(())
    }
    fn emit(&self, current: Option<&A>) -> A {
        (self.0)(current)
    }
}

async fn of<A: Aggregate>(store: &MemoryStore) -> Asynx<A> {
    Asynx::builder().store(store.clone()).build().await.unwrap()
}

async fn document(store: &MemoryStore) -> serde_json::Value {
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Raw(serde_json::Value);
    impl Aggregate for Raw {
        const CATEGORY: &'static str = "order";
    }
    let raw = of::<Raw>(store).await;
    soon(raw.get("O-1")).await.unwrap().0.clone()
}

mod old {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Order {
        pub(super) customer: String,
        pub(super) lines: Vec<Line>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Line {
        pub(super) sku: String,
        pub(super) count: u32,
    }

    impl Aggregate for Order {
        const CATEGORY: &'static str = "order";
    }
}

mod new {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Order {
        pub(super) customer: String,
        pub(super) lines: Vec<Line>,
        #[serde(default)]
        pub(super) note: String,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct Line {
        pub(super) sku: String,
        pub(super) count: u32,
        #[serde(default)]
        pub(super) gift: bool,
    }

    impl Aggregate for Order {
        const CATEGORY: &'static str = "order";
    }
}

/// In a rolling deployment, processes of both versions write the same streams: nobody's members are lost.
#[tokio::test]
async fn two_versions_of_a_type_write_one_stream() {
    let store = MemoryStore::new();
    let (old, new) = (of::<old::Order>(&store).await, of::<new::Order>(&store).await);
    soon(old.send(Edit(|_| old::Order {
        customer: "Ada".into(),
        lines: vec![
            old::Line {
                sku: "tea".into(),
                count: 1,
            },
            old::Line {
                sku: "cup".into(),
                count: 2,
            },
        ],
    })))
    .await
    .unwrap();
    // The new version sets a member of an element that the stored document does not have.
    soon(new.send(Edit(|order: Option<&new::Order>| {
        let mut order = order.unwrap().clone();
        order.lines[1].gift = true;
        order.note = "mind the step".into();
        order
    })))
    .await
    .unwrap();
    // The old version, which does not know them, changes what lies around them, and the element itself.
    soon(old.send(Edit(|order: Option<&old::Order>| {
        let mut order = order.unwrap().clone();
        order.lines.remove(0);
        order.lines[0].count = 7;
        order.lines.push(old::Line {
            sku: "pot".into(),
            count: 1,
        });
        order
    })))
    .await
    .unwrap();
    let seen = soon(new.get("O-1")).await.unwrap();
    assert_eq!(seen.note, "mind the step");
    assert_eq!(
        seen.lines,
        [
            new::Line {
                sku: "cup".into(),
                count: 7,
                gift: true
            },
            new::Line {
                sku: "pot".into(),
                count: 1,
                gift: false
            },
        ]
    );
    for _ in 0..3 {
        soon(new.send(Edit(|order: Option<&new::Order>| {
            let mut order = order.unwrap().clone();
            order.lines[0].gift = !order.lines[0].gift;
            order
        })))
        .await
        .unwrap();
        soon(old.send(Edit(|order: Option<&old::Order>| {
            let mut order = order.unwrap().clone();
            order.customer.push('!');
            order.lines.reverse();
            order
        })))
        .await
        .unwrap();
    }
    // Replayed from the first event, by both.
    let stored = document(&store).await;
    assert_eq!(
        soon(of::<new::Order>(&store).await.get("O-1")).await.unwrap().note,
        "mind the step"
    );
    assert_eq!(
        soon(of::<old::Order>(&store).await.get("O-1")).await.unwrap().customer,
        "Ada!!!"
    );
    let gifts = stored["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["gift"] == true)
        .count();
    assert_eq!((gifts, &stored["note"]), (2, &"mind the step".into()), "{stored}");
}

/// The same from a snapshot, which holds the document as it was folded and not as one version knows it.
#[tokio::test]
async fn a_snapshot_keeps_what_its_writer_does_not_know() {
    let store = MemoryStore::new();
    let new = of::<new::Order>(&store).await;
    soon(new.send(Edit(|_| new::Order {
        customer: "Ada".into(),
        lines: vec![],
        note: "mind the step".into(),
    })))
    .await
    .unwrap();
    let old = Asynx::<old::Order>::builder()
        .store(store.clone())
        .snapshot_every(std::num::NonZeroUsize::MIN)
        .build()
        .await
        .unwrap();
    soon(old.send(Edit(|order: Option<&old::Order>| old::Order {
        customer: "Bob".into(),
        ..order.unwrap().clone()
    })))
    .await
    .unwrap();
    soon(old.shutdown(std::time::Duration::from_secs(5))).await.unwrap();
    let stream = asynx::StreamId::parse("order", "O-1").unwrap();
    let snapshots = store.snapshots().unwrap();
    let snapshot = snapshots
        .get(&stream, asynx::SchemaVersion::FIRST)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(snapshot.version.get(), 2);
    assert_eq!(
        soon(of::<new::Order>(&store).await.get("O-1")).await.unwrap().note,
        "mind the step"
    );
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Shape1 {
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Shape3 {
    customer: String,
    status: String,
}

impl Aggregate for Shape1 {
    const CATEGORY: &'static str = "shape";
}

impl Aggregate for Shape3 {
    const CATEGORY: &'static str = "shape";
}

fn chain() -> Chain {
    Chain::builder(3)
        .step(1, rename("/name", "customer"))
        .step(2, add_default("/status", "pending"))
        // Registered ahead: unused until the current schema is 4.
        .step(3, rename("/customer", "client"))
        .build()
        .unwrap()
}

async fn written_by_schema_1() -> MemoryStore {
    let store = MemoryStore::new();
    let first = of::<Shape1>(&store).await;
    soon(first.send(Edit(|_| Shape1 { name: "Ada".into() }))).await.unwrap();
    soon(first.send(Edit(|_| Shape1 { name: "Bob".into() }))).await.unwrap();
    store
}

#[tokio::test]
async fn old_events_are_brought_to_the_current_schema_on_every_way_out() {
    let store = written_by_schema_1().await;
    let third = Asynx::<Shape3>::builder()
        .store(store.clone())
        .upcast(chain())
        .build()
        .await
        .unwrap();
    let bob = Shape3 {
        customer: "Bob".into(),
        status: "pending".into(),
    };
    assert_eq!(*soon(third.get("O-1")).await.unwrap(), bob, "load");
    assert_eq!(
        soon(third.get_at("O-1", Version::FIRST)).await.unwrap().customer,
        "Ada",
        "get_at"
    );
    let events: Vec<Event<Shape3>> = soon(third.history("O-1").map(Result::unwrap).collect()).await;
    assert_eq!(events[1].previous.as_ref().unwrap().status, "pending", "history");
    assert_eq!(
        events[1].schema_version.get(),
        1,
        "the event says what it was written with"
    );
    let seen = std::sync::Mutex::new(0);
    soon(third.replay("O-1", .., |event| {
        assert_eq!(event.aggregate.status, "pending");
        *seen.lock().unwrap() += 1;
        async {}
    }))
    .await
    .unwrap();
    assert_eq!(*seen.lock().unwrap(), 2, "replay");
    let event = soon(third.send(Edit(|shape: Option<&Shape3>| Shape3 {
        status: "paid".into(),
        ..shape.unwrap().clone()
    })))
    .await
    .unwrap();
    assert_eq!(event.schema_version.get(), 3);
    assert_eq!(
        event.patch_json(),
        r#"[{"op":"replace","path":"/status","value":"paid"}]"#
    );
    // And once more, from both kinds of events.
    let cold = Asynx::<Shape3>::builder()
        .store(store.clone())
        .upcast(chain())
        .build()
        .await
        .unwrap();
    assert_eq!(soon(cold.get("O-1")).await.unwrap().status, "paid");
    // An old process that meets a newer event says so and writes nothing.
    let first = of::<Shape1>(&store).await;
    let refused = soon(first.send(Edit(|_| Shape1 { name: "Eve".into() })))
        .await
        .unwrap_err();
    assert!(
        matches!(refused.failure(), Some(Error::SchemaNewer { .. })),
        "{refused}"
    );
}

#[tokio::test]
async fn a_forget_that_was_begun_by_an_older_schema_is_resumed() {
    let store = written_by_schema_1().await;
    let first = Asynx::<Shape1>::builder()
        .store(store.clone())
        .on_forget(|_| async { Err::<(), _>("not now") })
        .build()
        .await
        .unwrap();
    soon(first.forget("O-1")).await.unwrap_err();
    drop(first);
    let third = Asynx::<Shape3>::builder()
        .store(store.clone())
        .upcast(chain())
        .resume_forgets()
        .build()
        .await
        .unwrap();
    let stream = asynx::StreamId::parse("shape", "O-1").unwrap();
    soon(async {
        while !store.read_from(&stream, Version::FIRST).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!soon(third.exists("O-1")).await.unwrap());
}

#[test]
fn a_gap_in_the_chain_is_an_error_at_build() {
    let gap = Chain::builder(3).step(2, rename("/a", "b")).build();
    assert!(gap.unwrap_err().to_string().contains('1'));
}

#[tokio::test]
async fn an_upcaster_may_be_a_closure() {
    let store = written_by_schema_1().await;
    let shout = |_: &EventName, patch: Patch| {
        let operations = patch.0.into_iter().map(|mut operation| {
            if let Some(Json::Object(object)) = operation.value_mut()
                && let Some(name) = object.remove("name")
            {
                object.insert("customer", name);
                object.insert("status", Json::from("closure"));
            }
            match operation {
                Operation::Replace { path, value } if path.as_str() == "/name" => Operation::Replace {
                    path: path.parent().unwrap().child("customer"),
                    value,
                },
                other => other,
            }
        });
        Ok::<_, std::convert::Infallible>(Patch(operations.collect()))
    };
    let chain = Chain::builder(2).step(1, shout.only(["Edited"])).build().unwrap();
    let second = Asynx::<Shape3>::builder()
        .store(store)
        .upcast(chain)
        .build()
        .await
        .unwrap();
    let shape = soon(second.get("O-1")).await.unwrap();
    assert_eq!((shape.customer.as_str(), shape.status.as_str()), ("Bob", "closure"));
}
