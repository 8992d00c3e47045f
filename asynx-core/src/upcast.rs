use crate::patch::Patch;
use crate::{EventName, SchemaVersion};

/// Why a stored patch could not be brought to the current schema.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the upcaster from schema {from} failed: {reason}")]
pub struct UpcastError {
    /// The schema whose step failed.
    pub from: SchemaVersion,
    /// What the step said.
    pub reason: String,
}

/// Brings stored patches to the schema that the program knows. `asynx-upcast` builds chains of such steps.
///
/// Must be pure: it runs on every way out of the store, again and again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot bring old events to the current schema",
    note = "build a chain: `asynx::upcast::Chain::builder(2).step(1, ..).build()?`; a single upcaster is one step of it"
)]
pub trait Upcast: Send + Sync + 'static {
    /// The schema that new events are written with and that patches are brought to.
    fn current(&self) -> SchemaVersion;

    /// Brings the patch of one event from schema `from`, which is below [`current`](Self::current), to the current one.
    ///
    /// # Errors
    /// [`UpcastError`] names the step that failed.
    fn upcast(&self, event_name: &EventName, from: SchemaVersion, patch: Patch) -> Result<Patch, UpcastError>;
}

/// Schema 1 and nothing to upcast.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoUpcast;

impl Upcast for NoUpcast {
    fn current(&self) -> SchemaVersion {
        SchemaVersion::FIRST
    }

    fn upcast(&self, _: &EventName, _: SchemaVersion, patch: Patch) -> Result<Patch, UpcastError> {
        Ok(patch)
    }
}
