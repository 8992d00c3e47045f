//! What is broken in parking.

use async_trait::async_trait;
use asynx_core::store::{ParkedEvent, Parking};
use asynx_core::{Position, StoreError};

use super::broken::Broken;
use super::mutation::Mutation;

impl Broken {
    pub(super) fn park_now(&self, reader: &str, event: &ParkedEvent) {
        let mut scratch = self.scratch();
        let parked = scratch.parked.entry(reader.to_owned()).or_default();
        if !(self.is(Mutation::ParkedStaysAsItWas) && parked.contains_key(&event.position)) {
            parked.insert(event.position, event.clone());
        }
    }

    pub(super) fn is_parked(&self, reader: &str, position: Position) -> bool {
        let scratch = self.scratch();
        let parked = scratch.parked.get(reader);
        parked.is_some_and(|parked| parked.contains_key(&position))
    }

    pub(super) fn unpark_now(&self, reader: &str, position: Position) -> bool {
        let there = self.is_parked(reader, position);
        let all = there && self.is(Mutation::UnparkHitsAllReaders);
        for (name, parked) in &mut self.scratch().parked {
            if all || name == reader {
                parked.remove(&position);
            }
        }
        there
    }
}

#[async_trait]
impl Parking for Broken {
    async fn park(&self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError> {
        self.park_now(reader, event);
        Ok(())
    }

    async fn parked(
        &self,
        reader: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        let after = after.filter(|_| !self.is(Mutation::ParkedBeginsAtTheFirst));
        let scratch = self.scratch();
        let parked = scratch.parked.get(reader).into_iter().flatten();
        let parked = parked.filter(|(position, _)| Some(**position) > after);
        Ok(parked.map(|(_, event)| event.clone()).take(limit).collect())
    }

    async fn unpark(&self, reader: &str, position: Position) -> Result<bool, StoreError> {
        Ok(self.unpark_now(reader, position))
    }
}
