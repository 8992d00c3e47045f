//! Bad states and bad user code: a clear error each, and nobody else is harmed.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use asynx_core::bus::Hooks;
use asynx_core::{Aggregate, Applied, Command, Error, Stage, Version};
use asynx_processor::{Options, Parts, Processor, StartError};
use asynx_runtime::TokioRuntime;
use asynx_store_memory::MemoryStore;
use common::{Order, Recorder, create, failure, one_shard, soon, start, start_with};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Odd {
    ratio: f64,
    keyed: BTreeMap<String, Nested>,
    text: String,
    #[serde(default, serialize_with = "as_text")]
    unlike: u32,
}

impl Aggregate for Odd {
    const CATEGORY: &'static str = "odd";
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Nested(Vec<Nested>);

fn as_text<S: serde::Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        0 => serializer.serialize_u32(0),
        13 => panic!("thirteen"),
        number => serializer.serialize_str(&number.to_string()),
    }
}

struct Set(Odd);

impl Command<Odd> for Set {
    type Rejection = std::convert::Infallible;

    fn aggregate_id(&self) -> Cow<'_, str> {
        "O-1".into()
    }
    fn event_name(&self) -> Cow<'_, str> {
        "OddSet".into()
    }
    fn validate(&self, _: Option<&Odd>) -> Result<(), Self::Rejection> {
        Ok(())
    }
    fn emit(&self, _: Option<&Odd>) -> Odd {
        self.0.clone()
    }
}

async fn odd(options: Options) -> Processor<Odd> {
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    Processor::start(Parts {
        store: Arc::new(MemoryStore::new()),
        snapshots: None,
        bus: Arc::new(Recorder::default()),
        runtime,
        upcast: Arc::new(asynx_core::NoUpcast),
        hooks: Hooks::default(),
        options,
        resume_forgets: false,
    })
    .await
    .unwrap()
}

fn plain() -> Odd {
    Odd {
        ratio: 0.5,
        keyed: BTreeMap::new(),
        text: String::new(),
        unlike: 0,
    }
}

#[tokio::test]
async fn a_state_that_json_cannot_carry_is_refused_with_its_path() {
    let mut options = Options::default();
    options.max_record_bytes = 10_000;
    let odds = odd(options).await;
    let mut not_finite = plain();
    not_finite.ratio = f64::NAN;
    let mut deep = Nested::default();
    for _ in 0..200 {
        deep = Nested(vec![deep]);
    }
    let mut too_deep = plain();
    too_deep.keyed.insert("a/b".to_owned(), deep);
    let mut unlike = plain();
    unlike.unlike = 7;
    let mut large = plain();
    large.text = "x".repeat(10_000);
    let mut panicking = plain();
    panicking.unlike = 13;
    let refused = [
        (not_finite, "/ratio"),
        (too_deep, "/keyed/a~1b/0"),
        (unlike, "invalid type: string"),
        (large, "at most 10000 are allowed"),
        (panicking, "the aggregate's serialize panicked: thirteen"),
    ];
    for (state, wanted) in refused {
        let error = soon(odds.send(Set(state))).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert_eq!(error.applied(), Applied::No);
    }
    assert!(!odds.exists("O-1").await.unwrap());
    assert_eq!(soon(odds.send(Set(plain()))).await.unwrap().version, Version::FIRST);
}

#[tokio::test]
async fn strict_reads_every_event_back() {
    for (strict, refused) in [(false, false), (true, true)] {
        let mut options = Options::default();
        options.strict = strict;
        let odds = odd(options).await;
        soon(odds.send(Set(plain()))).await.unwrap();
        let mut unlike = plain();
        unlike.unlike = 7;
        assert_eq!(soon(odds.send(Set(unlike))).await.is_err(), refused);
    }
}

#[tokio::test]
async fn panics_of_commands_harm_nobody_else() {
    let (orders, _) = start_with(MemoryStore::new(), one_shard()).await;
    let mut validating = create("ORD-1");
    validating.validate = Box::new(|_| panic!("no {}", 1));
    let mut emitting = create("ORD-1");
    emitting.emit = Box::new(|_| std::panic::panic_any(7));
    let (validated, emitted, fine) = soon(futures::future::join3(
        orders.send(validating),
        orders.send(emitting),
        orders.send(create("ORD-2")),
    ))
    .await;
    let validated = failure(validated.unwrap_err());
    assert_eq!(
        validated.to_string(),
        "order/ORD-1: validate panicked: no 1; nothing was written"
    );
    assert!(matches!(
        failure(emitted.unwrap_err()),
        Error::Panicked { stage: Stage::Emit, .. }
    ));
    fine.unwrap();
    soon(orders.send(create("ORD-1"))).await.unwrap();
}

/// A command whose every part can panic, its destructor included.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 == "drop" {
            panic!("dropped");
        }
    }
}

impl Command<Order> for Bomb {
    type Rejection = std::fmt::Error;

    fn aggregate_id(&self) -> Cow<'_, str> {
        if self.0 == "id" {
            panic!("no id");
        }
        "ORD-1".into()
    }
    fn event_name(&self) -> Cow<'_, str> {
        "Bombed".into()
    }
    fn validate(&self, _: Option<&Order>) -> Result<(), Self::Rejection> {
        Err(std::fmt::Error)
    }
    fn emit(&self, current: Option<&Order>) -> Order {
        current.cloned().unwrap()
    }
}

#[tokio::test]
async fn panics_outside_validate_and_emit_are_survived() {
    let orders = start(MemoryStore::new()).await;
    let error = soon(orders.send(Bomb("id"))).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the command's description panicked: no id; nothing was written"
    );
    assert!(soon(orders.send(Bomb("drop"))).await.unwrap_err().rejection().is_some());
    drop(orders.send(Bomb("drop")));
    soon(orders.send(create("ORD-1"))).await.unwrap();
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Nameless;

impl Aggregate for Nameless {
    const CATEGORY: &'static str = "";
}

#[tokio::test]
async fn an_invalid_category_is_told_at_the_start() {
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    let started = Processor::<Nameless>::start(Parts {
        store: Arc::new(MemoryStore::new()),
        snapshots: None,
        bus: Arc::new(Recorder::default()),
        runtime,
        upcast: Arc::new(asynx_core::NoUpcast),
        hooks: Hooks::default(),
        options: Options::default(),
        resume_forgets: false,
    });
    assert!(matches!(started.await, Err(StartError::InvalidCategory(_))));
}
