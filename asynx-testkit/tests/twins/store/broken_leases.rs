//! What is broken in named leases.

use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{HeldLease, Leases};
use asynx_core::{Store, StoreError, Timestamp};

use super::broken::Broken;
use super::mutation::Mutation;

impl Broken {
    fn sound_leases(&self) -> &dyn Leases {
        self.staged.memory.leases().expect("memory has leases")
    }

    /// The token that is looked at.
    fn token(&self, name: &str, token: u64) -> u64 {
        match self.mutation {
            Mutation::AnyTokenWillDo => self.scratch().tokens.get(name).copied().unwrap_or(token),
            _ => token,
        }
    }
}

#[async_trait]
impl Leases for Broken {
    async fn acquire(
        &self,
        name: &str,
        holder: &str,
        time: Duration,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let held = self.scratch().tokens.get(name).copied();
        if let (Mutation::HeldLeasesAreGiven, Some(held)) = (self.mutation, held) {
            self.sound_leases().release(name, held).await?;
        }
        let token = self.sound_leases().acquire(name, holder, time, now).await?;
        let given = token.map(|token| (name.to_owned(), token));
        self.scratch().tokens.extend(given);
        Ok(token)
    }

    async fn renew(&self, name: &str, token: u64, time: Duration, now: Timestamp) -> Result<bool, StoreError> {
        let token = self.token(name, token);
        if self.is(Mutation::RenewalsAreForgotten) {
            return Ok(self.scratch().tokens.get(name) == Some(&token));
        }
        self.sound_leases().renew(name, token, time, now).await
    }

    async fn release(&self, name: &str, token: u64) -> Result<bool, StoreError> {
        let token = self.token(name, token);
        if self.is(Mutation::ReleasesAreForgotten) {
            return Ok(self.scratch().tokens.get(name) == Some(&token));
        }
        self.sound_leases().release(name, token).await
    }

    async fn held(&self, prefix: &str, now: Timestamp) -> Result<Vec<HeldLease>, StoreError> {
        let prefix = if self.is(Mutation::HeldGivesAllNames) {
            ""
        } else {
            prefix
        };
        self.sound_leases().held(prefix, now).await
    }
}
