//! States of every shape that serde knows, and how to make arbitrary ones.

#![allow(dead_code, reason = "each test uses a part of it")]

use asynx_core::patch::{Json, Number};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) id: String,
    pub(crate) numbers: Numbers,
    pub(crate) lines: Vec<Line>,
    pub(crate) by_name: HashMap<String, Line>,
    pub(crate) by_number: BTreeMap<i64, Option<bool>>,
    pub(crate) by_wide_number: HashMap<u128, ()>,
    pub(crate) externals: Vec<External>,
    pub(crate) internal: Internal,
    pub(crate) adjacent: Option<Adjacent>,
    pub(crate) untagged: Vec<Untagged>,
    pub(crate) tuple: (i8, Option<String>, [char; 2]),
    pub(crate) units: Vec<Unit>,
    pub(crate) wrapped: Wrapped,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) optional: Option<Box<Line>>,
    pub(crate) value: serde_json::Value,
    pub(crate) raw: Box<RawValue>,
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, u8>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Numbers {
    pub(crate) i64: i64,
    pub(crate) u64: u64,
    pub(crate) i128: i128,
    pub(crate) u128: u128,
    pub(crate) f64: f64,
    pub(crate) f32: f32,
    pub(crate) small: (u8, i16, u32),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
    pub(crate) price: f64,
    pub(crate) tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum External {
    Unit,
    New(Vec<u8>),
    Tuple(i32, String),
    Struct { x: f64, y: Option<f64> },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub(crate) enum Internal {
    Nothing,
    Named { name: String, count: u64 },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
pub(crate) enum Adjacent {
    Nothing,
    New(String),
    Tuple(u8, f64),
    Struct { a: bool },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Untagged {
    Number(i64),
    Text(String),
    List(Vec<bool>),
    Struct { only: f64 },
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    First,
    Second,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Wrapped(pub(crate) Option<Vec<Unit>>);

/// A float as the key of a map.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FloatKey(pub f64);

impl PartialEq for FloatKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for FloatKey {}

impl std::hash::Hash for FloatKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Floating(pub(crate) HashMap<FloatKey, u8>);

pub(crate) fn finite() -> impl Strategy<Value = f64> + Clone {
    use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        4 => NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE,
        1 => prop::sample::select(vec![0.0, -0.0, 1.0, 0.1, 1e16, 1e21, 5e-324, f64::MAX, f64::MIN, f64::EPSILON, 0.1 + 0.2]),
    ]
}

pub(crate) fn finite_single() -> impl Strategy<Value = f32> + Clone {
    use prop::num::f32::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE
}

pub(crate) fn text() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        4 => prop::sample::select(vec!["", "a", "b", "paid", "pending", "ORD-1"]).prop_map(String::from),
        1 => prop::sample::select(vec!["\"", "\\", "\u{0}\u{1f}\u{7f}", "\n\r\t\u{8}\u{c}", "ä\u{2028}𝄞", "null"]).prop_map(String::from),
        1 => any::<String>(),
    ]
}

pub(crate) fn key() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        6 => prop::sample::select(vec!["", "a", "b", "c", "0", "-", "/", "~", "~1", "a/b", "~0/~1", "\"", "\n"]).prop_map(String::from),
        1 => any::<String>(),
    ]
}

fn line() -> impl Strategy<Value = Line> + Clone {
    let tags = prop::collection::btree_map(key(), text(), 0..3);
    (text(), 0_u32..4, finite(), tags).prop_map(|(sku, quantity, price, tags)| Line {
        sku,
        quantity,
        price,
        tags,
    })
}

