use asynx_core::patch::{Json, Operation};

use super::operation::Rule;
use super::pattern::{Pattern, Relation, visit};
use super::step::Step;
use super::{PathError, PathOperation, Refusal};

/// Gives every object at the parent of `path` the member that `path` ends with, where it is missing. A member that is
/// there stays, `null` included.
///
/// Right for every stream: an object that arrives without the member gets it, however it arrives; a member that the
/// older schema had as an optional one and removes falls back to `value`.
///
/// # Errors
/// When the chain is built: a [`PathError`] if `path` does not end with a key, or is [no path](crate#paths). Patches are
/// never refused.
pub fn add_default(path: &str, value: impl Into<Json>) -> PathOperation {
    let description = format!("add_default({path:?})");
    PathOperation::new(description, AddDefault::new(path, value.into()))
}

struct AddDefault {
    pattern: Pattern,
    key: String,
    value: Json,
}

impl AddDefault {
    fn new(path: &str, value: Json) -> Result<Self, PathError> {
        let (pattern, key) = Pattern::parse_member(path)?;
        Ok(Self { pattern, key, value })
    }

    fn complete(&self, parent: &mut Json) {
        if let Some(members) = parent.as_object_mut()
            && !members.contains_key(&self.key)
        {
            members.insert(self.key.clone(), self.value.clone());
        }
    }
}

impl Rule for AddDefault {
    fn apply(&self, mut step: Step, out: &mut Vec<Step>) -> Result<(), Refusal> {
        match self.pattern.relation(step.path()) {
            Relation::Above(depth) => {
                if let Some(value) = step.value_mut() {
                    let segments = self.pattern.segments();
                    visit(&segments[depth..segments.len() - 1], value, &mut |parent| {
                        self.complete(parent);
                        Ok(())
                    })?;
                }
            }
            Relation::At => {
                let value = self.value.clone();
                step = match step {
                    Step::Operation(Operation::Remove { path }) => Step::Operation(Operation::Replace { path, value }),
                    Step::Clear(path) => Step::Operation(Operation::Add { path, value }),
                    other => other,
                };
            }
            Relation::Below | Relation::Apart => {}
        }
        out.push(step);
        Ok(())
    }
}
