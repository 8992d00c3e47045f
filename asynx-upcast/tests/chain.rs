//! Chains: what is refused when they are built, which steps run, and what becomes of upcasters that fail.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::convert::Infallible;
use std::error::Error;

use asynx_core::patch::{Operation, Patch, Pointer};
use asynx_core::{EventName, SchemaVersion, Upcast};
use asynx_upcast::{BoxError, Chain, ChainError, Unchanged, Upcaster, remove};

fn schema(number: u32) -> SchemaVersion {
    SchemaVersion::new(number).unwrap()
}

fn name(text: &str) -> EventName {
    EventName::parse_stored(text).unwrap()
}

/// Leaves its mark in the patch.
fn mark(text: &'static str) -> impl Upcaster {
    move |_: &EventName, mut patch: Patch| {
        patch.0.push(Operation::Remove {
            path: Pointer::root().child(text),
        });
        Ok::<_, Infallible>(patch)
    }
}

fn marks(patch: Patch) -> Vec<String> {
    patch.0.iter().map(|operation| operation.path().to_string()).collect()
}

#[test]
fn steps_run_in_order_from_the_schema_of_the_patch() {
    let chain = Chain::builder(4)
        .step(3, mark("3"))
        .step(schema(1), mark("1").then(mark("1b")))
        .step(2, mark("2"))
        .build()
        .unwrap();
    let run = |from| marks(chain.upcast(&name("A"), schema(from), Patch::default()).unwrap());
    assert_eq!(chain.current(), schema(4));
    assert_eq!(run(1), ["/1", "/1b", "/2", "/3"]);
    assert_eq!(run(3), ["/3"]);
    assert_eq!(run(4), [""; 0]);
}

#[test]
fn steps_beyond_the_current_schema_wait() {
    let chain = Chain::builder(2)
        .step(1, mark("1"))
        .step(2, mark("2"))
        .step(i32::MAX as u32, mark("last"))
        .build()
        .unwrap();
    let patch = chain.upcast(&name("A"), schema(1), Patch::default()).unwrap();
    assert_eq!(marks(patch), ["/1"]);
    assert_eq!(
        chain.registered().map(SchemaVersion::get).collect::<Vec<_>>(),
        [1, 2, i32::MAX as u32]
    );
}

#[test]
fn schema_1_needs_no_steps() {
    let chain = Chain::builder(SchemaVersion::FIRST).build().unwrap();
    assert_eq!(chain.current(), SchemaVersion::FIRST);
}

#[test]
fn a_gap_is_an_error_that_names_the_step() {
    let missing = |current, steps: &[u32]| {
        let builder = steps
            .iter()
            .fold(Chain::builder(current), |builder, &from| builder.step(from, Unchanged));
        match builder.build().unwrap_err() {
            ChainError::Missing { from, current } => (from.get(), current.get()),
            other => panic!("{other}"),
        }
    };
    assert_eq!(missing(2, &[]), (1, 2));
    assert_eq!(missing(3, &[2]), (1, 3));
    assert_eq!(missing(4, &[1, 3]), (2, 4));
    assert_eq!(missing(4, &[1, 2, 4]), (3, 4));
    let error = Chain::builder(3).step(1, Unchanged).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no upcaster from schema 2, and the current schema is 3: add `.step(2, ..)`, with \
         `Unchanged` if nothing is to be done"
    );
}

#[test]
fn two_upcasters_for_one_step_are_an_error() {
    let error = Chain::builder(1)
        .step(5, Unchanged)
        .step(5, Unchanged)
        .build()
        .unwrap_err();
    assert!(matches!(error, ChainError::Duplicate { from } if from == schema(5)));
}

#[test]
fn schema_0_is_an_error() {
    assert!(matches!(Chain::builder(0).build(), Err(ChainError::Current(_))));
    let error = Chain::builder(1).step(0, Unchanged).build().unwrap_err();
    assert!(matches!(error, ChainError::Step(_)));
    assert!(error.source().unwrap().to_string().contains("got 0"));
}