fn numbers() -> impl Strategy<Value = Numbers> + Clone {
    let edge = |edges: Vec<i128>| prop::sample::select(edges);
    (
        prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)],
        prop_oneof![any::<u64>(), Just(u64::MAX), Just(0)],
        prop_oneof![
            any::<i128>(),
            edge(vec![i128::MIN, i128::MAX, i64::MIN as i128 - 1, u64::MAX as i128 + 1])
        ],
        prop_oneof![any::<u128>(), Just(u128::MAX)],
        finite(),
        finite_single(),
        any::<(u8, i16, u32)>(),
    )
        .prop_map(|(i64, u64, i128, u128, f64, f32, small)| Numbers {
            i64,
            u64,
            i128,
            u128,
            f64,
            f32,
            small,
        })
}

fn external() -> impl Strategy<Value = External> + Clone {
    prop_oneof![
        Just(External::Unit),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(External::New),
        (any::<i32>(), text()).prop_map(|(n, text)| External::Tuple(n, text)),
        (finite(), prop::option::of(finite())).prop_map(|(x, y)| External::Struct { x, y }),
    ]
}

fn internal() -> impl Strategy<Value = Internal> + Clone {
    prop_oneof![
        Just(Internal::Nothing),
        (text(), any::<u64>()).prop_map(|(name, count)| Internal::Named { name, count }),
    ]
}

fn adjacent() -> impl Strategy<Value = Adjacent> + Clone {
    prop_oneof![
        Just(Adjacent::Nothing),
        text().prop_map(Adjacent::New),
        (any::<u8>(), finite()).prop_map(|(n, float)| Adjacent::Tuple(n, float)),
        any::<bool>().prop_map(|a| Adjacent::Struct { a }),
    ]
}

fn untagged() -> impl Strategy<Value = Untagged> + Clone {
    prop_oneof![
        any::<i64>().prop_map(Untagged::Number),
        text().prop_map(Untagged::Text),
        prop::collection::vec(any::<bool>(), 0..3).prop_map(Untagged::List),
        finite().prop_map(|only| Untagged::Struct { only }),
    ]
}

