use asynx_core::patch::Json;

use super::operation::Rule;
use super::pattern::{Pattern, Relation, Segment, visit};
use super::step::Step;
use super::{PathError, PathOperation, Refusal};

/// Removes what is at `path`: the member, or all elements or members if `path` ends with `*`.
///
/// Right for every stream: operations at or inside of the path go, and it is cut out of what arrives with an ancestor.
///
/// # Errors
/// When the chain is built: a [`PathError`] if `path` is the root, or is [no path](crate#paths). Patches are never refused.
pub fn remove(path: &str) -> PathOperation {
    PathOperation::new(format!("remove({path:?})"), Remove::new(path))
}

struct Remove {
    pattern: Pattern,
    last: Segment,
}

impl Remove {
    fn new(path: &str) -> Result<Self, PathError> {
        let pattern = Pattern::parse(path)?;
        let last = pattern.segments().last().cloned().ok_or(PathError::Root)?;
        Ok(Self { pattern, last })
    }

    fn strip(&self, parent: &mut Json) {
        match (&self.last, parent) {
            (Segment::Key(key), Json::Object(members)) => drop(members.remove(key)),
            (Segment::Any, Json::Object(members)) => *members = Default::default(),
            (Segment::Any, Json::Array(elements)) => elements.clear(),
            _ => {}
        }
    }
}

impl Rule for Remove {
    fn apply(&self, mut step: Step, out: &mut Vec<Step>) -> Result<(), Refusal> {
        match self.pattern.relation(step.path()) {
            Relation::At | Relation::Below => return Ok(()),
            Relation::Above(depth) => {
                if let Some(value) = step.value_mut() {
                    let segments = self.pattern.segments();
                    visit(&segments[depth..segments.len() - 1], value, &mut |parent| {
                        self.strip(parent);
                        Ok(())
                    })?;
                }
            }
            Relation::Apart => {}
        }
        out.push(step);
        Ok(())
    }
}
