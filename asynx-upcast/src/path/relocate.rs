use asynx_core::patch::{Json, Operation, Pointer};

use super::operation::Rule;
use super::pattern::{Pattern, Relation, Segment, key, visit};
use super::step::Step;
use super::{PathError, PathOperation, Refusal};

/// Renames the member at `path` to `new_key`, in every object at the parent of `path` that has it.
///
/// Right for every stream in which no such object has a member `new_key` before the step; if the older schema has remains
/// of one, remove them first: `remove("/addr").then(rename("/address", "addr"))`. `new_key` is not escaped.
///
/// # Errors
/// When the chain is built: a [`PathError`] if `path` does not end with a key, or is [no path](crate#paths); if `new_key`
/// is `*` or could be an index; or if it is the key before.
///
/// On a patch: [`Refusal::Occupied`] if it touches `new_key`, or brings an object that has it.
pub fn rename(path: &str, new_key: &str) -> PathOperation {
    let description = format!("rename({path:?}, {new_key:?})");
    PathOperation::new(description, Relocate::rename(path, new_key))
}

/// Moves the value at `from` to `to`, where it is there.
///
/// The two paths must have everything up to the last `*` in common, and neither may lie inside of the other: `/street` to
/// `/address/street`, or `/lines/*/price/amount` to `/lines/*/amount`. Call the longest path that they share the base.
/// Right for every stream in which, before the step,
///
/// 1. nothing is at `to`;
/// 2. wherever an object is at the base, the objects that are to hold the value are there. If the older schema does not
///    have them, make them first: `add_default("/address", Object::new()).then(move_to("/street", "/address/street"))`;
/// 3. no object between the base and `to` is added, replaced or removed by itself: what was moved into it is not in the
///    patch.
///
/// Objects that held the value at `from` stay, also when it was their last member.
///
/// If an object between the base and `from` is replaced or removed, the value at `to` goes with it. Since the patch does
/// not tell whether it was there, this is written as an `add` of `null` at `to` and a `remove` right behind it. A closure
/// that runs later must expect the pair; path operations know it.
///
/// # Errors
/// When the chain is built: a [`PathError`] if a path does not end with a key, or is [no path](crate#paths); if the paths
/// part before their last `*`; or if one is, or lies inside of, the other.
///
/// On a patch: [`Refusal::Occupied`] where 1 does not hold, [`Refusal::Parent`] for 3, and for 2 [`Refusal::NoParent`] if
/// the value arrives together with its base. Where it arrives by itself, that cannot be seen in the patch: the upcast one
/// does not apply, unless an operation after this one makes the object, which belongs before.
pub fn move_to(from: &str, to: &str) -> PathOperation {
    let description = format!("move_to({from:?}, {to:?})");
    PathOperation::new(description, Relocate::move_to(from, to))
}

struct Relocate {
    from: Pattern,
    to: Pattern,
    /// How many segments the two have in common.
    base: usize,
    /// The rest of `from`, at least one key.
    from_keys: Vec<String>,
    /// The rest of `to`: the keys of the objects that hold the target, and its own.
    to_parents: Vec<String>,
    to_key: String,
}

impl Relocate {
    fn rename(path: &str, new_key: &str) -> Result<Self, PathError> {
        let (from, key_before) = Pattern::parse_member(path)?;
        if new_key == "*" {
            return Err(PathError::NoMember {
                path: new_key.to_owned(),
            });
        }
        let to_key = key(new_key)?;
        if to_key == key_before {
            return Err(PathError::Nested {
                from: path.to_owned(),
                to: path.to_owned(),
            });
        }
        Ok(Self {
            to: from.sibling(to_key.clone()),
            base: from.segments().len() - 1,
            from,
            from_keys: vec![key_before],
            to_parents: Vec::new(),
            to_key,
        })
    }

