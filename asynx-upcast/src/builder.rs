use std::collections::btree_map::Entry;

use asynx_core::{Caught, InvalidVersion, SchemaVersion};

use crate::chain::{Steps, check};
use crate::{Chain, ChainError, Upcaster};

/// Collects the steps of a [`Chain`].
#[must_use = "nothing is built until `build` is called"]
pub struct ChainBuilder {
    current: Schema,
    steps: Vec<(Schema, Caught<Box<dyn Upcaster>>)>,
}

type Schema = Result<SchemaVersion, InvalidVersion>;

impl ChainBuilder {
    pub(crate) fn new(current: impl SchemaNumber) -> Self {
        Self {
            current: current.schema(),
            steps: Vec::new(),
        }
    }

    /// Adds the upcaster from schema `from`, a `u32` or a [`SchemaVersion`], to the one after it. Steps at or beyond the
    /// current schema may be there already; they are checked and kept, but do not run.
    pub fn step(mut self, from: impl SchemaNumber, upcaster: impl Upcaster) -> Self {
        self.steps.push((from.schema(), Caught::new(Box::new(upcaster))));
        self
    }

    /// Builds the chain.
    ///
    /// # Errors
    /// [`ChainError`] if a schema is 0 or too large, if two upcasters begin with the same schema, if one is missing
    /// below the current schema, or if one was not made well (a path that is no JSON pointer, for example).
    pub fn build(self) -> Result<Chain, ChainError> {
        let current = self.current.map_err(ChainError::Current)?;
        let mut steps = Steps::new();
        for (from, upcaster) in self.steps {
            let from = from.map_err(ChainError::Step)?;
            match steps.entry(from) {
                Entry::Vacant(entry) => entry.insert(upcaster),
                Entry::Occupied(_) => return Err(ChainError::Duplicate { from }),
            };
        }
        let mut expected = SchemaVersion::FIRST;
        for &from in steps.range(..current).map(|(from, _)| from) {
            if from > expected {
                break;
            }
            expected = from.next();
        }
        if expected < current {
            return Err(ChainError::Missing {
                from: expected,
                current,
            });
        }
        for (&from, upcaster) in &steps {
            check(&***upcaster).map_err(|source| ChainError::Upcaster { from, source })?;
        }
        Ok(Chain::new(current, steps))
    }
}

impl std::fmt::Debug for ChainBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChainBuilder")
            .field("current", &self.current)
            .field("steps", &self.steps.iter().map(|(from, _)| from).collect::<Vec<_>>())
            .finish()
    }
}

/// What may stand for a schema: a `u32` or a [`SchemaVersion`]. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no schema number",
    note = "write a plain number that fits `u32`, such as `2`, or a `SchemaVersion`"
)]
pub trait SchemaNumber: sealed::Sealed {
    #[doc(hidden)]
    fn schema(self) -> Result<SchemaVersion, InvalidVersion>;
}

impl SchemaNumber for u32 {
    fn schema(self) -> Result<SchemaVersion, InvalidVersion> {
        self.try_into()
    }
}

impl SchemaNumber for SchemaVersion {
    fn schema(self) -> Result<SchemaVersion, InvalidVersion> {
        Ok(self)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u32 {}
    impl Sealed for asynx_core::SchemaVersion {}
}
