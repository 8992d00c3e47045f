use std::fmt;
use std::sync::Arc;

use asynx_core::EventName;
use asynx_core::patch::Patch;

use super::step::{Step, lift, lower};
use super::{PathError, Refusal, Refused};
use crate::{BoxError, Upcaster};

/// A ready-made upcaster: [`add_default`](crate::add_default), [`remove`](crate::remove), [`rename`](crate::rename),
/// [`move_to`](crate::move_to) or [`convert`](crate::convert). Cheap to clone.
///
/// An operation whose paths are not valid fails with its [`PathError`] when the chain is built, and on every patch.
#[derive(Clone)]
pub struct PathOperation {
    description: Arc<str>,
    rule: Result<Arc<dyn Rule>, PathError>,
}

/// What becomes of one step. The document is not at hand: what is right must be right for every document.
pub(super) trait Rule: Send + Sync + 'static {
    fn apply(&self, step: Step, out: &mut Vec<Step>) -> Result<(), Refusal>;
}

impl PathOperation {
    pub(super) fn new<R: Rule>(description: String, rule: Result<R, PathError>) -> Self {
        Self {
            description: description.into(),
            rule: rule.map(|rule| Arc::new(rule) as Arc<dyn Rule>),
        }
    }
}

impl Upcaster for PathOperation {
    fn upcast(&self, _: &EventName, patch: Patch) -> Result<Patch, BoxError> {
        let rule = self.rule.as_ref().map_err(Clone::clone)?;
        let mut steps = Vec::with_capacity(patch.0.len());
        for (index, step) in lift(patch) {
            let name = step.name();
            let path = step.path().clone();
            rule.apply(step, &mut steps).map_err(|refusal| Refused {
                description: self.description.to_string(),
                index,
                name,
                path,
                refusal,
            })?;
        }
        Ok(lower(steps))
    }

    fn check(&self) -> Result<(), BoxError> {
        self.rule.as_ref().map_err(Clone::clone)?;
        Ok(())
    }
}

impl fmt::Debug for PathOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)
    }
}
