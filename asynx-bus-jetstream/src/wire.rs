use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, RawMessageErrorKind, Stream};
use async_nats::{Client, HeaderMap};
use asynx_core::Runtime;
use bytes::Bytes;

use crate::letter::{Envelope, Letter};
use crate::names::Names;
use crate::{JetStreamBusError, JetStreamBusOptions};

/// The servers, and what is asked of them.
pub(crate) struct Wire {
    pub(crate) client: Client,
    pub(crate) context: Context,
    pub(crate) events: Stream,
    pub(crate) parked: Stream,
    pub(crate) names: Names,
    pub(crate) options: JetStreamBusOptions,
    pub(crate) runtime: Arc<dyn Runtime>,
}

/// A message of a subject.
pub(crate) struct Placed {
    pub(crate) sequence: u64,
    pub(crate) envelope: Envelope,
}

/// What became of a letter that expects to follow a message.
pub(crate) enum Posted {
    Stored(u64),
    /// Another message is the last one.
    Refused,
    /// The server takes no message as large as this.
    TooLarge,
    /// Nobody knows.
    Unknown,
}

const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";

impl Wire {
    pub(crate) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// The last message of a subject, as the stream's leader knows it.
    pub(crate) async fn last(&self, subject: &str) -> Result<Option<Placed>, JetStreamBusError> {
        let message = match self.events.get_last_raw_message_by_subject(subject).await {
            Ok(message) => message,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => return Ok(None),
            Err(error) => return Err(JetStreamBusError::new("failed to look at the bus's stream").caused_by(error)),
        };
        Ok(Some(Placed {
            sequence: message.sequence,
            envelope: Envelope::read(Some(&message.headers), message.sequence)?,
        }))
    }

    /// The message of a subject that came next after this one, 0 for the first.
    pub(crate) async fn follower(&self, subject: &str, after: u64) -> Result<Option<Placed>, JetStreamBusError> {
        let Some(message) = self.next_of(&self.events, subject, after + 1).await? else {
            return Ok(None);
        };
        Ok(Some(Placed {
            sequence: message.sequence,
            envelope: Envelope::read(Some(&message.headers), message.sequence)?,
        }))
    }

    /// Stores a letter, if this is the subject's last message before it, 0 for none.
    pub(crate) async fn post(&self, subject: String, letter: &Letter, after: u64) -> Posted {
        if !self.is_connected() {
            // What is handed to a client without a connection would be sent whenever it has one again.
            return Posted::Unknown;
        }
        let mut headers = letter.headers.clone();
        headers.insert(EXPECTED, after.to_string());
        let sent = self
            .context
            .publish_with_headers(subject, headers, letter.payload.clone());
        let stored = match sent.await {
            Ok(stored) => stored.await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(stored) => Posted::Stored(stored.sequence),
            Err(error) => match error.kind() {
                PublishErrorKind::WrongLastSequence => Posted::Refused,
                PublishErrorKind::MaxPayloadExceeded => Posted::TooLarge,
                _ => Posted::Unknown,
            },
        }
    }

    /// Stores a message somewhere beside the order of the events.
    pub(crate) async fn put(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<(), JetStreamBusError> {
        let failed = |error| JetStreamBusError::new("failed to store a message for the bus").caused_by(error);
        let sent = self
            .context
            .publish_with_headers(subject, headers, payload)
            .await
            .map_err(failed)?;
        sent.await.map(drop).map_err(failed)
    }

    /// Overwrites the messages of a subject whose version is below this one: what comes behind is of a new life.
    pub(crate) async fn erase(&self, stream: &Stream, subject: &str, below: u64) -> Result<(), JetStreamBusError> {
        let failed = || JetStreamBusError::new(format!("failed to erase {subject} from the bus"));
        let mut next = 1;
        while let Some(message) = self.next_of(stream, subject, next).await? {
            next = message.sequence + 1;
            if Envelope::read(Some(&message.headers), message.sequence)?.version < below {
                let deleted = stream.delete_message(message.sequence).await;
                deleted.map_err(|error| failed().caused_by(error))?;
            }
        }
        Ok(())
    }

    /// The next message of a subject from a sequence on.
    pub(crate) async fn next_of(
        &self,
        stream: &Stream,
        subject: &str,
        from: u64,
    ) -> Result<Option<StreamMessage>, JetStreamBusError> {
        let asked = stream.raw_message_builder().sequence(from).next_by_subject(subject);
        match asked.send().await {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(JetStreamBusError::new(format!("failed to read {subject}")).caused_by(error)),
        }
    }

    /// Waits before the server is asked again.
    pub(crate) async fn pause(&self, tries: u32) {
        let pause = Duration::from_millis(50).saturating_mul(1 << tries.min(6));
        self.runtime.sleep(pause).await;
    }
}
