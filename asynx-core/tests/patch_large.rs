//! What is large, deep or in another order must neither be slow nor overflow.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use asynx_core::patch::{Document, Patch, Tape, diff};

/// Runs what must not be quadratic; generous, because tests run unoptimised and side by side.
fn soon<T>(work: impl FnOnce() -> T) -> T {
    let limit = Duration::from_secs(5);
    #[expect(clippy::disallowed_methods, reason = "the time that passes is what is tested")]
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
    let all = [&numbers, &reversed, &others, &scattered, &halves, &few, &swapped];
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
        let object = |n: &u32| HashMap::from([("id".to_owned(), n.to_string()), ("n".to_owned(), (n % 7).to_string())]);
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
fn many_removals_and_insertions_at_once() {
    let item = |n: usize| format!("an item, number {n}");
    let old: Vec<_> = (0..5_000).map(item).collect();
    let mut new: Vec<_> = (0..5_000).filter(|n| n % 7 != 0).map(item).collect();
    let removed = old.len() - new.len();
    (0..10).for_each(|n| new.insert(n * 400 + 13, item(n + 5_000)));
    let patch = soon(|| leads(&Tape::of(&old).unwrap(), &Tape::of(&new).unwrap()));
    assert_eq!(Patch::parse(&patch).unwrap().0.len(), removed + 10);
}

#[test]
fn large_maps_in_another_order() {
    let map =
        |numbers: &mut dyn Iterator<Item = u32>| numbers.map(|n| (n.to_string(), vec![n])).collect::<HashMap<_, _>>();
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
        let text = format!("{}{leaf}{}", r#"[{"a":"#.repeat(63), "}]".repeat(63));
        Tape::parse(text.as_bytes()).unwrap()
    };
    let patch = soon(|| leads(&deep("1"), &deep("[2]")));
    assert!(patch.len() < 600);
}
