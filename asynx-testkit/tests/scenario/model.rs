use std::panic::catch_unwind;

use asynx_testkit::scenario::assert_model;
use serde_json::json;

#[test]
fn equal_models_are_equal_whatever_the_order_of_members() {
    assert_model(json!({"a": 1, "b": [2, 3]}), json!({"b": [2, 3], "a": 1}));
}

#[test]
fn what_differs_is_shown_line_by_line() {
    let told = catch_unwind(|| assert_model(json!({"a": 1, "b": 2}), json!({"a": 1, "b": 3})));
    let told = told.expect_err("they differ");
    let told = told.downcast_ref::<String>().expect("a panic of text");
    assert!(told.starts_with("another read model was made; "), "{told}");
    assert!(told.contains("-   \"b\": 2"), "{told}");
    assert!(told.contains("+   \"b\": 3"), "{told}");
}
