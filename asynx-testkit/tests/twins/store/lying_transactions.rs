//! Transactions in which one lie is told.

use async_trait::async_trait;
use asynx_core::store::ParkedEvent;
use asynx_core::{Position, StoreError};
use asynx_testkit::conformance::{AnyTransaction, AnyTransactions};

use super::broken::Broken;
use crate::lies::Script;

/// Sound transactions, but for what the script says.
pub(super) struct LyingTransactions {
    pub(super) sound: Broken,
    pub(super) script: Script,
}

struct Lying {
    sound: Box<dyn AnyTransaction>,
    script: Script,
}

#[async_trait]
impl AnyTransactions for LyingTransactions {
    async fn begin(&self) -> Result<Box<dyn AnyTransaction>, StoreError> {
        self.script.call("begin", async { Ok(()) }).await?;
        let (sound, script) = (self.sound.begin().await?, self.script.clone());
        Ok(Box::new(Lying { sound, script }))
    }
}

#[async_trait]
impl AnyTransaction for Lying {
    async fn move_in(
        &mut self,
        reader: &str,
        from: Option<Position>,
        to: Option<Position>,
        fence: u64,
    ) -> Result<bool, StoreError> {
        self.script
            .call("move_in", self.sound.move_in(reader, from, to, fence))
            .await
    }

    async fn park_in(&mut self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError> {
        self.script.call("park_in", self.sound.park_in(reader, event)).await
    }

    async fn unpark_in(&mut self, reader: &str, position: Position) -> Result<bool, StoreError> {
        self.script
            .call("unpark_in", self.sound.unpark_in(reader, position))
            .await
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.script.call("commit", self.sound.commit()).await
    }
}
