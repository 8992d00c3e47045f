use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use asynx_core::store::{ParkedEvent, Parking};
use asynx_core::{Position, StoreError};

use crate::MemoryStore;

/// The parked events of each reader.
pub(crate) type Parked = BTreeMap<String, BTreeMap<Position, ParkedEvent>>;

#[async_trait]
impl Parking for MemoryStore {
    async fn park(&self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError> {
        let mut data = self.lock();
        let parked = data.parked.entry(reader.to_owned()).or_default();
        parked.insert(event.position, event.clone());
        Ok(())
    }

    async fn parked(
        &self,
        reader: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        let data = self.lock();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let parked = data
            .parked
            .get(reader)
            .into_iter()
            .flat_map(|parked| parked.range((from, Bound::Unbounded)));
        Ok(parked.take(limit).map(|(_, event)| event.clone()).collect())
    }

    async fn unpark(&self, reader: &str, position: Position) -> Result<bool, StoreError> {
        let mut data = self.lock();
        let parked = data.parked.get_mut(reader);
        Ok(parked.is_some_and(|parked| parked.remove(&position).is_some()))
    }
}
