use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::{Checkpoint, Checkpoints, ParkedEvent, Parking, Transactions};
use asynx_core::{Position, Store, StoreError};

use crate::limits::Limits;
use crate::projection::{Batch, HandlerError};
use crate::{Decode, Projection, TransactionalProjection};

/// How a projection's work and its checkpoint go together: [`Detached`] or [`Transactional`].
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how it is to be run",
    note = "wrap the projection: `Detached(projection)` for at least once, `Transactional {{ transactions: store, projection }}` for exactly once"
)]
pub trait Lifecycle: Send + Sync + 'static {
    /// What the projection reads.
    type Decode: Decode;

    /// Gives a batch to the projection and moves its checkpoint.
    #[doc(hidden)]
    async fn handle(
        &self,
        batch: Batch<'_, <Self::Decode as Decode>::Entry>,
        step: &Step,
    ) -> Result<Moved, HandlerError>;

    /// Moves the checkpoint past what is not handled, putting an event aside if there is one.
    #[doc(hidden)]
    async fn pass(&self, parked: Option<&ParkedEvent>, step: &Step) -> Result<Moved, StoreError>;

    /// Gives the projection an event that was put aside, and takes it from there. False where it is not there any more.
    #[doc(hidden)]
    async fn redrive(
        &self,
        batch: Batch<'_, <Self::Decode as Decode>::Entry>,
        step: &Step,
        parked: Position,
    ) -> Result<bool, HandlerError>;

    /// How many calls to the store come with a batch.
    #[doc(hidden)]
    fn calls(&self) -> u32;

    /// Tells the projection that it is in use from now on, and keeps that.
    #[doc(hidden)]
    async fn switch(&self, step: &Step) -> Result<Moved, HandlerError>;

    /// Tells the projection that it is removed.
    #[doc(hidden)]
    async fn removed(&self, limits: &Limits) -> Result<(), HandlerError>;
}

/// From where to where a reader moves.
#[doc(hidden)]
#[derive(Clone)]
pub struct Step {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) reader: String,
    pub(crate) from: Option<Position>,
    pub(crate) to: Option<Position>,
    pub(crate) fence: u64,
    pub(crate) limits: Limits,
}

/// Whether a checkpoint moved.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It moved.
    Yes,
    /// The handler is done; the checkpoint is still to be moved.
    Handled,
    /// Somebody else has moved it, or taken the reader over: nothing was done.
    No,
}

impl Step {
    /// Moves the checkpoint outside of a transaction.
    pub(crate) async fn put(&self) -> Result<Moved, StoreError> {
        match checkpoints(&self.store)?.put(&self.reader, self.to, self.fence).await? {
            true => Ok(Moved::Yes),
            false => Ok(Moved::No),
        }
    }

    pub(crate) async fn get(&self) -> Result<Option<Checkpoint>, StoreError> {
        match self.store.checkpoints() {
            Some(checkpoints) => checkpoints.get(&self.reader).await,
            None => Err(StoreError::permanent("the store keeps no checkpoints")),
        }
    }
}

/// The checkpoint moves after the handler: at least once.
#[derive(Debug)]
pub struct Detached<P>(pub P);

#[async_trait]
impl<P: Projection> Lifecycle for Detached<P> {
    type Decode = P::Decode;

    async fn handle(&self, batch: Batch<'_, <P::Decode as Decode>::Entry>, step: &Step) -> Result<Moved, HandlerError> {
        step.limits.handler(self.0.handle(batch)).await?;
        Ok(Moved::Handled)
    }

    async fn pass(&self, parked: Option<&ParkedEvent>, step: &Step) -> Result<Moved, StoreError> {
        if let Some(event) = parked {
            parking(&step.store)?.park(&step.reader, event).await?;
        }
        step.put().await
    }

    async fn redrive(
        &self,
        batch: Batch<'_, <P::Decode as Decode>::Entry>,
        step: &Step,
        parked: Position,
    ) -> Result<bool, HandlerError> {
        step.limits.handler(self.0.handle(batch)).await?;
        let unparked = parking(&step.store)?.unpark(&step.reader, parked).await;
        unparked.map_err(HandlerError::transient)
    }

    fn calls(&self) -> u32 {
        0
    }

    async fn switch(&self, step: &Step) -> Result<Moved, HandlerError> {
        step.limits.handler(self.0.switched()).await?;
        step.put().await.map_err(HandlerError::transient)
    }

    async fn removed(&self, limits: &Limits) -> Result<(), HandlerError> {
        limits.handler(self.0.removed()).await
    }
}