#[test]
fn a_wrapped_operation_is_checked_too_and_also_ahead_of_its_time() {
    let invalid = || remove("no pointer");
    let names = |error| match error {
        ChainError::Upcaster { from, source } => (from.get(), source.to_string()),
        other => panic!("{other}"),
    };
    for (from, builder) in [
        (1, Chain::builder(2).step(1, Unchanged.then(invalid()))),
        (1, Chain::builder(2).step(1, invalid().then(Unchanged))),
        (3, Chain::builder(1).step(3, invalid().only(["A"]))),
        (3, Chain::builder(1).step(3, invalid().only_if(|_| true))),
    ] {
        assert_eq!(
            names(builder.build().unwrap_err()),
            (from, r#""no pointer" is no JSON pointer"#.into())
        );
    }
}

#[test]
fn only_is_for_events_with_these_names() {
    let chain = Chain::builder(2)
        .step(
            1,
            mark("names")
                .only(["A", "B"])
                .then(mark("if").only_if(|name| name.as_str() < "B")),
        )
        .build()
        .unwrap();
    let run = |event| marks(chain.upcast(&name(event), schema(1), Patch::default()).unwrap());
    assert_eq!(run("A"), ["/names", "/if"]);
    assert_eq!(run("B"), ["/names"]);
    assert_eq!(run("Bc"), [""; 0]);
}

#[test]
fn only_refuses_names_that_no_event_has() {
    for names in [[""], ["asynx.forgotten"]] {
        let error = Chain::builder(2).step(1, Unchanged.only(names)).build().unwrap_err();
        assert!(matches!(error, ChainError::Upcaster { .. }), "{error}");
    }
}

#[test]
fn no_upcaster_sees_the_end_of_a_life() {
    let chain = Chain::builder(2).step(1, mark("1")).build().unwrap();
    let patch = chain.upcast(&EventName::tombstone(), schema(1), Patch::default());
    assert_eq!(patch.unwrap(), Patch::default());
}

#[test]
fn a_newer_patch_is_an_error() {
    let error = Chain::builder(1)
        .build()
        .unwrap()
        .upcast(&name("A"), schema(2), Patch::default())
        .unwrap_err();
    assert_eq!(error.from, schema(2));
}

#[derive(Debug, thiserror::Error)]
#[error("outer")]
struct Outer(#[source] Inner);

#[derive(Debug, thiserror::Error)]
#[error("inner")]
struct Inner;

#[test]
fn an_error_names_its_step_and_keeps_every_cause() {
    let chain = Chain::builder(3)
        .step(1, Unchanged)
        .step(2, |_: &EventName, _: Patch| Err::<Patch, _>(Outer(Inner)))
        .build()
        .unwrap();
    let error = chain.upcast(&name("A"), schema(1), Patch::default()).unwrap_err();
    assert_eq!(error.from, schema(2));
    assert_eq!(error.reason, "outer: inner");
}

#[test]
fn a_panic_is_an_error_that_names_its_step() {
    let chain = Chain::builder(3)
        .step(1, Unchanged)
        .step(2, |_: &EventName, _: Patch| -> Result<Patch, Infallible> {
            panic!("no such event")
        })
        .build()
        .unwrap();
    let error = chain.upcast(&name("A"), schema(1), Patch::default()).unwrap_err();
    assert_eq!(error.from, schema(2));
    assert_eq!(error.reason, "panicked: no such event");
}

#[derive(Debug)]
struct Hostile;

impl Drop for Hostile {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

impl std::fmt::Display for Hostile {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl Error for Hostile {}

impl Upcaster for Hostile {
    fn upcast(&self, _: &EventName, _: Patch) -> Result<Patch, BoxError> {
        Err(Hostile.into())
    }

    fn check(&self) -> Result<(), BoxError> {
        panic!("checked")
    }
}

#[test]
fn panics_of_an_error_of_a_check_and_of_a_destructor_harm_nobody() {
    let failing = |_: &EventName, _: Patch| Err::<Patch, _>(Hostile);
    let chain = Chain::builder(2).step(1, failing).build().unwrap();
    let error = chain.upcast(&name("A"), schema(1), Patch::default()).unwrap_err();
    assert_eq!(error.reason, "panicked: dropped");

    let error = Chain::builder(2).step(1, Hostile).build().unwrap_err();
    assert!(matches!(error, ChainError::Upcaster { source, .. } if source.to_string() == "panicked: checked"));
    drop(Chain::builder(2).step(1, Hostile));
}

#[test]
fn a_chain_is_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let chain = Chain::builder(2).step(1, mark("1")).build().unwrap();
    shared(&chain);
    assert_eq!(format!("{chain:?}"), "Chain { current: 2, steps: [1] }");
    let twin = chain.clone();
    let patch = std::thread::spawn(move || twin.upcast(&name("A"), schema(1), Patch::default()));
    assert_eq!(marks(patch.join().unwrap().unwrap()), ["/1"]);
}
