//! The process manager: for each event of a transfer it does the next step with an account, and notes what came of it.
//!
//! It is a durable projection, so every event reaches it, at least once: after a crash in the middle of a step the same
//! event comes again. That does no harm, since each step has a key of its own: the account answers with the event that it
//! has already, and nothing is moved twice.

use std::sync::atomic::{AtomicU32, Ordering};

use asynx::projection::{Batch, Entry, HandlerError, Projection, Typed};
use asynx::{Asynx, Event, SendError};
use asynx_examples::say;

use crate::account::{Account, OnAccount, Refused, Step};
use crate::transfer::{Note, Stage, Transfer};

pub struct Carrier {
    pub accounts: Asynx<Account>,
    pub transfers: Asynx<Transfer>,
    /// Dies after so many movements of money, each time at the worst moment: it is done and not yet noted. 0: never.
    pub dies_after: u32,
    pub moved: AtomicU32,
}

#[async_trait::async_trait]
impl Projection for Carrier {
    type Decode = Typed<Transfer>;

    async fn handle(&self, batch: Batch<'_, Entry<Transfer>>) -> Result<(), HandlerError> {
        for event in batch.iter().filter_map(Entry::event) {
            self.carry_on(event).await?;
        }
        Ok(())
    }
}

impl Carrier {
    async fn carry_on(&self, event: &Event<Transfer>) -> Result<(), HandlerError> {
        let Transfer {
            from, to, cents, stage, ..
        } = &*event.aggregate;
        let (cents, transfer) = (*cents, event.aggregate_id.to_string());
        let note = match stage {
            Stage::Requested => match self.step(event, from, Step::Take { transfer, cents }).await? {
                Ok(()) => (Stage::Taken, None),
                Err(why) => (Stage::Failing, Some(why)),
            },
            Stage::Taken => match self.step(event, to, Step::Give { cents }).await? {
                Ok(()) => (Stage::Arrived, None),
                Err(why) => (Stage::Failing, Some(why)),
            },
            // Compensation. That nothing was taken, which a refusal says, is as good.
            Stage::Failing => {
                let _ = self.step(event, from, Step::PutBack { transfer }).await?;
                (Stage::Failed, None)
            }
            Stage::Arrived => {
                let _ = self.step(event, from, Step::Settle { transfer }).await?;
                return Ok(());
            }
            Stage::Failed => return Ok(()),
        };
        self.note(event, note).await
    }

    /// Does something with an account; the inner error is the account's own refusal.
    async fn step(
        &self,
        event: &Event<Transfer>,
        account: &str,
        step: Step,
    ) -> Result<Result<(), Refused>, HandlerError> {
        let account = account.to_owned();
        let sending = self.accounts.send(OnAccount { account, step });
        // The event that asks for a step has it done once. It is also noted as the step's cause.
        match sending.idempotency_key(event.id.to_string()).caused_by(event).await {
            Ok(done) => {
                let (transfer, name) = (&event.aggregate_id, &done.event_name);
                say!(
                    "        {transfer}: {name}, {} version {}",
                    done.aggregate_id,
                    done.version
                );
                self.perhaps_die();
                Ok(Ok(()))
            }
            Err(SendError::Rejected(refused)) => Ok(Err(refused)),
            Err(SendError::Failed(error)) if error.is_transient() => Err(HandlerError::transient(error)),
            Err(SendError::Failed(error)) => Err(error.into()),
        }
    }

    async fn note(&self, event: &Event<Transfer>, (stage, why): (Stage, Option<Refused>)) -> Result<(), HandlerError> {
        let note = Note {
            id: event.aggregate_id.to_string(),
            stage,
            why: why.map(|refused| refused.to_string()),
        };
        self.transfers
            .send(note)
            .idempotency_key(event.id.to_string())
            .caused_by(event)
            .await?;
        Ok(())
    }

    fn perhaps_die(&self) {
        if self.moved.fetch_add(1, Ordering::Relaxed) + 1 == self.dies_after {
            say!("        ✗ and it dies before that is noted");
            // At once: nothing is finished, nothing is given back.
            std::process::exit(1);
        }
    }
}
