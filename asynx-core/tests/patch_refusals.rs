//! D5: what is accepted can be read back, and what is refused is refused with its path.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod patch_states;

use std::collections::{BTreeMap, HashMap};

use asynx_core::patch::{Json, StateErrorKind, Tape};
use patch_states::*;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

fn tape<T: Serialize + ?Sized>(state: &T) -> Tape {
    Tape::of(state).unwrap()
}

proptest! {
    #[test]
    fn what_is_accepted_is_read_back(state in state()) {
        let written = tape(&state);
        let read: State = serde_json::from_slice(written.text()).unwrap();
        prop_assert!(tape(&read).same(&written), "{} not {}", tape(&read), written);
    }

    #[test]
    fn a_float_that_is_not_finite_is_named(mut floats in prop::collection::vec(finite(), 1..20), at: prop::sample::Index, key in key()) {
        let at = at.index(floats.len());
        floats[at] = f64::NAN;
        let error = Tape::of(&BTreeMap::from([(&key, &floats)])).unwrap_err();
        prop_assert_eq!(error.kind(), &StateErrorKind::NonFinite);
        let tokens: Vec<_> = error.path().tokens().collect();
        prop_assert_eq!(tokens, [key, at.to_string()]);
    }
}

/// A list of lists: recursion that shows in the text.
#[derive(Serialize, Deserialize)]
struct Nest(Vec<Nest>);

impl Nest {
    fn of_depth(depth: usize) -> Self {
        (1..depth).fold(Nest(vec![]), |inner, _| Nest(vec![inner]))
    }
}

/// Recursion that does not show in the text.
#[derive(Serialize)]
struct Shell(Option<Box<Shell>>);

#[test]
fn depth_ends_where_the_reader_ends() {
    let deepest = tape(&Nest::of_depth(127));
    assert!(serde_json::from_slice::<Nest>(deepest.text()).is_ok());
    assert!(Json::parse(deepest.text()).is_ok());
    let deeper = Nest::of_depth(128);
    let text = serde_json::to_vec(&deeper).unwrap();
    assert!(
        serde_json::from_slice::<Nest>(&text).is_err(),
        "the reader refuses what we refuse"
    );
    assert!(Json::parse(&text).is_err());
    assert!(Tape::parse(&text).is_err());
    let error = Tape::of(&deeper).unwrap_err();
    assert_eq!(error.kind(), &StateErrorKind::TooDeep);
    assert_eq!(error.path().as_str(), "/0".repeat(127));
}

#[test]
fn a_raw_value_counts_as_deep_as_it_is() {
    let raw = |depth| serde_json::value::RawValue::from_string("[".repeat(depth) + &"]".repeat(depth)).unwrap();
    assert!(Tape::of(&[raw(126)]).is_ok());
    let error = Tape::of(&[raw(127)]).unwrap_err();
    assert_eq!(error.kind(), &StateErrorKind::TooDeep);
    assert_eq!(error.path().as_str(), "/0".repeat(127));
}

#[test]
fn no_recursion_overflows_the_stack() {
    let error = Tape::of(&Nest::of_depth(5_000)).unwrap_err();
    assert_eq!(error.kind(), &StateErrorKind::TooDeep);
    let shell = (0..5_000).fold(Shell(None), |inner, _| Shell(Some(Box::new(inner))));
    assert_eq!(Tape::of(&shell).unwrap_err().kind(), &StateErrorKind::TooDeep);
    for text in ["[", "{\"a\":", "[{\"a\":"] {
        assert!(Json::parse(text.repeat(100_000).as_bytes()).is_err());
        assert!(Tape::parse(text.repeat(100_000).as_bytes()).is_err());
    }
}

/// Fails.
struct Failing;

impl Serialize for Failing {
    fn serialize<S: serde::Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("out of luck"))
    }
}

/// Goes on after a failure.
struct Careless;

impl Serialize for Careless {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut elements = serializer.serialize_seq(None)?;
        let _ = elements.serialize_element(&vec![BTreeMap::from([("x", f64::NAN)])]);
        let _ = elements.serialize_element(&HashMap::from([(1, 1), (2, 2)]));
        elements.end()
    }
}

/// A map that says the same key twice.
struct Twice;

impl Serialize for Twice {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("a", 1), ("b/c", 2), ("d", 3), ("b/c", 4)])
    }
}

/// A map that says a key without a value.
struct Halves;

impl Serialize for Halves {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut members = serializer.serialize_map(None)?;
        members.serialize_key("a")?;
        members.end()
    }
}

