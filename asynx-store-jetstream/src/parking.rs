use async_trait::async_trait;
use asynx_core::store::{ParkedEvent, Parking};
use asynx_core::{EventId, EventName, Position, StoreError, StreamId, Timestamp, Version};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::JetStreamStore;
use crate::error::corrupt;
use crate::keys::decode;
use crate::names::token;

#[derive(Serialize, Deserialize)]
struct Parked {
    position: [u64; 3],
    category: String,
    aggregate_id: String,
    version: u64,
    event_id: Uuid,
    event_name: String,
    error: String,
    attempts: u32,
    /// In microseconds since 1970.
    parked_at: i64,
}

#[async_trait]
impl Parking for JetStreamStore {
    async fn park(&self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError> {
        self.shared
            .update(&key(reader, event.position), |_: Option<Parked>| {
                (Some(Parked::of(event)), ())
            })
            .await
    }

    async fn parked(
        &self,
        reader: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        let all = self.shared.key(&format!("p.{}.*", token(reader)));
        let mut parked = Vec::new();
        for message in self.shared.state.last(&[all]).await?.0 {
            let event = decode::<Parked>(&message)?.event()?;
            if Some(event.position) > after {
                parked.push(event);
            }
        }
        parked.sort_unstable_by_key(|event| event.position);
        parked.truncate(limit);
        Ok(parked)
    }

    async fn unpark(&self, reader: &str, position: Position) -> Result<bool, StoreError> {
        let subject = self.shared.key(&key(reader, position));
        match self.shared.state.last_one(&subject).await? {
            Some(found) => Ok(self.shared.state.purge(&subject, Some(found.seq + 1)).await? > 0),
            None => Ok(false),
        }
    }
}

impl Parked {
    fn of(event: &ParkedEvent) -> Self {
        Self {
            position: event.position.parts(),
            category: event.stream.category.to_string(),
            aggregate_id: event.stream.aggregate_id.to_string(),
            version: event.version.get(),
            event_id: event.event_id.as_uuid(),
            event_name: event.event_name.to_string(),
            error: event.error.clone(),
            attempts: event.attempts,
            parked_at: event.parked_at.as_micros(),
        }
    }

    fn event(self) -> Result<ParkedEvent, StoreError> {
        let position = Position::new(self.position);
        let odd = || corrupt(format!("the parked event at {position} cannot be read"));
        Ok(ParkedEvent {
            position,
            stream: StreamId::parse(&self.category, &self.aggregate_id).map_err(|error| odd().caused_by(error))?,
            version: Version::new(self.version).ok_or_else(odd)?,
            event_id: EventId::from_uuid(self.event_id),
            event_name: EventName::parse_stored(&self.event_name).map_err(|error| odd().caused_by(error))?,
            error: self.error,
            attempts: self.attempts,
            parked_at: Timestamp::from_micros(self.parked_at),
        })
    }
}

fn key(reader: &str, position: Position) -> String {
    format!("p.{}.{position}", token(reader))
}
