//! D7, case by case: changes placed into documents that another version of the type wrote.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::HashSet;

use asynx_core::patch::{Document, Foreign, Tape, diff, evolve, place};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn tape<T: Serialize + ?Sized>(state: &T) -> Tape {
    Tape::of(state).unwrap()
}

fn read<T: DeserializeOwned>(text: &[u8]) -> T {
    serde_json::from_slice(text).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(text)))
}

fn reserialise<T: Serialize + DeserializeOwned>(text: &[u8]) -> Result<Tape, String> {
    let state: T = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    Tape::of(&state).map_err(|error| error.to_string())
}

/// A placed change, and the patch to it.
fn placed(doc: &str, current: &str, next: &str, foreign: Foreign) -> (String, String) {
    let [doc, current, next] = [doc, current, next].map(|text| Tape::parse(text.as_bytes()).unwrap());
    let target = place(&doc, &current, &next, foreign);
    (target.to_string(), String::from_utf8(diff(&doc, &target)).unwrap())
}

#[test]
fn what_the_type_does_not_know_stays() {
    let doc = r#"{"a":1,"new":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20],"in":{"b":1,"new":2},"out":{"c":1,"new":2}}"#;
    let current = r#"{"a":1,"in":{"b":1},"out":{"c":1},"default":7}"#;
    let next = r#"{"a":1,"in":{"b":5},"out":{"c":1},"default":7}"#;
    let (target, patch) = placed(doc, current, next, Foreign::Keep);
    assert_eq!(target, doc.replace(r#""b":1"#, r#""b":5"#));
    assert_eq!(patch, r#"[{"op":"replace","path":"/in/b","value":5}]"#);
    let (target, _) = placed(doc, current, next, Foreign::DropOnChangedPaths);
    assert_eq!(target, r#"{"a":1,"in":{"b":5},"out":{"c":1,"new":2},"default":7}"#);
}

#[test]
fn members_that_come_by_default_are_added_when_they_change() {
    let doc = r#"{"lines":[{"sku":"a"},{"sku":"b"}],"padding":"................................"}"#;
    let current =
        r#"{"lines":[{"sku":"a","gift":false},{"sku":"b","gift":false}],"padding":"................................"}"#;
    let next =
        r#"{"lines":[{"sku":"a","gift":false},{"sku":"b","gift":true}],"padding":"................................"}"#;
    let (_, patch) = placed(doc, current, next, Foreign::Keep);
    assert_eq!(patch, r#"[{"op":"add","path":"/lines/1/gift","value":true}]"#);
}

#[test]
fn elements_take_their_foreign_members_along() {
    let doc = r#"[{"id":"a","n":1,"x":1},{"id":"b","n":1,"x":2},{"id":"c","n":1,"x":3}]"#;
    let current = r#"[{"id":"a","n":1},{"id":"b","n":1},{"id":"c","n":1}]"#;
    for (next, expected) in [
        (
            r#"[{"id":"b","n":1},{"id":"c","n":1}]"#,
            r#"[{"id":"b","n":1,"x":2},{"id":"c","n":1,"x":3}]"#,
        ),
        (
            r#"[{"id":"c","n":1},{"id":"a","n":1}]"#,
            r#"[{"id":"c","n":1,"x":3},{"id":"a","n":1,"x":1}]"#,
        ),
        (
            r#"[{"id":"b","n":2},{"id":"d","n":1}]"#,
            r#"[{"id":"b","n":2,"x":2},{"id":"d","n":1,"x":3}]"#,
        ),
        (
            r#"[{"id":"d","n":2},{"id":"b","n":1},{"id":"c","n":1}]"#,
            r#"[{"id":"d","n":2},{"id":"b","n":1,"x":2},{"id":"c","n":1,"x":3}]"#,
        ),
    ] {
        assert_eq!(placed(doc, current, next, Foreign::Keep).0, expected);
    }
}

#[test]
fn a_skipped_default_keeps_what_is_foreign_in_it() {
    let doc = r#"{"address":{"street":"","new":1}}"#;
    assert_eq!(
        placed(doc, "{}", r#"{"address":{"street":"x","number":2}}"#, Foreign::Keep).0,
        r#"{"address":{"street":"x","new":1,"number":2}}"#
    );
}

#[test]
fn elements_of_long_lists_take_their_foreign_members_along() {
    let list = |numbers: &mut dyn Iterator<Item = u32>, foreign: bool| {
        let element = |n: u32| {
            let foreign = if foreign {
                format!(r#","new":{n}"#)
            } else {
                String::new()
            };
            format!(r#"{{"id":{n},"same":"for all of them"{foreign}}}"#)
        };
        format!("[{}]", numbers.map(element).collect::<Vec<_>>().join(","))
    };
    let [doc, reversed] = [list(&mut (0..200), true), list(&mut (0..200).rev(), true)];
    let [current, next] = [list(&mut (0..200), false), list(&mut (0..200).rev(), false)];
    assert_eq!(placed(&doc, &current, &next, Foreign::Keep).0, reversed);
}

mod renamed {
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Order {
        #[serde(alias = "customer")]
        pub(super) buyer: String,
        #[serde(alias = "total")]
        pub(super) sum: u32,
        pub(super) lines: Vec<Line>,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Line {
        #[serde(alias = "name")]
        pub(super) sku: String,
        pub(super) quantity: u32,
    }
}

#[test]
fn renamed_members_make_way_and_foreign_ones_stay() {
    let doc = r#"{"customer":"Ada","total":1,"new":1,"lines":[{"name":"a","quantity":1,"new":2},{"name":"b","quantity":1,"new":3}]}"#;
    let write = |edit: fn(&mut renamed::Order)| {
        let doc = Tape::parse(doc.as_bytes()).unwrap();
        let current: renamed::Order = read(doc.text());
        let mut next = current.clone();
        edit(&mut next);
        let (target, patch) = evolve(&doc, &tape(&current), &tape(&next), reserialise::<renamed::Order>).unwrap();
        let mut document = Document::parse(doc.text()).unwrap();
        document.apply(&patch).unwrap();
        assert_eq!(document.to_vec().len(), target.len());
        assert_eq!(read::<renamed::Order>(target.text()), next);
        target.to_string()
    };
    assert_eq!(
        write(|order| order.lines[1].quantity = 5),
        doc.replace(r#""b","quantity":1"#, r#""b","quantity":5"#)
    );
    let lines = doc.split_once(r#""lines""#).unwrap().1;
    assert_eq!(
        write(|order| order.buyer = "Bob".to_owned()),
        format!(
            r#"{{"new":1,"lines"{}"#,
            lines.replace("]}", r#"],"buyer":"Bob","sum":1}"#)
        )
    );
    // on the way to the change all names become the new ones
    assert_eq!(
        write(|order| order.lines[0].sku = "c".to_owned()),
        r#"{"new":1,"lines":[{"quantity":1,"new":2,"sku":"c"},{"name":"b","quantity":1,"new":3}],"buyer":"Ada","sum":1}"#
    );
}

#[test]
fn what_cannot_be_read_back_is_refused_with_its_path() {
    use serde::Deserialize;
    #[derive(Clone, Serialize, Deserialize)]
    struct Lossy {
        id: u8,
        #[serde(default = "one", skip_serializing_if = "is_zero")]
        n: u8,
    }
    fn one() -> u8 {
        1
    }
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
    fn is_zero(n: &u8) -> bool {
        *n == 0
    }
    let doc = Tape::parse(br#"[{"id":1,"n":2,"foreign":3}]"#).unwrap();
    let current: Vec<Lossy> = read(doc.text());
    let error = evolve(
        &doc,
        &tape(&current),
        &tape(&[Lossy { id: 1, n: 0 }]),
        reserialise::<Vec<Lossy>>,
    )
    .unwrap_err();
    assert_eq!(error.path().as_str(), "/0/n");

    let broken = |_: &[u8]| Err("cannot be decoded".to_owned());
    let error = evolve(&doc, &tape(&current), &tape(&[Lossy { id: 2, n: 2 }]), broken).unwrap_err();
    assert_eq!((error.path().as_str(), error.reason()), ("", "cannot be decoded"));
}

#[test]
fn a_set_that_is_iterated_in_another_order_stays_as_it_is() {
    let elements: HashSet<u32> = (0..100).collect();
    let doc = tape(&(&elements, 1));
    let (mut current, n): (HashSet<u32>, u8) = read(doc.text());
    let before = tape(&(&current, n));
    current.insert(1_000);
    current.remove(&50);
    let (_, patch) = evolve(&doc, &before, &tape(&(&current, n)), reserialise::<(HashSet<u32>, u8)>).unwrap();
    // One where the two happen to be iterated one after the other.
    assert!(asynx_core::patch::Patch::parse(&patch).unwrap().0.len() <= 2);
}
