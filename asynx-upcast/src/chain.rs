use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use asynx_core::patch::Patch;
use asynx_core::{Caught, EventName, SchemaVersion, Upcast, UpcastError, catch};

use crate::{BoxError, ChainBuilder, SchemaNumber, Upcaster};

/// Upcasters by the schema that each begins with.
pub(crate) type Steps = BTreeMap<SchemaVersion, Caught<Box<dyn Upcaster>>>;

/// The steps from every older schema to the current one, proven to be without gaps when it was built. Cheap to clone.
#[derive(Clone)]
pub struct Chain {
    current: SchemaVersion,
    steps: Arc<Steps>,
}

impl Chain {
    /// Begins a chain to the schema `current`, a `u32` or a [`SchemaVersion`].
    pub fn builder(current: impl SchemaNumber) -> ChainBuilder {
        ChainBuilder::new(current)
    }

    pub(crate) fn new(current: SchemaVersion, steps: Steps) -> Self {
        Self {
            current,
            steps: Arc::new(steps),
        }
    }

    /// The schemas that have an upcaster, in order; those at or beyond the current one are registered ahead.
    pub fn registered(&self) -> impl Iterator<Item = SchemaVersion> {
        self.steps.keys().copied()
    }
}

impl Upcast for Chain {
    fn current(&self) -> SchemaVersion {
        self.current
    }

    /// Runs the steps from `from` on; a patch of the current schema stays as it is. The event that ends an aggregate's
    /// life is asynx's own: no upcaster sees it.
    ///
    /// # Errors
    /// If a step fails or panics, with the texts of all causes; and if `from` is beyond the current schema.
    fn upcast(&self, event_name: &EventName, from: SchemaVersion, mut patch: Patch) -> Result<Patch, UpcastError> {
        if from > self.current {
            let reason = format!("it is newer than the current schema {}", self.current);
            return Err(UpcastError { from, reason });
        }
        if event_name.is_tombstone() {
            return Ok(patch);
        }
        for (&from, upcaster) in self.steps.range(from..self.current) {
            // The user's error is described and dropped inside as well: both may panic.
            let outcome = catch(|| {
                upcaster
                    .upcast(event_name, patch)
                    .map_err(|error| describe(error.as_ref()))
            });
            patch = outcome
                .unwrap_or_else(|panic| Err(panic.to_string()))
                .map_err(|reason| UpcastError { from, reason })?;
        }
        Ok(patch)
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("current", &self.current.get())
            .field("steps", &self.registered().map(SchemaVersion::get).collect::<Vec<_>>())
            .finish()
    }
}

/// The error with all its causes in one line: [`UpcastError`] keeps a text.
fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Asks a user's upcaster whether it was made well; a panic is a no.
pub(crate) fn check(upcaster: &dyn Upcaster) -> Result<(), BoxError> {
    catch(|| upcaster.check()).unwrap_or_else(|panic| Err(panic.to_string().into()))
}
