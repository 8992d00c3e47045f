//! The laws of the differ, D1 to D4, D6, D8 and D9, over arbitrary states. D5 and D7 have files of their own.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod patch_states;

use asynx_core::patch::{Document, Json, Operation, Patch, Pointer, Tape, create, diff};
use patch_states::*;
use proptest::prelude::*;
use serde::Serialize;

fn tape<T: Serialize + ?Sized>(state: &T) -> Tape {
    Tape::of(state).unwrap()
}

fn replay(old: &Tape, patch: &[u8]) -> Tape {
    let mut document = Document::parse(old.text()).unwrap();
    document.apply(patch).unwrap();
    document.tape().unwrap()
}

fn replay_by_oracle(old: &Tape, patch: &[u8]) -> Option<serde_json::Value> {
    let mut value = serde_json::from_slice(old.text()).ok()?;
    let patch: json_patch::Patch = serde_json::from_slice(patch).ok()?;
    json_patch::patch(&mut value, &patch).unwrap();
    Some(value)
}

fn check_laws(old: &Tape, new: &Tape) {
    let patch = diff(old, new);
    let text = String::from_utf8(patch.clone()).unwrap();

    let replayed = replay(old, &patch);
    assert!(replayed.same(new), "D1: {text}\nleads to {replayed}\nnot to   {new}");
    if let (Some(value), Ok(expected)) = (
        replay_by_oracle(old, &patch),
        serde_json::from_slice::<serde_json::Value>(new.text()),
    ) {
        assert_eq!(value, expected, "D1, by the oracle: {text}");
    }

    assert_eq!(diff(new, new), b"[]", "D2");
    assert_eq!(
        patch == b"[]",
        old.same(new),
        "D2: only the same states have no difference"
    );

    let whole = Patch(vec![Operation::Replace {
        path: Pointer::root(),
        value: new.to_json(),
    }])
    .to_vec();
    assert!(patch.len() <= whole.len(), "D3: {text}");

    // D8: `Patch::parse` knows no other operations
    let parsed = Patch::parse(&patch).unwrap();
    assert_eq!(parsed.to_vec(), patch);
    let mut document = Document::parse(old.text()).unwrap();
    document.apply_patch(&parsed).unwrap();
    assert!(document.tape().unwrap().same(new));

    let first = create(new);
    assert_eq!(
        String::from_utf8(first.clone()).unwrap(),
        format!(r#"[{{"op":"add","path":"","value":{new}}}]"#),
        "D6"
    );
    let mut document = Document::default();
    document.apply(&first).unwrap();
    assert!(document.tape().unwrap().same(new), "D6");
}

fn longest_common(left: &[u8], right: &[u8]) -> usize {
    let mut best = vec![0; right.len() + 1];
    for a in left {
        let mut diagonal = 0;
        for (j, b) in right.iter().enumerate() {
            let here = if a == b { diagonal + 1 } else { best[j + 1].max(best[j]) };
            diagonal = std::mem::replace(&mut best[j + 1], here);
        }
    }
    best[right.len()]
}

proptest! {
    #[test]
    fn patches_lead_from_any_state_to_any_other(old in state(), new in state()) {
        check_laws(&tape(&old), &tape(&new));
    }

    #[test]
    fn patches_lead_from_a_state_to_a_similar_one((old, new) in similar_states()) {
        check_laws(&tape(&old), &tape(&new));
    }

    #[test]
    fn patches_lead_from_any_json_to_any_other(old in json(), new in json()) {
        check_laws(&Tape::parse(&old.to_vec()).unwrap(), &Tape::parse(&new.to_vec()).unwrap());
    }

    #[test]
    fn replayed_states_decode_to_what_they_were((old, new) in similar_states()) {
        let (old, new) = (tape(&old), tape(&new));
        let replayed = replay(&old, &diff(&old, &new));
        let decoded: State = serde_json::from_slice(replayed.text()).unwrap();
        prop_assert!(tape(&decoded).same(&new), "{} not {}", tape(&decoded), new);
    }

    #[test]
    fn tapes_say_what_serde_json_says(state in state()) {
        // `1e+20` is `1e20`
        let plain = |text: &[u8]| Json::parse(String::from_utf8_lossy(text).replace("e+", "e").as_bytes()).unwrap();
        let own = plain(tape(&state).text());
        let theirs = plain(&serde_json::to_vec(&state).unwrap());
        prop_assert_eq!(own, theirs);
    }

    #[test]
    fn floats_survive_bit_for_bit(
        floats in prop::collection::vec(finite(), 0..20),
        singles in prop::collection::vec(finite_single(), 0..20),
    ) {
        let decoded: (Vec<f64>, Vec<f32>) = serde_json::from_slice(tape(&(&floats, &singles)).text()).unwrap();
        prop_assert!(floats.iter().map(|float| float.to_bits()).eq(decoded.0.iter().map(|float| float.to_bits())));
        prop_assert!(singles.iter().map(|float| float.to_bits()).eq(decoded.1.iter().map(|float| float.to_bits())));
    }

    #[test]
    fn parsing_and_writing_are_inverse(json in json()) {
        let text = json.to_vec();
        prop_assert_eq!(&Json::parse(&text).unwrap(), &json);
        let parsed = Tape::parse(&text).unwrap();
        prop_assert_eq!(parsed.text(), text.as_slice());
        prop_assert_eq!(parsed.to_json(), json.clone());
        prop_assert!(Tape::try_from(&json).unwrap().same(&parsed));
    }

    #[test]
    fn d4_as_many_operations_as_elements_were_removed(
        elements in prop::collection::vec(0_u8..6, 0..60),
        kept in prop::collection::vec(any::<bool>(), 60),
    ) {
        let item = |n: &u8| format!("an item, number {n}");
        let all: Vec<_> = elements.iter().map(item).collect();
        let some: Vec<_> = elements.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(n, _)| item(n)).collect();
        // long elements at both ends, or it would be shorter to replace the list
        let long = |list: &[String]| [&["x".repeat(5_000)], list, &["y".repeat(5_000)]].concat();
        let (old, new) = (tape(&long(&all)), tape(&long(&some)));
        let count = |old: &Tape, new: &Tape| Patch::parse(&diff(old, new)).unwrap().0.len();
        prop_assert_eq!(count(&old, &new), all.len() - some.len());
        prop_assert_eq!(count(&new, &old), all.len() - some.len());
        check_laws(&old, &new);
        check_laws(&new, &old);
    }

    #[test]
    fn d4_no_more_operations_than_the_shortest_script(
        left in prop::collection::vec(0_u8..6, 0..40),
        right in prop::collection::vec(0_u8..6, 0..40),
    ) {
        let item = |n: &u8| format!("an item, number {n}");
        let long = |list: &[u8]| {
            let list: Vec<_> = list.iter().map(item).collect();
            [&["x".repeat(5_000)], &list[..], &["y".repeat(5_000)]].concat()
        };
        let (old, new) = (tape(&long(&left)), tape(&long(&right)));
        let count = Patch::parse(&diff(&old, &new)).unwrap().0.len();
        prop_assert!(count <= left.len() + right.len() - 2 * longest_common(&left, &right));
        check_laws(&old, &new);
    }

    #[test]
    fn texts_are_json_exactly_if_serde_json_says_so(
        json in json(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        insert: bool,
    ) {
        const BYTES: &[u8] = b"[]{}\",:0.1e-+tnud8 \\\n\xc3\x01";
        let mut text = json.to_vec();
        for (at, byte) in edits {
            let byte = BYTES[usize::from(byte) % BYTES.len()];
            match at.index(text.len() + 1) {
                at if insert || at == text.len() => text.insert(at, byte),
                at => text[at] = byte,
            }
        }
        let theirs = serde_json::from_slice::<&serde_json::value::RawValue>(&text).is_ok();
        match (Json::parse(&text), Tape::parse(&text)) {
            (Ok(json), Ok(tape)) => {
                prop_assert!(theirs);
                prop_assert_eq!(tape.to_string(), json.to_string());
            }
            (Err(error), Err(other)) => {
                let stricter = ["duplicate key before", "lone surrogate in a string"].contains(&error.reason());
                prop_assert!(stricter || !theirs, "{error}");
                prop_assert!(stricter || error == other, "{error}, {other}");
            }
            (json, tape) => prop_assert!(false, "{json:?} {tape:?}"),
        }
    }

    #[test]
    fn d4_one_operation_for_one_element(at in 0_usize..100, what in 0_usize..3) {
        let old: Vec<_> = (0..100).map(|n| format!("item {n}")).collect();
        let mut new = old.clone();
        match what {
            0 => drop(new.remove(at)),
            1 => new.insert(at, "new".to_owned()),
            _ => new[at] = "new".to_owned(),
        }
        let patch = Patch::parse(&diff(&tape(&old), &tape(&new))).unwrap();
        prop_assert_eq!(patch.0.len(), 1);
        prop_assert_eq!(patch.0[0].path().as_str(), format!("/{at}"));
        prop_assert_eq!(patch.0[0].name(), ["remove", "add", "replace"][what]);
    }

    #[test]
    fn d9_order_of_members_is_no_difference(
        members in prop::collection::btree_map(key(), json(), 0..60),
        others in prop::collection::btree_map(".{0,9}", 0_u8..3, 0..60),
        seed: u64,
    ) {
        let shuffled = |mut members: Vec<(String, Json)>| {
            members.sort_by_key(|(key, _)| {
                use std::hash::{DefaultHasher, Hash, Hasher};
                let mut hasher = DefaultHasher::new();
                (seed, key).hash(&mut hasher);
                hasher.finish()
            });
            members
        };
        let object = |members: Vec<(String, Json)>| Json::Object(members.into_iter().collect());
        let members: Vec<_> = members.into_iter().collect();
        let others: Vec<_> = others.into_iter().map(|(key, value)| (key, Json::from(value))).collect();
        let old = Json::from(vec![object(members.clone()), object(others.clone())]);
        let new = Json::from(vec![object(shuffled(members)), object(shuffled(others))]);
        let (old, new) = (Tape::try_from(&old).unwrap(), Tape::try_from(&new).unwrap());
        prop_assert!(old.same(&new));
        prop_assert_eq!(diff(&old, &new), b"[]");
        // also where it sits in an element that moves
        let moved = Tape::parse(format!("[0,1,{old}]").as_bytes()).unwrap();
        let unmoved = Tape::parse(format!("[1,{new},2]").as_bytes()).unwrap();
        check_laws(&moved, &unmoved);
        prop_assert!(diff(&moved, &unmoved).len() < 90);
    }
}
