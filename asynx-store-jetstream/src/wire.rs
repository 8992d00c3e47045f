use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, HeaderMap, Request, RequestErrorKind, StatusCode};
use asynx_core::{Runtime, StoreError};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::{Either, select};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{ApiError, Refusal, corrupt};
use crate::message::Message;

/// The connection to the servers, and what is asked of them.
pub(crate) struct Wire {
    pub(crate) client: Client,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) timeout: Duration,
}

/// What is to be stored.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) subject: String,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

/// What one direct get answered.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) messages: Vec<Message>,
    /// How many more there are for the same question.
    pub(crate) pending: u64,
    /// How far the replica was that answered, where it told.
    pub(crate) up_to: Option<u64>,
    /// There are more subjects than one answer may have.
    pub(crate) too_many: bool,
}

#[derive(Deserialize)]
struct Ack {
    error: Option<ApiError>,
    #[serde(default)]
    seq: u64,
}

const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";

impl Outgoing {
    pub(crate) fn new(subject: String, payload: impl Into<Bytes>) -> Self {
        Self {
            subject,
            headers: HeaderMap::new(),
            payload: payload.into(),
        }
    }

    /// To be stored only where this is the subject's last message, 0 for none: what all guarantees rest on.
    pub(crate) fn expecting(mut self, seq: u64) -> Self {
        self.headers.insert(EXPECTED, seq.to_string());
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.insert(name, value.to_string());
        self
    }
}

impl Wire {
    /// Asks a JSON API.
    pub(crate) async fn api<T: DeserializeOwned>(
        &self,
        what: &str,
        body: &Value,
    ) -> Result<Result<T, ApiError>, StoreError> {
        let request = Request::new().payload(body.to_string().into());
        let answer = match self.request(&format!("$JS.API.{what}"), request).await {
            Ok(answer) => answer,
            Err(Refusal::NotApplied(error) | Refusal::Unknown(error)) => return Err(error),
            Err(Refusal::WrongSequence) => return Err(corrupt("a question was answered like a publish")),
        };
        let answer: Value = serde_json::from_slice(&answer)
            .map_err(|error| corrupt(format!("the answer to {what} is not JSON")).caused_by(error))?;
        if let Some(error) = answer.get("error") {
            let error = ApiError::deserialize(error);
            return Ok(Err(error.map_err(|error| {
                corrupt(format!("the error of {what} cannot be read")).caused_by(error)
            })?));
        }
        T::deserialize(answer)
            .map(Ok)
            .map_err(|error| corrupt(format!("the answer to {what} cannot be read")).caused_by(error))
    }

    /// Stores one message; its sequence.
    pub(crate) async fn publish(&self, message: Outgoing) -> Result<u64, Refusal> {
        let request = Request::new().headers(message.headers).payload(message.payload);
        let answer = self.request(&message.subject, request).await?;
        sequence(&answer)
    }

    /// Stores messages together or not at all; the sequence of the last. The others' are those before it.
    pub(crate) async fn publish_batch(&self, mut messages: Vec<Outgoing>) -> Result<u64, Refusal> {
        let id = format!("{:016x}{:016x}", self.runtime.entropy(), self.runtime.entropy());
        for (n, message) in (1_usize..).zip(&mut messages) {
            message.headers.insert("Nats-Batch-Id", id.as_str());
            message.headers.insert("Nats-Batch-Sequence", n.to_string());
        }
        let Some(mut last) = messages.pop() else {
            return Ok(0);
        };
        last.headers.insert("Nats-Batch-Commit", "1");
        self.check_connected()?;
        for message in messages {
            let sent = self
                .client
                .publish_with_headers(message.subject, message.headers, message.payload);
            // Without its end a batch is dropped by the server.
            sent.await.map_err(|error| {
                let message = format!("the message was not sent: {error}");
                Refusal::NotApplied(StoreError::permanent(message).caused_by(error))
            })?;
        }
        self.publish(last).await
    }

