use asynx_core::{InvalidVersion, SchemaVersion};

use crate::BoxError;

/// Why no [`Chain`](crate::Chain) could be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The current schema is no schema.
    #[error("the current schema is not valid: {0}")]
    Current(#[source] InvalidVersion),
    /// A step begins with what is no schema.
    #[error("the schema that a step begins with is not valid: {0}")]
    Step(#[source] InvalidVersion),
    /// Two upcasters for one step.
    #[error("there are two upcasters from schema {from}: join them into one by `then`")]
    Duplicate {
        /// The schema that both begin with.
        from: SchemaVersion,
    },
    /// A step below the current schema has no upcaster.
    #[error(
        "there is no upcaster from schema {from}, and the current schema is {current}: add `.step({from}, ..)`, with \
         `Unchanged` if nothing is to be done"
    )]
    Missing {
        /// The first schema that leads nowhere.
        from: SchemaVersion,
        /// The schema to arrive at.
        current: SchemaVersion,
    },
    /// An upcaster was not made well.
    #[error("the upcaster from schema {from} is not valid: {source}")]
    Upcaster {
        /// The schema that it begins with.
        from: SchemaVersion,
        /// What is wrong with it; a [`PathError`](crate::PathError) for a path operation.
        source: BoxError,
    },
}
