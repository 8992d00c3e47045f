use asynx_core::patch::InvalidPointer;

/// Why a path operation cannot be made from its paths.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path is no JSON pointer.
    #[error(transparent)]
    Pointer(#[from] InvalidPointer),
    /// The path does not end with the key of a member: it is the root, or ends with `*`.
    #[error("path {path:?} does not end with the key of a member")]
    NoMember {
        /// The path.
        path: String,
    },
    /// A document cannot lose its root.
    #[error("the root cannot be removed")]
    Root,
    /// A segment could be the place of an element, and a patch does not tell an array from an object.
    #[error("segment {segment:?} could be an index; only keys and `*` are possible")]
    Index {
        /// The segment.
        segment: String,
    },
    /// Source and target are the same place, or one is inside of the other.
    #[error("{from:?} and {to:?} are not beside each other")]
    Nested {
        /// The source.
        from: String,
        /// The target.
        to: String,
    },
    /// A `*` in one of two paths has no counterpart in the other.
    #[error("{from:?} and {to:?} part before the last `*`")]
    Wildcards {
        /// The source.
        from: String,
        /// The target.
        to: String,
    },
}
