use async_trait::async_trait;
use asynx_core::store::{SoleWriter, WriterLease};
use asynx_core::{Category, StoreError};

use crate::MemoryStore;

#[async_trait]
impl SoleWriter for MemoryStore {
    async fn acquire(&self, category: &Category) -> Result<Option<Box<dyn WriterLease>>, StoreError> {
        let free = self.lock().leased.insert(category.clone());
        Ok(free.then(|| -> Box<dyn WriterLease> {
            Box::new(Lease {
                store: self.clone(),
                category: category.clone(),
            })
        }))
    }
}

/// Holds a category until it is dropped; nobody else can take it away.
struct Lease {
    store: MemoryStore,
    category: Category,
}

impl WriterLease for Lease {
    fn is_held(&self) -> bool {
        true
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.store.lock().leased.remove(&self.category);
    }
}
