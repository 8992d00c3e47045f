//! The law of path operations: where a stream of patches folds to `d1`, `d2`, ..., the upcast patches fold to `T(d1)`,
//! `T(d2)`, ..., or the upcaster refuses, and only where its page says so. `T` is written here a second time, over whole
//! documents.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod change;
mod stream;

use asynx_core::patch::{Document, Json, Patch, Pointer};
use asynx_core::{EventName, SchemaVersion, Upcast};
use proptest::prelude::*;
use proptest::sample::select;

use change::Change;
use stream::{KEYS, Stream, stream};

/// Runs a stream through the upcasters of the changes. A patch that is refused, though it may be, is left out.
fn commutes(changes: &[Change], stream: &Stream, may_refuse: bool) -> Result<(), TestCaseError> {
    let chain = change::chain(changes);
    let name = EventName::parse("Edited").unwrap();
    let (mut old, mut new) = (Document::default(), Document::default());
    for edits in &stream.edits {
        let patch = stream.patch(&old, edits);
        let mut next = old.clone();
        let mut may_refuse = may_refuse;
        for operation in &patch.0 {
            let before = next.clone();
            next.apply_patch(&Patch(vec![operation.clone()])).unwrap();
            may_refuse |=
                changes.len() == 1 && changes[0].may_refuse(before.as_json(), operation.path(), next.as_json());
        }
        let expected = change::all(changes, next.as_json());
        let upcast = match chain.upcast(&name, SchemaVersion::FIRST, patch.clone()) {
            Ok(upcast) => upcast,
            Err(error) => {
                prop_assert!(may_refuse, "{old} {patch}: {error}");
                continue;
            }
        };
        let mut result = new.clone();
        if let Err(error) = result.apply_patch(&upcast) {
            prop_assert!(may_refuse, "{old} {patch} -> {new} {upcast}: {error}");
            continue;
        }
        let Some(expected) = expected else {
            let excused = change::waits_for_a_parent(changes, next.as_json());
            prop_assert!(excused, "{old} {patch} has no counterpart, but gave {upcast}");
            continue;
        };
        prop_assert_eq!(
            result.as_json(),
            expected.as_ref(),
            "{} {} -> {} {}",
            old,
            patch,
            new,
            upcast
        );
        (old, new) = (next, result);
    }
    Ok(())
}

fn path() -> impl Strategy<Value = &'static str> {
    select(vec![
        "/a",
        "/b",
        "/a/b",
        "/*/a",
        "/l/*/a",
        "/l/*/b/*/a",
        "/*/*/b",
        "/a/l/b",
        "/~0~1x",
        "/l/*/~0~1x",
    ])
}

fn starred_path() -> impl Strategy<Value = &'static str> {
    prop_oneof![path(), select(vec!["/*", "/a/*", "/l/*", "/*/*", "/l/*/a/*"])]
}

fn add_default() -> impl Strategy<Value = Change> {
    let value = select(vec!["5", "{}", r#"{"a":1}"#, r#"[{"b":2}]"#]);
    (path(), value).prop_map(|(path, value)| Change::AddDefault {
        path,
        value: Json::parse(value.as_bytes()).unwrap(),
    })
}

fn remove() -> impl Strategy<Value = Change> {
    starred_path().prop_map(|path| Change::Remove { path })
}

fn rename(keys: &'static [&'static str]) -> impl Strategy<Value = Change> {
    (path(), select(keys))
        .prop_filter("renamed to itself", |(path, key)| {
            Pointer::parse(*path).unwrap().last().unwrap() != *key
        })
        .prop_map(|(path, key)| Change::Rename { path, key })
}

fn move_to() -> impl Strategy<Value = Change> {
    select(vec![
        ("/a", "/b/l"),
        ("/a/b", "/b"),
        ("/a/b/l", "/b"),
        ("/a/b", "/l/b/c"),
        ("/a/b", "/a/l"),
        ("/a/b", "/a/l/b"),
        ("/*/a", "/*/b"),
        ("/l/*/a/b", "/l/*/b"),
        ("/l/*/a", "/l/*/b/a"),
        ("/l/*/b/*/a/b", "/l/*/b/*/l/a"),
    ])
    .prop_map(|(from, to)| Change::Move { from, to })
}

fn convert() -> impl Strategy<Value = Change> {
    let path = prop_oneof![starred_path(), Just("")];
    (path, any::<bool>()).prop_map(|(path, partial)| Change::Convert { path, partial })
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![add_default(), remove(), rename(&["a", "b", "c"]), move_to(), convert()]
}

/// What keeps a move within its law: the objects that are to hold the value are made first, and new.
fn prepared_move() -> impl Strategy<Value = Vec<Change>> {
    let make = |path| Change::AddDefault {
        path,
        value: Json::Object(Default::default()),
    };
    let shift = |from, to| Change::Move { from, to };
    select(vec![
        vec![make("/t"), shift("/a", "/t/u")],
        vec![make("/t"), shift("/a/b", "/t/u")],
        vec![make("/t"), make("/t/u"), shift("/a/b", "/t/u/v")],
        vec![make("/*/t"), shift("/*/a/b", "/*/t/u")],
        vec![make("/l/*/t"), shift("/l/*/a/b/a", "/l/*/t/u")],
        vec![make("/l/*/b/*/t"), shift("/l/*/b/*/a", "/l/*/b/*/t/u")],
        vec![
            shift("/a/b", "/t"),
            shift("/t/a", "/u"),
            Change::Rename { path: "/u", key: "v" },
        ],
        vec![
            shift("/l/*/a/b/l", "/l/*/t"),
            shift("/l/*/t/a", "/l/*/u"),
            Change::Remove { path: "/l/*/t" },
        ],
        vec![Change::Remove { path: "/b" }, Change::Rename { path: "/a", key: "b" }],
        vec![Change::Remove { path: "/*/b" }, shift("/*/a/l", "/*/b"), make("/*/b")],
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn add_default_commutes_and_never_refuses(change in add_default(), stream in stream()) {
        commutes(&[change], &stream, false)?;
    }

    #[test]
    fn remove_commutes_and_never_refuses(change in remove(), stream in stream()) {
        commutes(&[change], &stream, false)?;
    }

    #[test]
    fn rename_to_a_new_key_commutes_and_never_refuses(change in rename(&["t", "u", "~/y"]), stream in stream()) {
        prop_assert!(!KEYS.contains(&"t"));
        commutes(&[change], &stream, false)?;
    }

    #[test]
    fn rename_commutes_or_refuses_a_taken_key(change in rename(&["a", "b", "~/x"]), stream in stream()) {
        commutes(&[change], &stream, false)?;
    }

    #[test]
    fn move_to_commutes_or_refuses_what_is_not_in_the_patch(change in move_to(), stream in stream()) {
        commutes(&[change], &stream, false)?;
    }

    #[test]
    fn a_prepared_move_commutes_and_never_refuses(changes in prepared_move(), stream in stream()) {
        // Two changes or more: `commutes` allows no refusal on its own.
        commutes(&changes, &stream, false)?;
    }

    #[test]
    fn convert_commutes_or_refuses_an_inside(change in convert(), stream in stream()) {
        commutes(&[change], &stream, false)?;
    }

    #[test]
    fn compositions_commute_or_refuse(changes in prop::collection::vec(any_change(), 2..=4), stream in stream()) {
        commutes(&changes, &stream, true)?;
    }
}
