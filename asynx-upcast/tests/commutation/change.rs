//! What the operations do to whole documents, by the places that a path has in each.

use asynx_core::patch::{Json, Pointer};
use asynx_upcast::{Chain, PathOperation, Upcaster};

#[derive(Debug, Clone)]
pub(crate) enum Change {
    AddDefault { path: &'static str, value: Json },
    Remove { path: &'static str },
    Rename { path: &'static str, key: &'static str },
    Move { from: &'static str, to: &'static str },
    Convert { path: &'static str, partial: bool },
}

/// A chain of as many steps as there are changes; the last two share a step.
pub(crate) fn chain(changes: &[Change]) -> Chain {
    let mut operations: Vec<_> = changes.iter().map(Change::operation).collect();
    let last = operations.pop().unwrap();
    let mut builder = Chain::builder(u32::try_from(changes.len().max(2)).unwrap());
    let mut from = 1;
    while operations.len() > 1 {
        builder = builder.step(from, operations.remove(0));
        from += 1;
    }
    let builder = match operations.pop() {
        Some(operation) => builder.step(from, operation.then(last)),
        None => builder.step(from, last),
    };
    builder.build().unwrap()
}

/// The changes one after the other; none where one of them has no answer.
pub(crate) fn all(changes: &[Change], document: Option<&Json>) -> Option<Option<Json>> {
    let Some(document) = document else {
        return Some(None);
    };
    changes
        .iter()
        .try_fold(document.clone(), |document, change| change.apply(document))
        .map(Some)
}

/// Whether there is no answer because a move finds no object to hold its value, and a later change may make one: the
/// patch of that move does not apply, but nobody applies it.
pub(crate) fn waits_for_a_parent(changes: &[Change], document: Option<&Json>) -> bool {
    let Some(mut document) = document.cloned() else {
        return false;
    };
    for change in &changes[..changes.len() - 1] {
        match (change.apply(document.clone()), change) {
            (Some(next), _) => document = next,
            (None, Change::Move { to, .. }) => return places(&document, to).is_empty(),
            (None, _) => return false,
        }
    }
    false
}

impl Change {
    fn operation(&self) -> PathOperation {
        match self {
            Self::AddDefault { path, value } => asynx_upcast::add_default(path, value.clone()),
            Self::Remove { path } => asynx_upcast::remove(path),
            Self::Rename { path, key } => asynx_upcast::rename(path, key),
            Self::Move { from, to } => asynx_upcast::move_to(from, to),
            &Self::Convert { path, partial } => {
                asynx_upcast::convert(path, move |value| converted(value, partial).ok_or("no number"))
            }
        }
    }

    fn apply(&self, mut document: Json) -> Option<Json> {
        match self {
            Self::AddDefault { path, value } => {
                let (parent, key) = split(path);
                for place in places(&document, &parent) {
                    if let Some(Json::Object(members)) = document.pointer_mut(&place)
                        && members.get(&key).is_none()
                    {
                        members.insert(key.clone(), value.clone());
                    }
                }
            }
            Self::Remove { path } => {
                // From the end, so that the elements before keep their places.
                for place in places(&document, path).iter().rev() {
                    cut(&mut document, place)?;
                }
            }
            Self::Rename { path, key } => {
                let (parent, _) = split(path);
                let to = Pointer::parse(parent).unwrap().child(key);
                return relocated(document, path, to.as_str());
            }
            Self::Move { from, to } => return relocated(document, from, to),
            &Self::Convert { path, partial } => {
                for place in places(&document, path) {
                    let value = document.pointer_mut(&place)?;
                    *value = converted(value.clone(), partial)?;
                }
            }
        }
        Some(document)
    }

    /// Whether the page of the operation allows it to refuse this.
    pub(crate) fn may_refuse(&self, before: Option<&Json>, path: &Pointer, after: Option<&Json>) -> bool {
        let depth = path.tokens().count();
        match self {
            Self::AddDefault { .. } | Self::Remove { .. } => false,
            Self::Rename { path: from, key } => {
                let to = Pointer::parse(split(from).0).unwrap().child(key);
                ![before, after]
                    .into_iter()
                    .all(|document| holds(document, from, to.as_str()))
            }
            Self::Move { from, to } => {
                let between = depth > base(from, to) && depth < Pointer::parse(*to).unwrap().tokens().count();
                let between = between && leads(to, path);
                between || ![before, after].into_iter().all(|document| holds(document, from, to))
            }
            Self::Convert { path: converted, .. } => {
                let inside = leads_into(converted, path);
                inside || after.is_some_and(|after| self.apply(after.clone()).is_none())
            }
        }
    }
}

fn converted(value: Json, partial: bool) -> Option<Json> {
    match value {
        Json::Number(number) => Some(Json::String(number.as_str().to_owned())),
        _ if partial => None,
        other => Some(Json::Array(vec![other, Json::from("converted")])),
    }
}

/// Moves what is at each place; none where a target is taken, or has no object to hold it.
fn relocated(mut document: Json, from: &str, to: &str) -> Option<Json> {
    let taken = |document: &Json| places(document, to);
    if !taken(&document).is_empty() {
        return None;
    }
    for place in places(&document, from) {
        let value = cut(&mut document, &place)?;
        let shared: Vec<_> = place
            .tokens()
            .take(base(from, to))
            .map(|token| token.into_owned())
            .collect();
        let rest: Vec<_> = tokens(to).into_iter().skip(shared.len()).collect();
        let target = shared
            .into_iter()
            .chain(rest)
            .fold(Pointer::root(), |target, token| target.child(&token));
        let Json::Object(members) = document.pointer_mut(&target.parent()?)? else {
            return None;
        };
        members.insert(target.last()?.into_owned(), value);
    }
    Some(document)
}

/// Whether the document is one that a move from `from` to `to` is right for.
fn holds(document: Option<&Json>, from: &str, to: &str) -> bool {
    let Some(document) = document else {
        return true;
    };
    let to_tokens = tokens(to);
    let base_path = to_tokens[..base(from, to)]
        .iter()
        .fold(Pointer::root(), |path, token| path.child(token));
    let holders_are_there = places(document, base_path.as_str()).into_iter().all(|place| {
        let mut holder = document.pointer(&place).unwrap();
        if holder.as_object().is_none() {
            return true;
        }
        for key in &to_tokens[base(from, to)..to_tokens.len() - 1] {
            match holder.get(key) {
                Some(next) if next.as_object().is_some() => holder = next,
                _ => return false,
            }
        }
        true
    });
    holders_are_there && places(document, to).is_empty()
}

fn cut(document: &mut Json, place: &Pointer) -> Option<Json> {
    let last = place.last()?.into_owned();
    match document.pointer_mut(&place.parent()?)? {
        Json::Object(members) => members.remove(&last),
        Json::Array(elements) => Some(elements.remove(last.parse().ok()?)),
        _ => None,
    }
}

/// Every place in the document that the path stands for, in order.
fn places(document: &Json, path: &str) -> Vec<Pointer> {
    let mut found = vec![Pointer::root()];
    for wanted in tokens(path) {
        let mut deeper = Vec::new();
        for place in found {
            match document.pointer(&place).unwrap() {
                Json::Object(members) => {
                    let keys = members.keys().filter(|&key| wanted == "*" || wanted == key);
                    deeper.extend(keys.map(|key| place.child(key)));
                }
                Json::Array(elements) if wanted == "*" => {
                    deeper.extend((0..elements.len()).map(|at| place.element(at)));
                }
                _ => {}
            }
        }
        found = deeper;
    }
    found
}

fn tokens(path: &str) -> Vec<String> {
    let path = Pointer::parse(path).unwrap();
    path.tokens().map(|token| token.into_owned()).collect()
}

fn split(path: &str) -> (String, String) {
    let path = Pointer::parse(path).unwrap();
    let parent = path.parent().unwrap();
    (parent.as_str().to_owned(), path.last().unwrap().into_owned())
}

/// How many tokens both paths begin with.
fn base(from: &str, to: &str) -> usize {
    let (from, to) = (tokens(from), tokens(to));
    from.iter().zip(&to).take_while(|(from, to)| from == to).count()
}

/// Whether `path` leads to or through what a `pattern` of at least its length begins with.
fn leads(pattern: &str, path: &Pointer) -> bool {
    let pattern = tokens(pattern);
    path.tokens()
        .zip(&pattern)
        .all(|(token, wanted)| wanted == "*" || *wanted == *token)
}

fn leads_into(pattern: &str, path: &Pointer) -> bool {
    path.tokens().count() > tokens(pattern).len() && leads(pattern, path)
}
