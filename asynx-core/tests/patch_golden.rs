//! Exact texts for typical patches, the examples of RFC 6902, and how strict the applier is.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use asynx_core::patch::{Document, Json, Patch, PatchErrorKind, Tape, create, diff, diff_into};

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
    assert_eq!(create(&parse("[1]")), br#"[{"op":"add","path":"","value":[1]}]"#);
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
    let error = apply(r#"{"foo":"bar"}"#, r#"[{"op":"add","path":"/baz/bat","value":"qux"}]"#).unwrap_err();
    assert_eq!(
        (error.operation(), error.path(), error.kind()),
        (Some(0), Some("/baz/bat"), &PatchErrorKind::NotFound)
    );
}

#[test]
fn members_of_an_operation_come_in_any_order() {
    let patch = r#" [ { "value" : [ 1 , {"op":2} ], "x":[{}], "path" : "/a", "op" : "\u0061dd" } ] "#;
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
        (r#""op":"test","path":"/a","value":1"#, UnknownOperation("test".into())),
    ] {
        let patch = format!(r#"[{{"op":"add","path":"/new","value":1}},{{{operation}}}]"#);
        let error = apply(document, &patch).unwrap_err();
        assert_eq!((error.operation(), error.kind()), (Some(1), &kind), "{error}");
        if let Ok(patch) = Patch::parse(patch.as_bytes()) {
            let error = Document::parse(document.as_bytes())
                .unwrap()
                .apply_patch(&patch)
                .unwrap_err();
            assert_eq!((error.operation(), error.kind()), (Some(1), &kind), "{error}");
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
    let patch = |path: &str, depth| format!(r#"[{{"op":"add","path":"{path}","value":{}}}]"#, deep(depth));
    let document = deep(100);
    let path = "/0".repeat(100);
    assert!(apply(&document, &patch(&path, 27)).is_ok());
    assert!(apply(&document, &patch(&path, 28)).is_err());
    let early = format!(r#"[{{"op":"add","value":{},"path":"{path}"}}]"#, deep(28));
    assert!(apply(&document, &early).is_err());
}
