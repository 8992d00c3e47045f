use async_trait::async_trait;
use asynx_core::store::{Erase, ForgetPolicy, PendingErasure};
use asynx_core::{Category, StoreError, StreamId, Version};

use crate::MemoryStore;
use crate::data::{Data, remove};

#[async_trait]
impl Erase for MemoryStore {
    async fn erase_through(&self, stream: &StreamId, through: Version, policy: ForgetPolicy) -> Result<(), StoreError> {
        self.lock().erase(stream, through, policy)
    }

    async fn pending(&self, category: &Category) -> Result<Vec<PendingErasure>, StoreError> {
        let data = self.lock();
        let of_category = data.erasing.iter().filter(|stream| stream.category == *category);
        Ok(of_category.filter_map(|stream| data.pending_of(stream)).collect())
    }
}

impl Data {
    fn pending_of(&self, stream: &StreamId) -> Option<PendingErasure> {
        Some(PendingErasure {
            stream: stream.clone(),
            tombstone: self.streams.get(stream)?.floor?,
        })
    }

    fn erase(&mut self, id: &StreamId, through: Version, policy: ForgetPolicy) -> Result<(), StoreError> {
        let Some(stream) = self.streams.get_mut(id) else {
            return Ok(());
        };
        if Some(through) > stream.floor {
            return Err(StoreError::permanent(format!(
                "{id} has no tombstone at or above version {through}: its living events are not erased"
            )));
        }
        if policy == ForgetPolicy::EraseAll {
            // The tombstone's row stays (E6).
            for row in stream.rows.drain(..stream.index_of(through)) {
                remove(&mut self.log, row.position);
                stream.ids.remove(&row.event_id);
            }
        }
        let dead = ..stream.index_of(through.next());
        stream.rows[dead].iter_mut().for_each(|row| row.record = None);
        stream.delete_snapshots(through);
        stream.erased = stream.erased.max(Some(through));
        if !stream.is_erasing() {
            self.erasing.remove(id);
        }
        Ok(())
    }
}