    /// Asks any replica for messages.
    pub(crate) async fn direct(&self, stream: &str, question: &Value) -> Result<Batch, StoreError> {
        let failed = |what: &str| StoreError::transient(format!("reading the stream {stream}: {what}"));
        let inbox = self.client.new_inbox();
        let subscribed = self.client.subscribe(inbox.clone()).await;
        let mut answers = subscribed.map_err(|error| failed("no subscription").caused_by(error))?;
        let subject = format!("$JS.API.DIRECT.GET.{stream}");
        let sent = self
            .client
            .publish_with_reply(subject, inbox, question.to_string().into());
        sent.await.map_err(|error| failed("not sent").caused_by(error))?;
        let mut batch = Batch::default();
        loop {
            let answer = match select(answers.next(), self.runtime.sleep(self.timeout)).await {
                Either::Left((Some(answer), _)) => answer,
                Either::Left((None, _)) => return Err(failed("the connection was closed")),
                Either::Right(_) => return Err(failed("no answer in time")),
            };
            let Some(status) = answer.status else {
                batch.messages.push(Message::direct(answer)?);
                continue;
            };
            let number = |name: &str| {
                let headers = answer.headers.as_ref()?;
                headers.get(name)?.as_str().parse::<u64>().ok()
            };
            match status.as_u16() {
                204 => {
                    batch.pending = number("Nats-Num-Pending").unwrap_or(0);
                    batch.up_to = number("Nats-UpTo-Sequence");
                }
                404 => {}
                413 => batch.too_many = true,
                _ if status == StatusCode::NO_RESPONDERS => {
                    return Err(failed("no replica answers; is the stream there, with allow_direct?"));
                }
                code => {
                    let why = answer.description.unwrap_or_default();
                    return Err(failed(&format!("{why} ({code})")));
                }
            }
            return Ok(batch);
        }
    }

    /// What was sent and not answered in time may still arrive, at any time.
    async fn request(&self, subject: &str, request: Request) -> Result<Bytes, Refusal> {
        self.check_connected()?;
        let asked = Box::pin(self.client.send_request(subject.to_owned(), request.timeout(None)));
        let answer = match select(asked, self.runtime.sleep(self.timeout)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => {
                let timeout = self.timeout;
                return Err(Refusal::Unknown(StoreError::transient(format!(
                    "the server did not answer within {timeout:?}"
                ))));
            }
        };
        answer.map(|answer| answer.payload).map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => Refusal::NotApplied(
                StoreError::transient("no server has the stream now: it has no leader, or is not there")
                    .caused_by(error),
            ),
            RequestErrorKind::MaxPayloadExceeded => Refusal::NotApplied(
                StoreError::permanent("larger than the server's max_payload: raise it, or write smaller events")
                    .caused_by(error),
            ),
            RequestErrorKind::InvalidSubject => {
                Refusal::NotApplied(StoreError::permanent("the subject is not valid").caused_by(error))
            }
            _ => Refusal::Unknown(StoreError::transient("the connection failed").caused_by(error)),
        })
    }

    /// What is handed to a client that has no connection is sent whenever it has one again.
    fn check_connected(&self) -> Result<(), Refusal> {
        match self.client.connection_state() {
            State::Connected => Ok(()),
            _ => Err(Refusal::NotApplied(StoreError::transient(
                "there is no connection to a server",
            ))),
        }
    }
}

fn sequence(answer: &[u8]) -> Result<u64, Refusal> {
    let ack: Ack = serde_json::from_slice(answer).map_err(|error| {
        Refusal::Unknown(corrupt("the server's answer to a message cannot be read").caused_by(error))
    })?;
    match ack {
        Ack { error: Some(error), .. } => Err(error.refusal()),
        Ack { seq: 0, .. } => Err(Refusal::Unknown(corrupt(
            "the server's answer to a message has no sequence",
        ))),
        Ack { seq, .. } => Ok(seq),
    }
}
