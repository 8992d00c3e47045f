use async_trait::async_trait;
use asynx_core::store::{Checkpoint, Checkpoints};
use asynx_core::{Position, StoreError};

use crate::MemoryStore;
use crate::data::Data;

/// How far a reader of the log has come. It stays when the reader is removed, so that no fence comes again (C5).
#[derive(Default)]
pub(crate) struct Reader {
    /// The number of its claims.
    fence: u64,
    /// What was put; nothing at all once it was removed.
    pub(crate) position: Option<Option<Position>>,
}

#[async_trait]
impl Checkpoints for MemoryStore {
    async fn get(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError> {
        let data = self.lock();
        Ok(data.readers.get(reader).and_then(Reader::checkpoint))
    }

    async fn claim(&self, reader: &str) -> Result<Checkpoint, StoreError> {
        let mut data = self.lock();
        let reader = data.readers.entry(reader.to_owned()).or_default();
        reader.fence += 1;
        Ok(Checkpoint {
            position: *reader.position.get_or_insert(None),
            fence: reader.fence,
        })
    }

    async fn put(&self, reader: &str, position: Option<Position>, fence: u64) -> Result<bool, StoreError> {
        let mut data = self.lock();
        let reader = data.owned(reader, fence);
        Ok(reader.map(|reader| reader.position = Some(position)).is_some())
    }

    async fn remove(&self, reader: &str, fence: u64) -> Result<bool, StoreError> {
        let mut data = self.lock();
        let reader = data.owned(reader, fence);
        Ok(reader.map(|reader| reader.position = None).is_some())
    }
}

impl Data {
    /// A reader that is known, and whose newest fence is this one (C3).
    pub(crate) fn owned(&mut self, reader: &str, fence: u64) -> Option<&mut Reader> {
        let reader = self.readers.get_mut(reader)?;
        (reader.fence == fence && reader.position.is_some()).then_some(reader)
    }
}

impl Reader {
    fn checkpoint(&self) -> Option<Checkpoint> {
        self.position.map(|position| Checkpoint {
            position,
            fence: self.fence,
        })
    }
}