    fn move_to(from_path: &str, to_path: &str) -> Result<Self, PathError> {
        let (from, _) = Pattern::parse_member(from_path)?;
        let (to, _) = Pattern::parse_member(to_path)?;
        let shared = from.segments().iter().zip(to.segments());
        let base = shared.take_while(|(from, to)| from == to).count();
        let paths = || (from_path.to_owned(), to_path.to_owned());
        let keys = |pattern: &Pattern| {
            let key = |segment: &Segment| match segment {
                Segment::Key(key) => Ok(key.clone()),
                Segment::Any => {
                    let (from, to) = paths();
                    Err(PathError::Wildcards { from, to })
                }
            };
            pattern.segments()[base..]
                .iter()
                .map(key)
                .collect::<Result<Vec<_>, _>>()
        };
        let from_keys = keys(&from)?;
        let mut to_parents = keys(&to)?;
        let (false, Some(to_key)) = (from_keys.is_empty(), to_parents.pop()) else {
            let (from, to) = paths();
            return Err(PathError::Nested { from, to });
        };
        Ok(Self {
            from,
            to,
            base,
            from_keys,
            to_parents,
            to_key,
        })
    }

    /// Moves the value within what is at the base.
    fn relocate(&self, base: &mut Json) -> Result<(), Refusal> {
        let moved = take(base, &self.from_keys);
        let parent = self.to_parents.iter().try_fold(base, |json, key| json.get_mut(key));
        let parent = parent.and_then(Json::as_object_mut);
        match (moved, parent) {
            (_, Some(parent)) if parent.contains_key(&self.to_key) => Err(Refusal::Occupied),
            (Some(moved), Some(parent)) => {
                parent.insert(self.to_key.clone(), moved);
                Ok(())
            }
            (Some(_), None) => Err(Refusal::NoParent),
            (None, _) => Ok(()),
        }
    }

    /// The target with the base that `path` leads through or into.
    fn target(&self, path: &Pointer) -> Pointer {
        let mut target = Pointer::root();
        for token in path.tokens().take(self.base) {
            target.push(&token);
        }
        for key in &self.to_parents {
            target.push(key);
        }
        target.push(&self.to_key);
        target
    }

    /// Keeps the target in step with an object between the base and the source, this many segments down.
    fn between(&self, depth: usize, mut step: Step, out: &mut Vec<Step>) {
        let path = self.target(step.path());
        let arrived = step
            .value_mut()
            .and_then(|value| take(value, &self.from_keys[depth - self.base..]));
        out.push(step);
        out.push(match arrived {
            Some(value) => Step::Operation(Operation::Add { path, value }),
            None => Step::Clear(path),
        });
    }
}

impl Rule for Relocate {
    fn apply(&self, mut step: Step, out: &mut Vec<Step>) -> Result<(), Refusal> {
        match self.from.relation(step.path()) {
            Relation::Above(depth) if depth > self.base => {
                self.between(depth, step, out);
                return Ok(());
            }
            Relation::Above(depth) => {
                if let Some(value) = step.value_mut() {
                    let segments = &self.from.segments()[depth..self.base];
                    visit(segments, value, &mut |base| self.relocate(base))?;
                }
            }
            Relation::At | Relation::Below => {
                let mut path = self.target(step.path());
                for token in step.path().tokens().skip(self.from.segments().len()) {
                    path.push(&token);
                }
                *step.path_mut() = path;
            }
            Relation::Apart => match self.to.relation(step.path()) {
                Relation::At | Relation::Below => return Err(Refusal::Occupied),
                Relation::Above(_) => return Err(Refusal::Parent),
                Relation::Apart => {}
            },
        }
        out.push(step);
        Ok(())
    }
}

/// Takes away the member that the keys lead to.
fn take(json: &mut Json, keys: &[String]) -> Option<Json> {
    let (last, parents) = keys.split_last()?;
    let parent = parents.iter().try_fold(json, |json, key| json.get_mut(key))?;
    parent.as_object_mut()?.remove(last)
}