/// Any JSON, with numbers that no Rust type has.
pub(crate) fn json() -> impl Strategy<Value = Json> + Clone {
    let number = prop_oneof![
        (0_u8..4).prop_map(Number::from),
        any::<i128>().prop_map(Number::from),
        prop::sample::select(vec![
            "1e400",
            "-0",
            "-0.0",
            "1.50",
            "1E+2",
            "123456789012345678901234567890123456789012345"
        ])
        .prop_map(|text| Number::parse(text).unwrap()),
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

fn value() -> impl Strategy<Value = serde_json::Value> + Clone {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        finite().prop_map(Into::into),
        text().prop_map(Into::into),
    ];
    leaf.prop_recursive(2, 10, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

fn raw() -> impl Strategy<Value = Box<RawValue>> + Clone {
    (json(), any::<bool>()).prop_map(|(json, spaced)| {
        let text = json.to_string();
        RawValue::from_string(if spaced {
            format!(" {text}\n").replace(":{", " : { ")
        } else {
            text
        })
        .unwrap_or_default()
    })
}

fn rest() -> impl Strategy<Value = BTreeMap<String, u8>> + Clone {
    prop::collection::btree_map(key().prop_map(|key| format!("+{key}")), any::<u8>(), 0..3)
}

pub(crate) fn state() -> impl Strategy<Value = State> + Clone {
    let lines = prop::collection::vec(line(), 0..5);
    let by_name = prop::collection::hash_map(key(), line(), 0..4);
    let by_number = prop::collection::btree_map(any::<i64>(), any::<Option<bool>>(), 0..3);
    let by_wide_number = prop::collection::hash_map(any::<u128>(), Just(()), 0..3);
    let units = prop::collection::vec(prop::sample::select(vec![Unit::First, Unit::Second]), 0..4);
    let tuple = (any::<i8>(), prop::option::of(text()), any::<[char; 2]>());
    (
        (text(), numbers(), lines, by_name, by_number, by_wide_number),
        (
            prop::collection::vec(external(), 0..4),
            internal(),
            prop::option::of(adjacent()),
        ),
        (
            prop::collection::vec(untagged(), 0..4),
            tuple,
            units.clone(),
            prop::option::of(units),
        ),
        (prop::option::of(line()), value(), raw(), rest()),
    )
        .prop_map(|(one, two, three, four)| State {
            id: one.0,
            numbers: one.1,
            lines: one.2,
            by_name: one.3,
            by_number: one.4,
            by_wide_number: one.5,
            externals: two.0,
            internal: two.1,
            adjacent: two.2,
            untagged: three.0,
            tuple: three.1,
            units: three.2,
            wrapped: Wrapped(three.3),
            optional: four.0.map(Box::new),
            value: four.1,
            raw: four.2,
            rest: four.3,
        })
}

/// A small change, as commands make them.
#[derive(Clone, Debug)]
enum Edit {
    Id(String),
    Numbers(Numbers),
    InsertLine(usize, Line),
    RemoveLine(usize),
    MoveLine(usize, usize),
    Quantity(usize, u32),
    Put(String, Line),
    Take(String),
    Reinsert,
    Externals(usize, External),
    Internal(Internal),
    Optional(Option<Line>),
    Value(serde_json::Value),
    Rest(BTreeMap<String, u8>),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        text().prop_map(Edit::Id),
        numbers().prop_map(Edit::Numbers),
        (any::<usize>(), line()).prop_map(|(at, line)| Edit::InsertLine(at, line)),
        any::<usize>().prop_map(Edit::RemoveLine),
        any::<(usize, usize)>().prop_map(|(from, to)| Edit::MoveLine(from, to)),
        (any::<usize>(), 0_u32..4).prop_map(|(at, quantity)| Edit::Quantity(at, quantity)),
        (key(), line()).prop_map(|(key, line)| Edit::Put(key, line)),
        key().prop_map(Edit::Take),
        Just(Edit::Reinsert),
        (any::<usize>(), external()).prop_map(|(at, external)| Edit::Externals(at, external)),
        internal().prop_map(Edit::Internal),
        prop::option::of(line()).prop_map(Edit::Optional),
        value().prop_map(Edit::Value),
        rest().prop_map(Edit::Rest),
    ]
}

impl State {
    fn edit(&mut self, edit: Edit) {
        let room = self.lines.len() + 1;
        let has_lines = !self.lines.is_empty();
        match edit {
            Edit::Id(id) => self.id = id,
            Edit::Numbers(numbers) => self.numbers = numbers,
            Edit::InsertLine(at, line) => self.lines.insert(at % room, line),
            Edit::RemoveLine(at) if has_lines => drop(self.lines.remove(at % (room - 1))),
            Edit::MoveLine(from, to) if has_lines => {
                let line = self.lines.remove(from % (room - 1));
                self.lines.insert(to % (room - 1), line);
            }
            Edit::Quantity(at, quantity) if has_lines => self.lines[at % (room - 1)].quantity = quantity,
            Edit::RemoveLine(_) | Edit::MoveLine(..) | Edit::Quantity(..) => {}
            Edit::Put(key, line) => drop(self.by_name.insert(key, line)),
            Edit::Take(key) => drop(self.by_name.remove(&key)),
            // another map, which iterates in another order
            Edit::Reinsert => self.by_name = self.by_name.drain().collect::<BTreeMap<_, _>>().into_iter().collect(),
            Edit::Externals(at, external) => self.externals.insert(at % (self.externals.len() + 1), external),
            Edit::Internal(internal) => self.internal = internal,
            Edit::Optional(line) => self.optional = line.map(Box::new),
            Edit::Value(value) => self.value = value,
            Edit::Rest(rest) => self.rest = rest,
        }
    }
}

/// A state, and what it becomes by a few edits.
pub(crate) fn similar_states() -> impl Strategy<Value = (State, State)> {
    (state(), prop::collection::vec(edit(), 0..4)).prop_map(|(old, edits)| {
        let mut new = old.clone();
        edits.into_iter().for_each(|edit| new.edit(edit));
        (old, new)
    })
}
