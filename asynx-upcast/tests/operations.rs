//! Each path operation by examples: one patch in, one patch or one refusal out.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::convert::Infallible;

use asynx_core::EventName;
use asynx_core::patch::{Json, Object, Patch};
use asynx_upcast::{
    BoxError, Chain, ChainError, PathError, PathOperation, Refusal, Refused, Upcaster, add_default, convert, move_to,
    remove, rename,
};

fn upcast(upcaster: &impl Upcaster, patch: &str) -> Result<String, BoxError> {
    let name = EventName::parse("Edited").unwrap();
    let patch = Patch::parse(patch.as_bytes()).unwrap();
    upcaster.upcast(&name, patch).map(|patch| patch.to_string())
}

#[track_caller]
fn gives(upcaster: &impl Upcaster, patch: &str, expected: &str) {
    assert_eq!(upcast(upcaster, patch).unwrap(), expected);
}

#[track_caller]
fn refuses(upcaster: &impl Upcaster, patch: &str) -> Refused {
    *upcast(upcaster, patch).unwrap_err().downcast::<Refused>().unwrap()
}

#[track_caller]
fn invalid(operation: PathOperation) -> PathError {
    let error = upcast(&operation, "[]").unwrap_err();
    let at_build = match Chain::builder(2).step(1, operation).build() {
        Err(ChainError::Upcaster { source, .. }) => *source.downcast::<PathError>().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(*error.downcast::<PathError>().unwrap(), at_build);
    at_build
}

#[test]
fn a_default_comes_with_every_new_parent() {
    let status = add_default("/lines/*/status", "open");
    gives(
        &status,
        r#"[{"op":"add","path":"","value":{"lines":[{"id":1},{"status":null},7]}}]"#,
        r#"[{"op":"add","path":"","value":{"lines":[{"id":1,"status":"open"},{"status":null},7]}}]"#,
    );
    gives(
        &status,
        r#"[{"op":"add","path":"/lines/-","value":{}},{"op":"add","path":"/lines/0","value":{"status":"x"}}]"#,
        r#"[{"op":"add","path":"/lines/-","value":{"status":"open"}},{"op":"add","path":"/lines/0","value":{"status":"x"}}]"#,
    );
    gives(
        &status,
        r#"[{"op":"remove","path":"/lines/3"},{"op":"replace","path":"/lines/2/id","value":{}}]"#,
        r#"[{"op":"remove","path":"/lines/3"},{"op":"replace","path":"/lines/2/id","value":{}}]"#,
    );
}

#[test]
fn a_member_that_is_removed_falls_back_to_its_default() {
    gives(
        &add_default("/status", "open"),
        r#"[{"op":"add","path":"/status","value":"paid"},{"op":"replace","path":"/id","value":1},{"op":"remove","path":"/status"}]"#,
        r#"[{"op":"add","path":"/status","value":"paid"},{"op":"replace","path":"/id","value":1},{"op":"replace","path":"/status","value":"open"}]"#,
    );
}

#[test]
fn a_removed_path_is_cut_out_of_what_arrives() {
    let notes = remove("/lines/*/notes");
    gives(
        &notes,
        r#"[{"op":"replace","path":"/lines","value":[{"id":1,"notes":[]}]},{"op":"add","path":"/lines/0/notes/-","value":1},{"op":"remove","path":"/lines/0/notes"}]"#,
        r#"[{"op":"replace","path":"/lines","value":[{"id":1}]}]"#,
    );
    gives(
        &remove("/tags/*"),
        r#"[{"op":"add","path":"/tags","value":[1,2]},{"op":"add","path":"/tags/0","value":3}]"#,
        r#"[{"op":"add","path":"/tags","value":[]}]"#,
    );
}

#[test]
fn a_renamed_member_is_found_at_any_depth() {
    gives(
        &rename("/address", "a/b"),
        r#"[{"op":"replace","path":"/address/street","value":"x"},{"op":"remove","path":"/address"},{"op":"replace","path":"","value":{"address":1,"addresses":2}}]"#,
        r#"[{"op":"replace","path":"/a~1b/street","value":"x"},{"op":"remove","path":"/a~1b"},{"op":"replace","path":"","value":{"addresses":2,"a/b":1}}]"#,
    );
}

#[test]
fn a_taken_key_is_refused() {
    let address = rename("/people/*/address", "addr");
    for patch in [
        r#"[{"op":"remove","path":"/x"},{"op":"add","path":"/people/-","value":{"address":1,"addr":2}}]"#,
        r#"[{"op":"remove","path":"/x"},{"op":"add","path":"/people/-","value":{"addr":2}}]"#,
        r#"[{"op":"remove","path":"/x"},{"op":"remove","path":"/people/0/addr"}]"#,
        r#"[{"op":"remove","path":"/x"},{"op":"remove","path":"/people/0/addr/deep"}]"#,
    ] {
        let refused = refuses(&address, patch);
        assert!(matches!(refused.refusal(), Refusal::Occupied));
        assert_eq!(refused.operation(), 1);
        assert!(refused.path().as_str().starts_with("/people/"));
    }
    gives(
        &remove("/people/*/addr").then(address),
        r#"[{"op":"add","path":"/people/-","value":{"address":1,"addr":2}},{"op":"remove","path":"/people/0/addr"}]"#,
        r#"[{"op":"add","path":"/people/-","value":{"addr":1}}]"#,
    );
}

#[test]
fn a_moved_value_is_taken_out_of_what_arrives() {
    let amount = move_to("/lines/*/price/amount", "/lines/*/amount");
    gives(
        &amount,
        r#"[{"op":"add","path":"/lines/-","value":{"price":{"amount":5,"currency":"EUR"}}},{"op":"replace","path":"/lines/2/price/amount","value":6}]"#,
        r#"[{"op":"add","path":"/lines/-","value":{"price":{"currency":"EUR"},"amount":5}},{"op":"replace","path":"/lines/2/amount","value":6}]"#,
    );
    gives(
        &amount,
        r#"[{"op":"replace","path":"/lines/2/price","value":{"amount":5,"currency":"EUR"}}]"#,
        r#"[{"op":"replace","path":"/lines/2/price","value":{"currency":"EUR"}},{"op":"add","path":"/lines/2/amount","value":5}]"#,
    );
    gives(
        &amount,
        r#"[{"op":"remove","path":"/lines/2/price"}]"#,
        r#"[{"op":"remove","path":"/lines/2/price"},{"op":"add","path":"/lines/2/amount","value":null},{"op":"remove","path":"/lines/2/amount"}]"#,
    );
}

#[test]
fn a_move_without_a_place_is_refused() {
    let street = move_to("/street", "/address/street");
    let reason = |patch| refuses(&street, patch).refusal().to_string();
    assert_eq!(
        reason(r#"[{"op":"add","path":"","value":{"street":"x"}}]"#),
        Refusal::NoParent.to_string()
    );
    assert_eq!(
        reason(r#"[{"op":"replace","path":"/address","value":{}}]"#),
        Refusal::Parent.to_string()
    );
    assert_eq!(
        reason(r#"[{"op":"add","path":"/address/street","value":1}]"#),
        Refusal::Occupied.to_string()
    );
    gives(
        &add_default("/address", Object::new()).then(street),
        r#"[{"op":"add","path":"","value":{"street":"x"}},{"op":"remove","path":"/street"}]"#,
        r#"[{"op":"add","path":"","value":{"address":{"street":"x"}}},{"op":"remove","path":"/address/street"}]"#,
    );
}

#[test]
fn what_is_only_added_to_be_removed_meets_no_conversion() {
    let digits = |value: Json| match value {
        Json::Number(number) => Ok(Json::from(number.as_str())),
        _ => Err("no number"),
    };
    let split = move_to("/price/net/amount", "/net/amount").then(move_to("/net/amount", "/amount"));
    gives(
        &split.then(convert("/amount", digits)),
        r#"[{"op":"remove","path":"/price"},{"op":"add","path":"/price","value":{"net":{"amount":7}}}]"#,
        r#"[{"op":"remove","path":"/price"},{"op":"add","path":"/amount","value":null},{"op":"remove","path":"/amount"},{"op":"add","path":"/price","value":{"net":{}}},{"op":"add","path":"/amount","value":"7"}]"#,
    );
    gives(
        &move_to("/price/amount", "/amount").then(add_default("/amount", 0)),
        r#"[{"op":"remove","path":"/price"}]"#,
        r#"[{"op":"remove","path":"/price"},{"op":"add","path":"/amount","value":0}]"#,
    );
}

#[test]
fn a_conversion_meets_whole_values_only() {
    let wrap = convert("/lines/*/price", |price| {
        Ok::<_, Infallible>(Object::from_iter([("amount", price)]).into())
    });
    gives(
        &wrap,
        r#"[{"op":"add","path":"/lines","value":[{"price":1},{}]},{"op":"replace","path":"/lines/0/price","value":2},{"op":"remove","path":"/lines/0/price"}]"#,
        r#"[{"op":"add","path":"/lines","value":[{"price":{"amount":1}},{}]},{"op":"replace","path":"/lines/0/price","value":{"amount":2}},{"op":"remove","path":"/lines/0/price"}]"#,
    );
    let refused = refuses(&wrap, r#"[{"op":"remove","path":"/lines/0/price/tax"}]"#);
    assert!(matches!(refused.refusal(), Refusal::Inside));
    assert_eq!(
        refused.to_string(),
        r#"convert("/lines/*/price"): operation 0, remove "/lines/0/price/tax": it changes the inside of a converted value: convert what is inside by a longer path, or write a closure"#
    );
}

#[test]
fn a_failed_conversion_keeps_its_cause() {
    let failing = convert("/price", |_| Err::<Json, _>("no price"));
    let refused = refuses(&failing, r#"[{"op":"add","path":"/price","value":1}]"#);
    assert!(matches!(refused.refusal(), Refusal::Conversion(_)));
    assert_eq!(std::error::Error::source(&refused).unwrap().to_string(), "no price");
}

#[test]
fn what_is_no_path_is_found_when_the_chain_is_built() {
    assert!(matches!(invalid(remove("status")), PathError::Pointer(_)));
    assert_eq!(invalid(remove("")), PathError::Root);
    for operation in [
        add_default("", 1),
        add_default("/lines/*", 1),
        rename("/lines/*", "x"),
        rename("/lines", "*"),
        move_to("/a", "/b/*"),
    ] {
        assert!(matches!(invalid(operation), PathError::NoMember { .. }));
    }
    for operation in [
        add_default("/lines/0/status", 1),
        remove("/lines/-"),
        rename("/lines", "12"),
        rename("/lines", "-"),
        convert("/7/a", Ok::<_, Infallible>),
        move_to("/a", "/00"),
    ] {
        assert!(matches!(invalid(operation), PathError::Index { .. }));
    }
    for operation in [
        rename("/a", "a"),
        move_to("/a", "/a"),
        move_to("/a", "/a/b"),
        move_to("/a/b", "/a"),
    ] {
        assert!(matches!(invalid(operation), PathError::Nested { .. }));
    }
    for operation in [
        move_to("/a/*/x", "/b/*/x"),
        move_to("/a/*/x", "/x"),
        move_to("/x", "/a/*/x"),
    ] {
        assert!(matches!(invalid(operation), PathError::Wildcards { .. }));
    }
}
