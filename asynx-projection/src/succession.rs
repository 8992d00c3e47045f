use std::sync::Arc;

use asynx_core::{Position, Runtime, Store, StoreError};

use crate::lifecycle::{Lifecycle, Moved, Step, checkpoints};
use crate::limits::Limits;
use crate::role::{Built, InUse, since};
use crate::{EngineError, HandlerError};

/// The steps by which one version takes the place of another. Whoever takes one may be gone before the next.
pub(crate) struct Succession {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) projection: String,
    /// The version that takes over.
    pub(crate) new: Built,
    pub(crate) limits: Limits,
}

impl Succession {
    /// Keeps that the old one has stopped for good.
    pub(crate) async fn announce(&self, old: InUse) -> Result<(), EngineError> {
        self.change(old, self.stopping(old)).await
    }

    /// Sees to it that whoever runs the old one cannot write any more, and finds out why.
    pub(crate) async fn fence(&self, old: InUse) -> Result<(), StoreError> {
        for reader in old.built.readers(&self.projection) {
            checkpoints(&self.store)?.claim(&reader).await?;
        }
        Ok(())
    }

    /// Up to where the new one has to come before it takes over.
    pub(crate) async fn target(&self, old: InUse) -> Result<Option<Position>, StoreError> {
        old.built.least(&self.store, &self.projection).await
    }

    /// Whether the old one has itself come beyond all that the one before it had handled: only then its own checkpoints
    /// tell everything.
    pub(crate) async fn is_settled(&self, old: InUse) -> Result<bool, StoreError> {
        let Some(before) = old.before else { return Ok(true) };
        let most = before.most(&self.store, &self.projection).await?;
        Ok(self.target(old).await? >= most)
    }

    /// Puts the new one into the place of the old one.
    pub(crate) async fn finish<L: Lifecycle>(&self, lifecycle: &Arc<L>, old: InUse) -> Result<(), EngineError> {
        let reader = InUse::reader(&self.projection);
        let claimed = checkpoints(&self.store)?.claim(&reader).await?;
        if claimed.position != Some(self.stopping(old).position()) {
            return self.has_succeeded().await;
        }
        self.note_since(old).await?;
        let new = InUse {
            built: self.new,
            before: Some(old.built),
            successor: None,
        };
        let step = Step {
            store: self.store.clone(),
            reader,
            from: claimed.position,
            to: Some(new.position()),
            fence: claimed.fence,
            limits: self.limits.clone(),
        };
        let lifecycle = lifecycle.clone();
        let calls = lifecycle.calls();
        let switching = async move { lifecycle.switch(&step).await };
        match self.limits.task(calls + 1, switching).await {
            Ok(Moved::No) => self.has_succeeded().await,
            Ok(_) => Ok(()),
            Err(failure) => Err(self.hook(&failure)),
        }
    }

    async fn note_since(&self, old: InUse) -> Result<(), StoreError> {
        let since = since(&self.projection, self.new.version);
        let target = self.target(old).await?;
        let claimed = checkpoints(&self.store)?.claim(&since).await?;
        checkpoints(&self.store)?.put(&since, target, claimed.fence).await?;
        Ok(())
    }

    /// Lets the old one go on, where nobody runs the new one to whose benefit it stopped.
    pub(crate) async fn undo(&self, old: InUse) -> Result<(), EngineError> {
        let goes_on = InUse { successor: None, ..old };
        self.change(self.stopping(old), goes_on).await
    }

    /// Whether somebody runs the new one.
    pub(crate) async fn is_run(&self, runtime: &dyn Runtime) -> Result<bool, StoreError> {
        let lease = format!("projection:{}@{}", self.projection, self.new.version);
        let parts = format!("{lease}/");
        let leases = self.store.leases();
        let leases = leases.ok_or_else(|| StoreError::permanent("the store has no leases"))?;
        let held = leases.held(&lease, runtime.now()).await?;
        Ok(held
            .iter()
            .any(|held| held.name == lease || held.name.starts_with(&parts)))
    }

    /// How far the new one has come.
    pub(crate) async fn position(&self) -> Result<Option<Position>, StoreError> {
        self.new.least(&self.store, &self.projection).await
    }

    const fn stopping(&self, old: InUse) -> InUse {
        InUse {
            successor: Some(self.new.version),
            ..old
        }
    }

    async fn change(&self, from: InUse, to: InUse) -> Result<(), EngineError> {
        let reader = InUse::reader(&self.projection);
        let claimed = checkpoints(&self.store)?.claim(&reader).await?;
        let put = async {
            checkpoints(&self.store)?
                .put(&reader, Some(to.position()), claimed.fence)
                .await
        };
        if claimed.position == Some(from.position()) && put.await? {
            return Ok(());
        }
        Err(moved())
    }

    /// It may be done: by somebody else, or by ourselves when an answer was lost.
    async fn has_succeeded(&self) -> Result<(), EngineError> {
        match InUse::get(&self.store, &self.projection).await? {
            Some(used) if used.built.version == self.new.version && used.successor.is_none() => Ok(()),
            _ => Err(moved()),
        }
    }

    pub(crate) fn hook(&self, failure: &HandlerError) -> EngineError {
        EngineError::Hook {
            name: self.projection.clone(),
            reason: failure.to_string(),
        }
    }
}

fn moved() -> EngineError {
    let source =
        StoreError::transient("somebody else switched the projection at the same time; look which version is in use");
    EngineError::Store { source }
}
