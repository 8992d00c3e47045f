//! What is broken in checkpoints.

use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{Checkpoint, Checkpoints};
use asynx_core::{Position, StoreError};

use super::broken::Broken;
use super::mutation::Mutation;

#[derive(Clone, Copy, Default)]
pub(super) struct Reader {
    pub(super) fence: u64,
    pub(super) position: Option<Position>,
    pub(super) known: bool,
    /// The last position that was one.
    last: Option<Position>,
}

impl Broken {
    fn name(&self, reader: &str) -> String {
        match self.mutation {
            Mutation::ReadersAreCut => reader.chars().take(100).collect(),
            Mutation::ReadersAreOfOneCase => reader.to_lowercase(),
            Mutation::ReadersAreOfTheHandle => format!("{reader}@{}", self.staged.handle),
            _ => reader.to_owned(),
        }
    }

    pub(super) fn reader(&self, reader: &str) -> Reader {
        self.scratch()
            .readers
            .get(&self.name(reader))
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn change<T>(&self, reader: &str, change: impl FnOnce(&mut Reader) -> T) -> T {
        change(self.scratch().readers.entry(self.name(reader)).or_default())
    }

    pub(super) fn may_write(&self, reader: Reader, fence: u64) -> bool {
        match self.mutation {
            Mutation::FencesAreIgnored => reader.known,
            Mutation::HigherFencesMayWrite => reader.known && fence >= reader.fence,
            Mutation::RemoversMayPut => fence > 0 && fence == reader.fence,
            _ => reader.known && fence == reader.fence,
        }
    }

    fn position(&self, position: Position) -> Position {
        let [epoch, transaction, number] = position.parts();
        match self.mutation {
            Mutation::CheckpointsAreCut => Position::new([0, 1, number]),
            Mutation::CheckpointsAreSigned => Position::new([epoch, transaction, number].map(|part| part & !(1 << 63))),
            _ => position,
        }
    }

    pub(super) async fn a_moment(&self, when: Mutation) {
        if self.is(when) {
            self.runtime.sleep(Duration::from_millis(2)).await;
        }
    }
}

#[async_trait]
impl Checkpoints for Broken {
    async fn get(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError> {
        let Reader {
            fence, position, known, ..
        } = self.reader(reader);
        let given = known || (self.is(Mutation::RemovedReadersAreGiven) && fence > 0);
        Ok(given.then_some(Checkpoint { position, fence }))
    }

    async fn claim(&self, reader: &str) -> Result<Checkpoint, StoreError> {
        let looked_at = self.reader(reader);
        self.a_moment(Mutation::ClaimsLookFirst).await;
        Ok(self.change(reader, |kept| {
            if self.is(Mutation::ClaimsLookFirst) {
                *kept = looked_at;
            }
            if !(self.is(Mutation::ClaimsKeepTheFence) && kept.known) {
                kept.fence += 1;
            }
            if !kept.known || self.is(Mutation::ClaimsForgetThePosition) {
                kept.position = None;
            }
            kept.known = true;
            let passed_over = kept.last.filter(|_| self.is(Mutation::ClaimsPassOverNone));
            Checkpoint {
                position: kept.position.or(passed_over),
                fence: kept.fence,
            }
        }))
    }

    async fn put(&self, reader: &str, position: Option<Position>, fence: u64) -> Result<bool, StoreError> {
        let looked_at = self.may_write(self.reader(reader), fence);
        self.a_moment(Mutation::PutsLookFirst).await;
        Ok(self.change(reader, |kept| {
            let may = match self.mutation {
                Mutation::PutsLookFirst => looked_at,
                Mutation::PositionsOnlyRise => self.may_write(*kept, fence) && position >= kept.position,
                _ => self.may_write(*kept, fence),
            };
            if may || self.is(Mutation::RefusedPutsAreKept) {
                kept.position = position.map(|position| self.position(position));
                kept.last = kept.position.or(kept.last);
                kept.known |= self.is(Mutation::RemoversMayPut);
            }
            may
        }))
    }

    async fn remove(&self, reader: &str, fence: u64) -> Result<bool, StoreError> {
        if self.is(Mutation::RemovesTakeLongerNames) {
            let mut scratch = self.scratch();
            let longer = scratch
                .readers
                .iter_mut()
                .filter(|(name, _)| name.starts_with(reader) && *name != reader);
            longer.for_each(|(_, longer)| longer.position = None);
        }
        Ok(self.change(reader, |kept| {
            let may = kept.known && self.may_write(*kept, fence);
            if may {
                (kept.known, kept.last) = (false, None);
            }
            if may && self.is(Mutation::RemovedFencesBeginAgain) {
                kept.fence = 0;
            }
            may
        }))
    }
}