#[derive(Serialize)]
struct Flattened {
    a: u8,
    #[serde(flatten)]
    rest: HashMap<&'static str, u8>,
}

#[test]
fn refusals_name_path_and_reason() {
    fn refused<T: Serialize>(state: T, path: &str, kind: StateErrorKind) {
        let like = Tape::of("x").unwrap();
        for error in [
            Tape::of(&state).unwrap_err(),
            Tape::of_reusing(&state, like.clone()).unwrap_err(),
        ] {
            assert_eq!((error.path().as_str(), error.kind()), (path, &kind), "{error}");
        }
    }
    refused(f64::NAN, "", StateErrorKind::NonFinite);
    refused(vec![1.0, f64::INFINITY], "/1", StateErrorKind::NonFinite);
    refused(
        BTreeMap::from([("a/b", (1, f32::NEG_INFINITY))]),
        "/a~1b/1",
        StateErrorKind::NonFinite,
    );
    refused(
        vec![Some(External::Struct {
            x: 1.0,
            y: Some(f64::NAN),
        })],
        "/0/Struct/y",
        StateErrorKind::NonFinite,
    );
    refused(vec![BTreeMap::from([((1, 2), 3)])], "/0", StateErrorKind::InvalidKey);
    refused(
        BTreeMap::from([(Some(1), 3), (None, 3)]),
        "",
        StateErrorKind::InvalidKey,
    );
    refused(
        vec![Floating(HashMap::from([(FloatKey(f64::NAN), 3)]))],
        "/0",
        StateErrorKind::NonFinite,
    );
    refused(vec![Twice], "/0/b~1c", StateErrorKind::DuplicateKey);
    refused(
        Flattened {
            a: 1,
            rest: HashMap::from([("a", 2)]),
        },
        "/a",
        StateErrorKind::DuplicateKey,
    );
    refused(
        (1, BTreeMap::from([("", Failing)])),
        "/1/",
        StateErrorKind::Custom("out of luck".into()),
    );
    refused(
        (1, Halves),
        "/1/a",
        StateErrorKind::Custom("a key without a value".into()),
    );
}

#[test]
fn a_failure_that_is_passed_over_still_refuses() {
    assert!(matches!(
        Tape::of(&(1, Careless)).unwrap_err().kind(),
        StateErrorKind::Custom(_)
    ));
}

#[test]
fn raw_values_that_could_not_be_patched_are_refused() {
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.into()).unwrap();
    let error = Tape::of(&(1, raw(r#"{"a":[1,{"b":1,"b":2}]}"#))).unwrap_err();
    assert_eq!(error.path().as_str(), "/1/a/1");
    assert!(matches!(error.kind(), StateErrorKind::InvalidJson(_)), "{error}");
    let spaced = raw(" { \"a\\u0062\" : [ 1e400 , -0 ] } ");
    assert_eq!(tape(&vec![spaced]).text(), br#"[{"ab":[1e400,-0]}]"#);
}

#[test]
fn duplicates_are_found_in_large_objects() {
    struct Large(usize);
    impl Serialize for Large {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map((0..1_000).rev().map(|n| (if n == 7 { self.0 } else { n }, n)))
        }
    }
    assert!(Tape::of(&Large(7)).is_ok());
    for duplicate in [0, 8, 999] {
        assert_eq!(
            Tape::of(&Large(duplicate)).unwrap_err().path().as_str(),
            format!("/{duplicate}")
        );
    }
}

#[test]
fn keys_that_are_accepted_are_read_back() {
    fn survives<T: Serialize + for<'de> Deserialize<'de>>(state: &T) {
        let written = tape(state);
        let read: T = serde_json::from_slice(written.text()).unwrap_or_else(|error| panic!("{written}: {error}"));
        assert!(tape(&read).same(&written));
    }
    survives(&BTreeMap::from([(i128::MIN, 1), (0, 2), (i128::MAX, 3)]));
    survives(&HashMap::from([(u128::MAX, 1), (0, 2)]));
    survives(&BTreeMap::from([(true, 1), (false, 2)]));
    survives(&BTreeMap::from([('"', 1), ('\u{0}', 2), ('𝄞', 3)]));
    survives(&BTreeMap::from([(Some(1_u8), 1)]));
    survives(&BTreeMap::from([(Unit::First, 1), (Unit::Second, 2)]));
    survives(&Floating(HashMap::from([
        (FloatKey(-0.0), 1),
        (FloatKey(5e-324), 2),
        (FloatKey(1e300), 3),
    ])));
}
