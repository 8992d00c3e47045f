//! What the strategies make is what they promise.

use std::borrow::Cow;
use std::convert::Infallible;

use asynx_core::patch::{Document, Tape, diff};
use asynx_core::{Aggregate, Command};
use asynx_testkit::scenario::Scenario;
use asynx_testkit::strategies::{command, commands, document_and_patch, similar_documents};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};
use serde::{Deserialize, Serialize};

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn patches_fit_their_documents((document, patch) in document_and_patch()) {
        let mut changed = Document::from(document);
        changed.apply_patch(&patch).unwrap();
        prop_assert!(changed.tape().is_ok());
        prop_assert!(changed.as_json().unwrap().as_object().is_some());
    }

    #[test]
    fn similar_documents_are_documents((old, new) in similar_documents()) {
        let (from, to) = (Tape::try_from(&old).unwrap(), Tape::try_from(&new).unwrap());
        let mut document = Document::from(old);
        document.apply(&diff(&from, &to)).unwrap();
        prop_assert_eq!(document.as_json(), Some(&new));
    }
}

#[test]
fn every_operation_occurs() {
    let mut runner = TestRunner::new(config());
    let mut names = std::collections::BTreeSet::new();
    let mut longest = 0;
    for _ in 0..200 {
        let (_, patch) = document_and_patch().new_tree(&mut runner).unwrap().current();
        longest = longest.max(patch.0.len());
        names.extend(patch.0.iter().map(asynx_core::patch::Operation::name));
    }
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["add", "remove", "replace"]);
    assert_eq!(longest, 4);
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Counter {
    count: u64,
}

impl Aggregate for Counter {
    const CATEGORY: &'static str = "counter";
}

#[derive(Debug)]
struct Add(u64);

#[derive(Debug)]
struct Reset;

macro_rules! counts {
    ($command:ty, $emit:expr) => {
        impl Command<Counter> for $command {
            type Rejection = Infallible;

            fn aggregate_id(&self) -> Cow<'_, str> {
                "1".into()
            }

            fn event_name(&self) -> Cow<'_, str> {
                stringify!($command).into()
            }

            fn validate(&self, _: Option<&Counter>) -> Result<(), Infallible> {
                Ok(())
            }

            fn emit(&self, counter: Option<&Counter>) -> Counter {
                let emit: fn(&Self, u64) -> u64 = $emit;
                Counter {
                    count: emit(self, counter.map_or(0, |counter| counter.count)),
                }
            }
        }
    };
}

counts!(Add, |add, count| count + add.0);
counts!(Reset, |_, _| 0);

fn sequences() -> impl Strategy<Value = Vec<asynx_testkit::strategies::AnyCommand<Counter, Infallible>>> {
    commands(
        [
            command((1_u64..10).prop_map(Add)),
            command(Just(()).prop_map(|()| Reset)),
        ],
        0..20,
    )
}

#[test]
fn sequences_are_shrunk_to_what_matters() {
    let mut runner = TestRunner::new(config());
    let broken = runner.run(&sequences(), |commands| {
        Scenario::given_nothing().then_always(commands, |counter| assert!(counter.count < 20));
        Ok(())
    });
    let message = broken.unwrap_err().to_string();
    assert!(message.contains("Add(") && !message.contains("Reset"), "{message}");
    let whole = runner.run(&sequences(), |commands| {
        Scenario::given_nothing().then_always(commands, |counter| assert!(counter.count < 200));
        Ok(())
    });
    whole.unwrap();
}
