use std::sync::Arc;

use asynx_core::{Position, Store, StoreError, StreamId};

use crate::partitions::Partition;
use crate::role::Built;

/// What the version before the one in use had handled when it stopped for good, by its partitions.
#[derive(Debug, Default)]
pub(crate) struct Marks(Vec<Option<Position>>);

impl Marks {
    /// None where there was none before, or it is removed.
    pub(crate) async fn of(
        store: &Arc<dyn Store>,
        projection: &str,
        before: Option<Built>,
    ) -> Result<Self, StoreError> {
        match before {
            Some(before) => before.positions(store, projection).await.map(Self),
            None => Ok(Self::default()),
        }
    }

    /// Whether an event was handled then.
    pub(crate) fn cover(&self, stream: &StreamId, position: Position) -> bool {
        let of = self.0.len();
        of > 0 && self.0[Partition::number(stream, of)] >= Some(position)
    }
}
