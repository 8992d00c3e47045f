//! Random streams of patches: edits of whatever document is there.

use asynx_core::patch::{Document, Json, Operation, Patch, Pointer, create, diff};
use proptest::prelude::*;
use proptest::sample::select;

/// Few, so that documents have the paths of the tests; and those that arrays, pointers and patterns read in their own way.
pub(crate) const KEYS: &[&str] = &["a", "b", "l", "a", "b", "l", "~/x", "0", "-", "*"];

/// A change that finds its place in any document.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    walk: Vec<u8>,
    verb: Verb,
    key: &'static str,
    value: Json,
}

#[derive(Debug, Clone, Copy)]
enum Verb {
    Replace,
    Remove,
    /// A new member or element, or one that was there.
    AddInside,
    /// At the place of a value: a member is replaced, an element moves on.
    AddAt,
}

/// What happens to a document, a few edits at a time.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) edits: Vec<Vec<Edit>>,
    /// Whether the patches are what asynx makes of the states before and after, or the edits as they are.
    differ: bool,
}

impl Stream {
    /// The edits as one patch of this document.
    pub(crate) fn patch(&self, old: &Document, edits: &[Edit]) -> Patch {
        let mut next = old.clone();
        let mut operations = Vec::new();
        for edit in edits {
            operations.push(edit.operation(next.as_json()));
            next.apply_patch(&Patch(operations[operations.len() - 1..].to_vec()))
                .unwrap();
        }
        if !self.differ || next.is_absent() {
            return Patch(operations);
        }
        let next = next.tape().unwrap();
        let patch = match old.tape() {
            Ok(old) => diff(&old, &next),
            Err(_) => create(&next),
        };
        Patch::parse(&patch).unwrap()
    }
}

pub(crate) fn stream() -> impl Strategy<Value = Stream> {
    let edits = prop::collection::vec(prop::collection::vec(edit(), 1..4), 1..8);
    (edits, any::<bool>()).prop_map(|(edits, differ)| Stream { edits, differ })
}

fn edit() -> impl Strategy<Value = Edit> {
    let verb = select(vec![
        Verb::Replace,
        Verb::Remove,
        Verb::AddInside,
        Verb::AddInside,
        Verb::AddAt,
    ]);
    let walk = prop::collection::vec(any::<u8>(), 0..6);
    (walk, verb, select(KEYS), json()).prop_map(|(walk, verb, key, value)| Edit { walk, verb, key, value })
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        (0_u8..4).prop_map(Json::from),
        Just(Json::from("text"))
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let elements = prop::collection::vec(inner.clone(), 0..4);
        let members = prop::collection::vec((select(KEYS), inner), 0..5);
        prop_oneof![
            1 => elements.prop_map(Json::Array),
            3 => members.prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

impl Edit {
    /// The edit as an operation that applies to this document.
    pub(crate) fn operation(&self, document: Option<&Json>) -> Operation {
        let value = self.value.clone();
        let Some(root) = document else {
            let path = Pointer::root();
            return Operation::Add { path, value };
        };
        let (path, place) = self.place(root);
        let inside = match place {
            Json::Object(_) => Some(path.child(self.key)),
            Json::Array(elements) => Some(match usize::from(self.walk.first().copied().unwrap_or(0)) {
                odd if odd % 5 == 0 => path.child("-"),
                any => path.element(any % (elements.len() + 1)),
            }),
            _ => None,
        };
        match (self.verb, inside) {
            (Verb::AddInside, Some(path)) => Operation::Add { path, value },
            (Verb::AddAt, _) => Operation::Add { path, value },
            (Verb::Remove, _) => Operation::Remove { path },
            (Verb::Replace | Verb::AddInside, _) => Operation::Replace { path, value },
        }
    }

    /// Walks down: each number chooses one of the members or elements, or to stay.
    fn place<'a>(&self, root: &'a Json) -> (Pointer, &'a Json) {
        let (mut path, mut place) = (Pointer::root(), root);
        for &choice in &self.walk {
            let children: Vec<_> = match place {
                Json::Object(members) => members.iter().map(|(key, value)| (key.to_owned(), value)).collect(),
                Json::Array(elements) => elements
                    .iter()
                    .enumerate()
                    .map(|(at, value)| (at.to_string(), value))
                    .collect(),
                _ => Vec::new(),
            };
            let Some((token, value)) = children.get(usize::from(choice) % (children.len() + 1)) else {
                break;
            };
            path.push(token);
            place = value;
        }
        (path, place)
    }
}
