use async_nats::{HeaderMap, HeaderName};
use asynx_core::{AggregateId, EventId, EventName};

use crate::JetStreamBusError;
use crate::hands::{Hand, Hands};
use crate::letter::{self, Envelope};
use crate::wire::Wire;

/// An event that a durable subscriber could not handle.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Parked {
    /// Its place among the parked.
    pub sequence: u64,
    /// Whose handler failed.
    pub name: String,
    /// Of which aggregate it is.
    pub aggregate_id: AggregateId,
    /// Which event it is.
    pub event_id: EventId,
    /// What it is called.
    pub event_name: EventName,
    /// Its version.
    pub version: u64,
    /// How often the handler was tried; 0 where the event could not even be read.
    pub attempts: u32,
    /// How the last attempt failed.
    pub reason: String,
}

const ATTEMPTS: &str = "Asynx-Attempts";
const REASON: &str = "Asynx-Reason";
const AGGREGATE: &str = "Asynx-Aggregate";
/// The longest reason that is kept, in bytes.
const LONGEST: usize = 2_000;

impl Wire {
    /// Parks what is in hand.
    pub(crate) async fn park(
        &self,
        id: &AggregateId,
        name: &str,
        hands: &Hands,
        event: EventId,
        attempts: u32,
        reason: &str,
    ) -> Result<(), JetStreamBusError> {
        let Some((envelope, payload, sequence)) = hands.letter(event) else {
            return Ok(());
        };
        let headers = headers(&envelope, id, name, sequence, attempts, reason);
        self.put(self.names.parked_of(id, name), headers, payload).await
    }

    /// Parks what this process cannot read.
    pub(crate) async fn park_unread(
        &self,
        name: &str,
        hand: &Hand,
        error: &JetStreamBusError,
    ) -> Result<(), JetStreamBusError> {
        let Some(id) = letter::aggregate_id(&hand.payload) else {
            // It is no letter at all; whoever wrote it, nobody can ever handle it.
            return Ok(());
        };
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
        let reason = format!("{error}{}", cause.unwrap_or_default());
        let headers = headers(&hand.envelope, &id, name, hand.sequence, 0, &reason);
        self.put(self.names.parked_of(&id, name), headers, hand.payload.clone())
            .await
    }

    /// What is parked of a subscriber, the oldest first.
    pub(crate) async fn parked(&self, name: &str, limit: usize) -> Result<Vec<Parked>, JetStreamBusError> {
        let subject = self.names.parked(name);
        let (mut found, mut next) = (Vec::new(), 1);
        while found.len() < limit {
            let Some(message) = self.next_of(&self.parked, &subject, next).await? else {
                break;
            };
            next = message.sequence + 1;
            found.push(read(name, message.sequence, &message.headers)?);
        }
        Ok(found)
    }

    /// Gives one to its subscriber again, as if it were new.
    pub(crate) async fn give_again(&self, parked: &Parked) -> Result<(), JetStreamBusError> {
        let message = self
            .parked
            .get_raw_message(parked.sequence)
            .await
            .map_err(|error| gone(parked).caused_by(error))?;
        let envelope = Envelope::read(Some(&message.headers), message.sequence)?;
        let subject = self.names.again_of(&parked.aggregate_id, &parked.name);
        self.put(subject, envelope.headers(), message.payload).await?;
        self.discard(parked).await
    }

    pub(crate) async fn discard(&self, parked: &Parked) -> Result<(), JetStreamBusError> {
        let deleted = self.parked.delete_message(parked.sequence).await;
        deleted.map(drop).map_err(|error| gone(parked).caused_by(error))
    }
}

fn gone(parked: &Parked) -> JetStreamBusError {
    JetStreamBusError::new(format!(
        "failed to take event {} from what is parked of {}: it was given again, discarded or forgotten meanwhile, or \
         the server does not answer",
        parked.event_id, parked.name
    ))
}

fn headers(envelope: &Envelope, id: &AggregateId, name: &str, sequence: u64, attempts: u32, reason: &str) -> HeaderMap {
    let mut headers = envelope.headers();
    let end = reason.floor_char_boundary(LONGEST);
    headers.insert(ATTEMPTS, attempts.to_string());
    headers.insert(REASON, crate::names::token(&reason[..end]));
    headers.insert(AGGREGATE, crate::names::token(id.as_str()));
    // A second try after a lost answer parks nothing twice.
    let once = format!("{}:{}:{sequence}", crate::names::token(name), envelope.id);
    headers.insert(HeaderName::from_static("Nats-Msg-Id"), once);
    headers
}

fn read(name: &str, sequence: u64, headers: &HeaderMap) -> Result<Parked, JetStreamBusError> {
    let odd = |header: &str| JetStreamBusError::new(format!("parked message {sequence} has no valid header {header}"));
    let header = |name: &str| headers.get(name).map(|value| value.as_str()).ok_or_else(|| odd(name));
    let text = |name: &str| crate::names::text(header(name)?).ok_or_else(|| odd(name));
    let envelope = Envelope::read(Some(headers), sequence)?;
    Ok(Parked {
        sequence,
        name: name.to_owned(),
        aggregate_id: AggregateId::parse(text(AGGREGATE)?).map_err(|_| odd(AGGREGATE))?,
        event_id: envelope.id,
        event_name: envelope.name,
        version: envelope.version,
        attempts: header(ATTEMPTS)?.parse().map_err(|_| odd(ATTEMPTS))?,
        reason: text(REASON)?,
    })
}
