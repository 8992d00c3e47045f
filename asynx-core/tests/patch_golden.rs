//! Exact texts for typical cases, the examples of RFC 6902, and what an adversary would send.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use asynx_core::patch::{
    Document, Json, Object, Operation, Patch, PatchErrorKind, Pointer, Tape, create, diff,
    diff_into,
};

fn parse(text: &str) -> Tape {
    Tape::parse(text.as_bytes()).unwrap()
}

fn patch(old: &str, new: &str) -> String {
    String::from_utf8(diff(&parse(old), &parse(new))).unwrap()
}

fn apply(document: &str, patch: &str) -> Result<String, asynx_core::patch::PatchError> {
    let mut document = Document::parse(document.as_bytes()).unwrap();
    document.apply(patch.as_bytes())?;
    Ok(document.to_string())
}

#[test]
fn typical_patches() {
    let pad = r#""padding":"................................................................""#;
    for (old, new, expected) in [
        ("1", "1", "[]"),
        ("1", "2", r#"[{"op":"replace","path":"","value":2}]"#),
        ("{}", "[]", r#"[{"op":"replace","path":"","value":[]}]"#),
        (
            r#"{"a":1,P}"#,
            r#"{"a":2,P}"#,
            r#"[{"op":"replace","path":"/a","value":2}]"#,
        ),
        (r#"{"a":1,P}"#, r#"{P}"#, r#"[{"op":"remove","path":"/a"}]"#),
        (
            r#"{P}"#,
            r#"{P,"a":null}"#,
            r#"[{"op":"add","path":"/a","value":null}]"#,
        ),
        (
            r#"{P,"a":{"b":[1,{"c":2}],P}}"#,
            r#"{P,"a":{"b":[1,{"c":3}],P}}"#,
            r#"[{"op":"replace","path":"/a/b/1/c","value":3}]"#,
        ),
        (
            r#"{P,"a/b":{"~":1,"":2,P}}"#,
            r#"{P,"a/b":{"~":3,"":4,P}}"#,
            r#"[{"op":"replace","path":"/a~1b/~0","value":3},{"op":"replace","path":"/a~1b/","value":4}]"#,
        ),
        (
            r#"{P,"a\"\n":1}"#,
            r#"{P,"a\"\n":2}"#,
            r#"[{"op":"replace","path":"/a\"\n","value":2}]"#,
        ),
        (
            r#"{P,"a":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}"#,
            r#"{P,"a":[2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}"#,
            r#"[{"op":"remove","path":"/a/0"}]"#,
        ),
        (
            r#"{P,"a":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}"#,
            r#"{P,"a":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]}"#,
            r#"[{"op":"add","path":"/a/17","value":18}]"#,
        ),
        (
            r#"{P,"a":[1,2,3]}"#,
            r#"{P,"a":[]}"#,
            r#"[{"op":"replace","path":"/a","value":[]}]"#,
        ),
        (r#"{P,"a":1.0,"b":1}"#, r#"{P,"b":1,"a":1.0}"#, "[]"),
        (
            r#"{P,"a":1.0}"#,
            r#"{P,"a":1}"#,
            r#"[{"op":"replace","path":"/a","value":1}]"#,
        ),
        (
            r#"[{"id":"a","n":1,P},{"id":"b","n":2,P},{"id":"c","n":3,P}]"#,
            r#"[{"id":"b","n":2,P},{"id":"c","n":4,P}]"#,
            r#"[{"op":"remove","path":"/0"},{"op":"replace","path":"/1/n","value":4}]"#,
        ),
    ] {
        let [old, new] = [old, new].map(|text| text.replace('P', pad));
        assert_eq!(patch(&old, &new), expected);
    }
    assert_eq!(
        create(&parse("[1]")),
        br#"[{"op":"add","path":"","value":[1]}]"#
    );
    let mut out = b"patch: ".to_vec();
    diff_into(&parse("[]"), &parse("[1]"), &mut out);
    assert_eq!(out, br#"patch: [{"op":"add","path":"/0","value":1}]"#);
}

/// Appendix A of RFC 6902, as far as it is about `add`, `remove` and `replace`.
#[test]
fn examples_of_the_rfc() {
    for (document, patch, expected) in [
        (
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/baz","value":"qux"}]"#,
            r#"{"foo":"bar","baz":"qux"}"#,
        ),
        (
            r#"{"foo":["bar","baz"]}"#,
            r#"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
            r#"{"foo":["bar","qux","baz"]}"#,
        ),
        (
            r#"{"baz":"qux","foo":"bar"}"#,
            r#"[{"op":"remove","path":"/baz"}]"#,
            r#"{"foo":"bar"}"#,
        ),
        (
            r#"{"foo":["bar","qux","baz"]}"#,
            r#"[{"op":"remove","path":"/foo/1"}]"#,
            r#"{"foo":["bar","baz"]}"#,
        ),
        (
            r#"{"baz":"qux","foo":"bar"}"#,
            r#"[{"op":"replace","path":"/baz","value":"boo"}]"#,
            r#"{"baz":"boo","foo":"bar"}"#,
        ),
        (
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#,
            r#"{"foo":"bar","child":{"grandchild":{}}}"#,
        ),
        (
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#,
            r#"{"foo":"bar","baz":"qux"}"#,
        ),
        (
            r#"{"foo":["bar"]}"#,
            r#"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#,
            r#"{"foo":["bar",["abc","def"]]}"#,
        ),
    ] {
        assert_eq!(apply(document, patch).unwrap(), expected);
    }
    let error = apply(
        r#"{"foo":"bar"}"#,
        r#"[{"op":"add","path":"/baz/bat","value":"qux"}]"#,
    )
    .unwrap_err();
    assert_eq!(
        (error.operation(), error.path(), error.kind()),
        (Some(0), Some("/baz/bat"), &PatchErrorKind::NotFound)
    );
}

#[test]
fn members_of_an_operation_come_in_any_order() {
    let patch =
        r#" [ { "value" : [ 1 , {"op":2} ], "x":[{}], "path" : "/a", "op" : "\u0061dd" } ] "#;
    assert_eq!(apply("{}", patch).unwrap(), r#"{"a":[1,{"op":2}]}"#);
}

#[test]
fn strictness() {
    use PatchErrorKind::{InvalidIndex, InvalidPath, MissingMember, NotFound, UnknownOperation};
    let document = r#"{"a":[1,2],"b":{"c":null}}"#;
    for (operation, kind) in [
        (r#""op":"remove","path":"/x""#, NotFound),
        (r#""op":"replace","path":"/x","value":1"#, NotFound),
        (r#""op":"replace","path":"/b/x","value":1"#, NotFound),
        (r#""op":"add","path":"/b/c/x","value":1"#, NotFound),
        (r#""op":"add","path":"/a/x/y","value":1"#, NotFound),
        (r#""op":"add","path":"/a/3","value":1"#, InvalidIndex),
        (r#""op":"add","path":"/a/01","value":1"#, InvalidIndex),
        (r#""op":"add","path":"/a/+1","value":1"#, InvalidIndex),
        (
            r#""op":"add","path":"/a/99999999999999999999999","value":1"#,
            InvalidIndex,
        ),
        (r#""op":"remove","path":"/a/2""#, InvalidIndex),
        (r#""op":"remove","path":"/a/-""#, InvalidIndex),
        (r#""op":"replace","path":"/a/-","value":1"#, InvalidIndex),
        (r#""op":"replace","path":"a","value":1"#, InvalidPath),
        (r#""op":"replace","path":"/~2","value":1"#, InvalidPath),
        (r#""op":"replace","path":"/a""#, MissingMember("value")),
        (r#""op":"remove""#, MissingMember("path")),
        (r#""path":"/a""#, MissingMember("op")),
        (
            r#""op":"move","from":"/a","path":"/b""#,
            UnknownOperation("move".into()),
        ),
        (
            r#""op":"copy","from":"/a","path":"/b""#,
            UnknownOperation("copy".into()),
        ),
        (
            r#""op":"test","path":"/a","value":1"#,
            UnknownOperation("test".into()),
        ),
    ] {
        let patch = format!(r#"[{{"op":"add","path":"/new","value":1}},{{{operation}}}]"#);
        let error = apply(document, &patch).unwrap_err();
        assert_eq!(
            (error.operation(), error.kind()),
            (Some(1), &kind),
            "{error}"
        );
        if let Ok(patch) = Patch::parse(patch.as_bytes()) {
            let error = Document::parse(document.as_bytes())
                .unwrap()
                .apply_patch(&patch)
                .unwrap_err();
            assert_eq!(
                (error.operation(), error.kind()),
                (Some(1), &kind),
                "{error}"
            );
        }
    }
    for text in [
        "",
        "{}",
        "[1]",
        "[{}",
        "[{}]x",
        r#"[{"op":1}]"#,
        r#"[{"op":"remove","op":"remove","path":""}]"#,
        "[,]",
        "[{},]",
    ] {
        assert!(apply(document, text).is_err(), "{text}");
        assert!(Patch::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn a_document_is_absent_before_the_first_patch() {
    let mut document = Document::default();
    assert!(document.is_absent() && document.tape().is_err() && document.to_vec().is_empty());
    for patch in [
        r#"[{"op":"add","path":"/a","value":1}]"#,
        r#"[{"op":"replace","path":"","value":1}]"#,
        r#"[{"op":"remove","path":""}]"#,
    ] {
        assert_eq!(
            document.apply(patch.as_bytes()).unwrap_err().kind(),
            &PatchErrorKind::NotFound
        );
    }
    document
        .apply(br#"[{"op":"add","path":"","value":{}},{"op":"add","path":"/a","value":1}]"#)
        .unwrap();
    assert_eq!(
        document.as_json(),
        Some(&Json::Object([("a", 1)].into_iter().collect()))
    );
    document.apply(br#"[{"op":"remove","path":""}]"#).unwrap();
    assert!(document.is_absent());
}

#[test]
fn patches_cannot_nest_a_document_too_deeply() {
    let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
    let patch = |path: &str, depth| {
        format!(
            r#"[{{"op":"add","path":"{path}","value":{}}}]"#,
            deep(depth)
        )
    };
    let document = deep(100);
    let path = "/0".repeat(100);
    assert!(apply(&document, &patch(&path, 27)).is_ok());
    assert!(apply(&document, &patch(&path, 28)).is_err());
    let early = format!(r#"[{{"op":"add","value":{},"path":"{path}"}}]"#, deep(28));
    assert!(apply(&document, &early).is_err());
}

#[test]
fn json_is_parsed_strictly_and_without_loss() {
    for text in [
        "",
        " ",
        "nul",
        "nulll",
        "01",
        "-",
        "1.",
        ".1",
        "1e",
        "+1",
        "0x1",
        "NaN",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\n\"",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "[1]]",
        "{\"a\":1,\"\\u0061\":2}",
        "'a'",
        "\u{feff}1",
    ] {
        assert!(Json::parse(text.as_bytes()).is_err(), "{text:?}");
        assert!(Tape::parse(text.as_bytes()).is_err(), "{text:?}");
    }
    assert!(Json::parse(b"\"\xff\"").is_err());
    let text = r#"{"a":[340282366920938463463374607431768211455,1e400,-0.0,1E+2,-0],"":"ä\"\\\u0001𝄞\n","b":{"x":null,"y":[true,false]}}"#;
    assert_eq!(Json::parse(text.as_bytes()).unwrap().to_string(), text);
    assert_eq!(parse(text).to_string(), text);
    assert_eq!(
        Json::parse(br#" "\u00e4\/\ud834\udd1e\b" "#).unwrap(),
        Json::from("ä/𝄞\u{8}")
    );
}

#[test]
fn json_gives_access_and_converts() {
    let mut json = Json::parse(br#"{"a":[{"b/c":1}],"d":"x"}"#).unwrap();
    let pointer = Pointer::parse("/a/0/b~1c").unwrap();
    assert_eq!(json.pointer(&pointer).and_then(Json::as_u64), Some(1));
    *json.pointer_mut(&pointer).unwrap() = Json::try_from(-0.5).unwrap();
    assert_eq!(json.to_string(), r#"{"a":[{"b/c":-0.5}],"d":"x"}"#);
    assert_eq!(json.get("d").and_then(Json::as_str), Some("x"));
    assert_eq!(
        Json::from_serialize(&json.deserialize::<serde_json::Value>().unwrap()).unwrap(),
        json
    );
    assert_eq!(
        Json::from(serde_json::json!({"d": "x", "a": [{"b/c": -0.5}]})),
        json
    );
    assert!(Json::try_from(f64::NAN).is_err());
    assert_eq!(Json::from(u128::MAX).to_string(), u128::MAX.to_string());
    assert_eq!(Json::from(vec![Some(1), None]).to_string(), "[1,null]");
}

#[test]
fn pointers() {
    for invalid in ["a", "a/b", "/~", "/~2", "/a~"] {
        assert!(Pointer::parse(invalid).is_err(), "{invalid}");
    }
    let pointer = Pointer::root()
        .child("a/b")
        .child("~1")
        .element(3)
        .child("");
    assert_eq!(pointer.as_str(), "/a~1b/~01/3/");
    assert_eq!(pointer.tokens().collect::<Vec<_>>(), ["a/b", "~1", "3", ""]);
    assert_eq!(pointer.last().as_deref(), Some(""));
    let parent = pointer.parent().unwrap();
    assert_eq!(parent.to_string(), "/a~1b/~01/3");
    assert!(
        pointer.starts_with(&parent)
            && pointer.starts_with(&Pointer::root())
            && !parent.starts_with(&pointer)
    );
    assert!(
        !Pointer::parse("/ab")
            .unwrap()
            .starts_with(&Pointer::parse("/a").unwrap())
    );
    assert_eq!(
        parent.join(&pointer.strip_prefix(&parent).unwrap()),
        pointer
    );
    assert!(
        Pointer::root().tokens().next().is_none()
            && Pointer::root().parent().is_none()
            && Pointer::root().is_root()
    );
}

#[test]
fn objects_keep_their_order_and_are_fast_when_large() {
    let mut object = Object::new();
    for n in 0..10_000 {
        assert_eq!(object.insert(n.to_string(), n), None);
    }
    assert_eq!(object.insert("77", "x"), Some(Json::from(77)));
    for n in (0..10_000).filter(|n| n % 3 != 0) {
        assert!(object.remove(&n.to_string()).is_some() && object.remove(&n.to_string()).is_none());
    }
    object.insert("new", 1);
    assert_eq!(object.len(), 3_335);
    let numbers = (0..10_000).filter(|n| n % 3 == 0).map(|n| n.to_string());
    assert!(object.keys().eq(numbers.clone().chain(["new".to_owned()])));
    assert!(
        object
            .clone()
            .into_iter()
            .map(|(key, _)| key)
            .eq(numbers.chain(["new".to_owned()]))
    );
    object.iter_mut().for_each(|(_, value)| *value = Json::Null);
    assert!(object.iter().all(|(_, value)| value.is_null()));
    let reversed: Object = object
        .iter()
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .map(|(key, value)| (key, value.clone()))
        .collect();
    assert_eq!(object, reversed);
    for n in 0..10_000 {
        object.remove(&n.to_string());
    }
    assert_eq!(format!("{object:?}"), r#"{"new": Null}"#);
}

#[test]
fn patches_are_values() {
    let text = r#"[{"op":"add","path":"/a","value":1},{"op":"remove","path":"/b"},{"op":"replace","path":"","value":{}}]"#;
    let mut patch = Patch::parse(text.as_bytes()).unwrap();
    assert_eq!(patch.to_string(), text);
    *patch.0[1].path_mut() = Pointer::parse("/c").unwrap();
    assert_eq!(
        patch.0[1],
        Operation::Remove {
            path: Pointer::root().child("c")
        }
    );
    assert_eq!(patch.0[1].value(), None);
    *patch.0[0].value_mut().unwrap() = Json::Null;
    assert_eq!(
        patch.to_vec(),
        text.replace("/b", "/c").replace(":1}", ":null}").as_bytes()
    );
}

/// Runs what must not be quadratic; generous, because tests run unoptimised and side by side.
fn soon<T>(work: impl FnOnce() -> T) -> T {
    let limit = Duration::from_secs(5);
    #[expect(
        clippy::disallowed_methods,
        reason = "the time that passes is what is tested"
    )]
    let now = SystemTime::now;
    let begin = now();
    let done = work();
    assert!(now().duration_since(begin).unwrap_or_default() < limit);
    done
}

fn leads(old: &Tape, new: &Tape) -> Vec<u8> {
    let patch = diff(old, new);
    let mut document = Document::parse(old.text()).unwrap();
    document.apply(&patch).unwrap();
    assert!(document.tape().unwrap().same(new));
    patch
}

#[test]
fn large_arrays() {
    let tape = |numbers: &[u64]| Tape::of(numbers).unwrap();
    let numbers: Vec<u64> = (0..10_000).collect();
    let reversed: Vec<u64> = numbers.iter().rev().copied().collect();
    let others: Vec<u64> = numbers.iter().map(|n| n + 20_000).collect();
    let scattered: Vec<u64> = numbers.iter().map(|n| n * 7_919 % 10_007).collect();
    let halves: Vec<u64> = numbers
        .iter()
        .map(|n| if n % 2 == 0 { *n } else { n + 50_000 })
        .collect();
    let few: Vec<u64> = numbers.iter().map(|n| n % 3).collect();
    let swapped: Vec<u64> = [&numbers[5_000..], &numbers[..5_000]].concat();
    let all = [
        &numbers, &reversed, &others, &scattered, &halves, &few, &swapped,
    ];
    soon(|| {
        for old in all {
            for new in all {
                let patch = leads(&tape(old), &tape(new));
                assert!(patch.len() <= tape(new).len() + 40);
            }
        }
    });
}

#[test]
fn large_arrays_of_objects() {
    let tape = |numbers: &[u32]| {
        let object = |n: &u32| {
            HashMap::from([
                ("id".to_owned(), n.to_string()),
                ("n".to_owned(), (n % 7).to_string()),
            ])
        };
        Tape::of(&numbers.iter().map(object).collect::<Vec<_>>()).unwrap()
    };
    let mut numbers: Vec<u32> = (0..5_000).collect();
    let old = tape(&numbers);
    for at in [4_900, 2_000, 1_999, 0] {
        numbers.remove(at);
    }
    numbers.insert(1_000, 1_000_000);
    let patch = soon(|| leads(&old, &tape(&numbers)));
    assert_eq!(Patch::parse(&patch).unwrap().0.len(), 5);
}

#[test]
fn large_maps_in_another_order() {
    let map = |numbers: &mut dyn Iterator<Item = u32>| {
        numbers
            .map(|n| (n.to_string(), vec![n]))
            .collect::<HashMap<_, _>>()
    };
    let (one, other) = (map(&mut (0..10_000)), map(&mut (0..10_000).rev()));
    let mut changed = other.clone();
    changed.insert("77".to_owned(), vec![1]);
    changed.remove("78");
    changed.insert("new".to_owned(), vec![]);
    let [one, other, changed] = [one, other, changed].map(|map| Tape::of(&map).unwrap());
    assert_ne!(one.text(), other.text());
    soon(|| {
        assert!(one.same(&other) && !one.same(&changed));
        assert_eq!(diff(&one, &other), b"[]");
        assert_eq!(Patch::parse(&leads(&one, &changed)).unwrap().0.len(), 3);
    });
}

#[test]
fn nesting_at_the_limit() {
    let deep = |leaf: &str| {
        parse(&format!(
            "{}{leaf}{}",
            r#"[{"a":"#.repeat(63),
            "}]".repeat(63)
        ))
    };
    let patch = soon(|| leads(&deep("1"), &deep("[2]")));
    assert!(patch.len() < 600);
}
