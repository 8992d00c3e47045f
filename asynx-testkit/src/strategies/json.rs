use asynx_core::patch::{Json, Number};
use proptest::prelude::*;
use proptest::sample::select;

/// Texts: common ones, those that need escapes, and any.
pub fn text() -> impl Strategy<Value = String> + Clone {
    let owned = |texts: &[&str]| select(texts.iter().copied().map(str::to_owned).collect::<Vec<_>>());
    prop_oneof![
        4 => owned(&["", "a", "b", "paid", "pending", "ORD-1"]),
        1 => owned(&["\"", "\\", "\u{0}\u{1f}\u{7f}", "\n\r\t\u{8}\u{c}", "ä\u{2028}𝄞", "null"]),
        1 => any::<String>(),
    ]
}

/// Keys of members: often the same, often those that JSON pointers must escape, and any.
pub fn key() -> impl Strategy<Value = String> + Clone {
    let keys = ["", "a", "b", "c", "0", "-", "/", "~", "~1", "a/b", "~0/~1", "\"", "\n"];
    prop_oneof![
        6 => select(keys.map(str::to_owned).to_vec()),
        1 => any::<String>(),
    ]
}

/// Any JSON up to four levels deep, with numbers that no type of Rust has.
pub fn json() -> impl Strategy<Value = Json> + Clone {
    let odd = [
        "1e400",
        "-0",
        "-0.0",
        "1.50",
        "1E+2",
        "123456789012345678901234567890123456789012345",
    ];
    let odd = odd.map(|text| Number::parse(text).expect("these are numbers")).to_vec();
    let number = prop_oneof![
        (0_u8..4).prop_map(Number::from),
        any::<i128>().prop_map(Number::from),
        select(odd)
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        number.prop_map(Json::Number),
        text().prop_map(Json::String),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::vec((key(), inner), 0..6).prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// Documents as aggregates have them: objects.
pub fn document() -> impl Strategy<Value = Json> + Clone {
    prop::collection::vec((key(), json()), 0..6).prop_map(|members| Json::Object(members.into_iter().collect()))
}
