use async_trait::async_trait;
use bytes::Bytes;

use super::StoreError;
use crate::{SchemaVersion, StreamId, Version};

/// The folded document of a stream at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The newest event in it.
    pub version: Version,
    /// The shape of the document.
    pub schema_version: SchemaVersion,
    /// The document as JSON text.
    pub document: Bytes,
}

/// Keeps one snapshot per stream and schema version. Snapshots may be lost at any time: they only save replaying.
///
/// # Laws
/// - **N1** A put MUST NOT replace a snapshot of the same stream and schema by one of a lower version (refusing is
///   success), and MUST replace one of the same version: that is how a corrupt snapshot is mended.
/// - **N2** `get` MUST give the newest snapshot of that very schema, with the bytes that were put.
/// - **N3** After `delete_through(through)`, no snapshot of the stream at or below `through` MUST be given, of no schema,
///   **and later puts at or below it MUST be refused** (silently): a late writer must not bring back what was erased.
/// - **N4** Streams MUST NOT affect each other.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` keeps no snapshots",
    note = "implement `asynx_core::store::SnapshotStore` for it: `put`, `get`, `delete_through`"
)]
pub trait SnapshotStore: Send + Sync + 'static {
    /// Keeps a snapshot unless a newer one is there (N1, N3).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    async fn put(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError>;

    /// The newest snapshot of a schema (N2).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn get(&self, stream: &StreamId, schema_version: SchemaVersion) -> Result<Option<Snapshot>, StoreError>;

    /// Removes the snapshots at or below a version, for good (N3).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    async fn delete_through(&self, stream: &StreamId, through: Version) -> Result<(), StoreError>;
}
