use asynx_core::StoreError;
use asynx_core::store::{AppendError, GroupOutcome};

/// Why a layer answers in the place of its store.
#[derive(Debug, Clone)]
pub enum Failure {
    /// Nothing was done, and nothing will be.
    NotApplied(StoreError),
    /// Nobody can tell whether it was done, or will be in a moment.
    Unknown(StoreError),
    /// The version is taken. Calls that are no append answer it as a transient error.
    Conflict,
}

impl Failure {
    fn into_append_error(self) -> AppendError {
        match self {
            Self::NotApplied(error) => AppendError::NotApplied(error),
            Self::Unknown(error) => AppendError::Unknown(error),
            Self::Conflict => AppendError::Conflict,
        }
    }

    fn into_store_error(self) -> StoreError {
        match self {
            Self::NotApplied(error) | Self::Unknown(error) => error,
            Self::Conflict => StoreError::transient("a conflict"),
        }
    }
}

/// What a call of a store can answer, so that a layer can answer in its place.
pub trait Answer: Send + 'static {
    /// The answer of a call that failed; `items` is the number of its groups or queries.
    fn failed(failure: Failure, items: usize) -> Self;
}

impl<T: Send + 'static> Answer for Result<T, StoreError> {
    fn failed(failure: Failure, _: usize) -> Self {
        Err(failure.into_store_error())
    }
}

impl<T: Send + 'static> Answer for Result<T, AppendError> {
    fn failed(failure: Failure, _: usize) -> Self {
        Err(failure.into_append_error())
    }
}

impl Answer for Vec<GroupOutcome> {
    fn failed(failure: Failure, items: usize) -> Self {
        vec![GroupOutcome::none(failure.into_append_error()); items]
    }
}
