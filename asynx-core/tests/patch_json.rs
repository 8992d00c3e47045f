//! Trees, pointers and patches as values.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use asynx_core::patch::{Json, Object, Operation, Patch, Pointer, Tape};

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
    assert_eq!(Tape::parse(text.as_bytes()).unwrap().to_string(), text);
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
    assert_eq!(Json::from(serde_json::json!({"d": "x", "a": [{"b/c": -0.5}]})), json);
    assert!(Json::try_from(f64::NAN).is_err());
    assert_eq!(Json::from(u128::MAX).to_string(), u128::MAX.to_string());
    assert_eq!(Json::from(vec![Some(1), None]).to_string(), "[1,null]");
}

#[test]
fn pointers() {
    for invalid in ["a", "a/b", "/~", "/~2", "/a~"] {
        assert!(Pointer::parse(invalid).is_err(), "{invalid}");
    }
    let pointer = Pointer::root().child("a/b").child("~1").element(3).child("");
    assert_eq!(pointer.as_str(), "/a~1b/~01/3/");
    assert_eq!(pointer.tokens().collect::<Vec<_>>(), ["a/b", "~1", "3", ""]);
    assert_eq!(pointer.last().as_deref(), Some(""));
    let parent = pointer.parent().unwrap();
    assert_eq!(parent.to_string(), "/a~1b/~01/3");
    assert!(pointer.starts_with(&parent) && pointer.starts_with(&Pointer::root()) && !parent.starts_with(&pointer));
    assert!(
        !Pointer::parse("/ab")
            .unwrap()
            .starts_with(&Pointer::parse("/a").unwrap())
    );
    assert_eq!(parent.join(&pointer.strip_prefix(&parent).unwrap()), pointer);
    assert!(
        Pointer::root().tokens().next().is_none() && Pointer::root().parent().is_none() && Pointer::root().is_root()
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
    let text =
        r#"[{"op":"add","path":"/a","value":1},{"op":"remove","path":"/b"},{"op":"replace","path":"","value":{}}]"#;
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