pub(crate) fn checkpoints(store: &Arc<dyn Store>) -> Result<&dyn Checkpoints, StoreError> {
    store
        .checkpoints()
        .ok_or_else(|| StoreError::permanent("the store keeps no checkpoints"))
}

pub(crate) fn parking(store: &Arc<dyn Store>) -> Result<&dyn Parking, StoreError> {
    store
        .parking()
        .ok_or_else(|| StoreError::permanent("the store cannot put events aside"))
}

/// The checkpoint moves in the handler's transaction: exactly once.
#[derive(Debug)]
pub struct Transactional<S, P> {
    /// Begins the transactions: the store whose log is read, or one that keeps its tables in the same database.
    pub transactions: S,
    /// The projection.
    pub projection: P,
}

impl<S: Transactions, P> Transactional<S, P> {
    async fn begin(&self, step: &Step) -> Result<S::Transaction, StoreError> {
        step.limits.store(self.transactions.begin()).await
    }

    async fn moves(&self, transaction: &mut S::Transaction, step: &Step) -> Result<bool, StoreError> {
        let Step {
            reader,
            from,
            to,
            fence,
            ..
        } = step;
        let moved = self.transactions.move_in(transaction, reader, *from, *to, *fence);
        step.limits.store(moved).await
    }

    async fn commit(&self, transaction: S::Transaction, step: &Step) -> Result<(), StoreError> {
        step.limits.store(self.transactions.commit(transaction)).await
    }
}

#[async_trait]
impl<S, P> Lifecycle for Transactional<S, P>
where
    S: Transactions,
    P: TransactionalProjection<S::Transaction>,
{
    type Decode = P::Decode;

    async fn handle(&self, batch: Batch<'_, <P::Decode as Decode>::Entry>, step: &Step) -> Result<Moved, HandlerError> {
        let mut transaction = self.begin(step).await.map_err(HandlerError::transient)?;
        // First, so that of two which try the same step the second waits here.
        let moved = self.moves(&mut transaction, step).await;
        if !moved.map_err(HandlerError::transient)? {
            return Ok(Moved::No);
        }
        step.limits
            .handler(self.projection.handle(&mut transaction, batch))
            .await?;
        let committed = self.commit(transaction, step).await;
        committed.map_err(|error| match error.is_transient() {
            true => HandlerError::transient(error),
            // What the handler wrote cannot be committed: a constraint that is looked at last, or a statement that failed
            // and was passed over.
            false => HandlerError::permanent(error),
        })?;
        Ok(Moved::Yes)
    }

    async fn pass(&self, parked: Option<&ParkedEvent>, step: &Step) -> Result<Moved, StoreError> {
        let mut transaction = self.begin(step).await?;
        if !self.moves(&mut transaction, step).await? {
            return Ok(Moved::No);
        }
        if let Some(event) = parked {
            let parking = self.transactions.park_in(&mut transaction, &step.reader, event);
            step.limits.store(parking).await?;
        }
        self.commit(transaction, step).await?;
        Ok(Moved::Yes)
    }

    async fn redrive(
        &self,
        batch: Batch<'_, <P::Decode as Decode>::Entry>,
        step: &Step,
        parked: Position,
    ) -> Result<bool, HandlerError> {
        let mut transaction = self.begin(step).await.map_err(HandlerError::transient)?;
        let unparked = self.transactions.unpark_in(&mut transaction, &step.reader, parked);
        let unparked = step.limits.store(unparked).await;
        if !unparked.map_err(HandlerError::transient)? {
            return Ok(false);
        }
        step.limits
            .handler(self.projection.handle(&mut transaction, batch))
            .await?;
        self.commit(transaction, step).await.map_err(HandlerError::transient)?;
        Ok(true)
    }

    fn calls(&self) -> u32 {
        3
    }

    async fn switch(&self, step: &Step) -> Result<Moved, HandlerError> {
        let mut transaction = self.begin(step).await.map_err(HandlerError::transient)?;
        let moved = self.moves(&mut transaction, step).await;
        if !moved.map_err(HandlerError::transient)? {
            return Ok(Moved::No);
        }
        step.limits.handler(self.projection.switched(&mut transaction)).await?;
        self.commit(transaction, step).await.map_err(HandlerError::transient)?;
        Ok(Moved::Yes)
    }

    async fn removed(&self, limits: &Limits) -> Result<(), HandlerError> {
        let begun = limits.store(self.transactions.begin()).await;
        let mut transaction = begun.map_err(HandlerError::transient)?;
        limits.handler(self.projection.removed(&mut transaction)).await?;
        let committed = limits.store(self.transactions.commit(transaction)).await;
        committed.map_err(HandlerError::transient)
    }
}
