use asynx_core::bus::BusError;
use asynx_processor::StartError;

/// Why an [`Asynx`](crate::Asynx) could not be built. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No store was given.
    #[error("an event store is required: call `store` on the builder")]
    MissingStore,
    /// No runtime was given, and none was found.
    #[error("no runtime: build within tokio, or give one by `runtime` on the builder")]
    MissingRuntime,
    /// The processor could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The bus refused a forget handler.
    #[error(transparent)]
    Bus(#[from] BusError),
}
