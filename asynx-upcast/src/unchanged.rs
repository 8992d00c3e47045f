use asynx_core::EventName;
use asynx_core::patch::Patch;

use crate::{BoxError, Upcaster};

/// The upcaster for a step that changed nothing in the documents.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unchanged;

impl Upcaster for Unchanged {
    fn upcast(&self, _: &EventName, patch: Patch) -> Result<Patch, BoxError> {
        Ok(patch)
    }
}
