use async_trait::async_trait;
use asynx_core::store::LogEvent;
use asynx_projection::{Batch, HandlerError, Projection, TransactionalProjection, Untyped};

use super::judge::Event;
use super::linger::{Amid, linger};
use super::tables::{Own, Within};

/// Writes down what it is given.
pub(super) struct Model<T> {
    pub(super) tables: T,
    pub(super) table: &'static str,
}

fn rows(batch: &Batch<'_, LogEvent>) -> Vec<Event> {
    batch.iter().map(Event::of).collect()
}

#[async_trait]
impl<T: Own> Projection for Model<T> {
    type Decode = Untyped;

    async fn handle(&self, batch: Batch<'_, LogEvent>) -> Result<(), HandlerError> {
        linger(Amid::Before, self.table).await;
        let written = self.tables.write(self.table, &rows(&batch)).await;
        written.map_err(|error| HandlerError::transient(error.into_boxed_dyn_error()))?;
        linger(Amid::After, self.table).await;
        Ok(())
    }
}

#[async_trait]
impl<T: Within<X>, X: Send> TransactionalProjection<X> for Model<T> {
    type Decode = Untyped;

    async fn handle(&self, transaction: &mut X, batch: Batch<'_, LogEvent>) -> Result<(), HandlerError> {
        let written = self.tables.write_in(transaction, self.table, &rows(&batch)).await;
        written.map_err(|error| HandlerError::transient(error.into_boxed_dyn_error()))?;
        linger(Amid::After, self.table).await;
        Ok(())
    }
}
