use std::sync::Arc;
use std::time::Duration;

use asynx_core::StoreError;
use futures::StreamExt as _;
use futures::stream::FuturesOrdered;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::StreamInfo;
use crate::error::{ApiError, Refusal};
use crate::fence::Fence;
use crate::message::{ApiMessage, Message};
use crate::wire::{Batch, Outgoing, Wire};

/// One JetStream stream: what is stored there, and reads that see all that was answered before they began.
pub(crate) struct Journal {
    pub(crate) wire: Arc<Wire>,
    pub(crate) name: String,
    /// A subject that always has a message.
    pub(crate) anchor: String,
    /// A subject that never has one.
    pub(crate) nothing: String,
    /// Whether several servers keep it: then a read has to find out whether it asks one that is up to date.
    pub(crate) replicated: bool,
    pub(crate) fence: Fence,
}

#[derive(Deserialize)]
struct Purged {
    purged: u64,
}

#[derive(Deserialize)]
struct Got {
    message: ApiMessage,
}

/// How many subjects one question names.
const SUBJECTS: usize = 500;
/// How often a replica that is behind is asked again, with pauses that double from 2 ms.
const ASK_AGAIN: u32 = 10;
const NO_MESSAGE: u16 = 10037;
const NO_SUCH_SEQUENCE: u16 = 10043;
const DELETE_FAILED: u16 = 10057;
/// What the server says of a message that was removed, or was beyond the end.
const GONE: &[&str] = &["no message found", "stream store EOF", "deleted message"];

impl Journal {
    pub(crate) async fn publish(&self, message: Outgoing) -> Result<u64, Refusal> {
        self.wire
            .publish(message.with("Nats-Expected-Stream", &self.name))
            .await
    }

    pub(crate) async fn publish_batch(&self, messages: Vec<Outgoing>) -> Result<u64, Refusal> {
        self.wire.publish_batch(messages).await
    }

    /// The last message of each subject or pattern that has one, in no order, and up to where the stream was looked at.
    pub(crate) async fn last(&self, subjects: &[String]) -> Result<(Vec<Message>, u64), StoreError> {
        let least = self.least().await?;
        let mut answers: FuturesOrdered<_> = subjects
            .chunks(SUBJECTS)
            .map(|some| self.last_of(some, least))
            .collect();
        let (mut messages, mut end) = (Vec::new(), u64::MAX);
        while let Some(answer) = answers.next().await {
            let (some, up_to) = answer?;
            messages.extend(some);
            end = end.min(up_to);
        }
        Ok((messages, end))
    }

    /// The last message of a subject.
    pub(crate) async fn last_one(&self, subject: &str) -> Result<Option<Message>, StoreError> {
        Ok(self.last(&[subject.to_owned()]).await?.0.pop())
    }

    /// Where the stream ends.
    pub(crate) async fn end(&self) -> Result<u64, StoreError> {
        let least = self.least().await?;
        Ok(self.last_of(&[], least).await?.1)
    }

    /// The next messages from a sequence on, of one subject or pattern, by a replica that may be behind: what it gives
    /// is whole up to the last one.
    pub(crate) async fn page(&self, filter: &str, from: u64, most: usize, bytes: usize) -> Result<Batch, StoreError> {
        let question = json!({ "seq": from.max(1), "next_by_subj": filter, "batch": most, "max_bytes": bytes });
        self.wire.direct(&self.name, &question).await
    }

    /// The next message from a sequence on, by the leader.
    pub(crate) async fn next(&self, filter: &str, from: u64) -> Result<Option<Message>, StoreError> {
        let question = json!({ "seq": from.max(1), "next_by_subj": filter });
        match self.api::<Got>("MSG.GET", &question).await? {
            Ok(got) => got.message.decode().map(Some),
            Err(error) if error.err_code == NO_MESSAGE => Ok(None),
            Err(error) => Err(error.into_store_error("failed to get a message")),
        }
    }

    /// Whether a pattern has any message.
    pub(crate) async fn has_any(&self, pattern: &str) -> Result<bool, StoreError> {
        let least = self.least().await?;
        // The anchor comes first, since it is older than all else.
        let question = json!({ "multi_last": [pattern, self.anchor], "batch": 1 });
        let mut pause = Duration::from_millis(2);
        for _ in 0..ASK_AGAIN {
            let batch = self.wire.direct(&self.name, &question).await?;
            if batch.too_many || batch.up_to.is_some_and(|up_to| up_to >= least) {
                return Ok(batch.too_many || batch.pending > 0);
            }
            self.wire.runtime.sleep(pause).await;
            pause *= 2;
        }
        Err(self.behind())
    }

    /// Removes the messages of a subject or pattern below a sequence, or all; how many there were. Where it arrives late
    /// it removes nothing that came later.
    pub(crate) async fn purge(&self, filter: &str, below: Option<u64>) -> Result<u64, StoreError> {
        let mut question = json!({ "filter": filter });
        if let Some(below) = below {
            question["seq"] = below.into();
        }
        match self.api::<Purged>("PURGE", &question).await? {
            Ok(purged) => Ok(purged.purged),
            Err(error) => Err(error.into_store_error("failed to purge")),
        }
    }

    /// Removes one message and writes over its bytes, which a purge leaves where they are. That it has gone already is fine.
    pub(crate) async fn overwrite(&self, seq: u64) -> Result<(), StoreError> {
        match self.api::<Value>("MSG.DELETE", &json!({ "seq": seq })).await? {
            Ok(_) => Ok(()),
            Err(error) if error.err_code == NO_SUCH_SEQUENCE => Ok(()),
            Err(error) if error.err_code == DELETE_FAILED && GONE.contains(&&*error.description) => Ok(()),
            Err(error) => Err(error.into_store_error("failed to delete a message")),
        }
    }

    pub(crate) async fn info(&self) -> Result<Result<StreamInfo, ApiError>, StoreError> {
        let what = format!("STREAM.INFO.{}", self.name);
        self.wire.api(&what, &json!({})).await
    }

    async fn api<T: serde::de::DeserializeOwned>(
        &self,
        what: &str,
        question: &Value,
    ) -> Result<Result<T, ApiError>, StoreError> {
        let what = format!("STREAM.{what}.{}", self.name);
        self.wire.api(&what, question).await
    }

    /// The sequence that a replica must have come to, so that it has seen all that was answered before this call.
    async fn least(&self) -> Result<u64, StoreError> {
        if !self.replicated {
            return Ok(0);
        }
        self.fence
            .pass(|| prove(self.wire.clone(), self.name.clone(), self.nothing.clone()))
            .await
    }

    /// As [`last`](Self::last), of a replica that has come to a sequence.
    async fn last_of(&self, subjects: &[String], least: u64) -> Result<(Vec<Message>, u64), StoreError> {
        let mut pause = Duration::from_millis(2);
        for _ in 0..ASK_AGAIN {
            if let Some(found) = self.last_once(subjects, least).await? {
                return Ok(found);
            }
            self.wire.runtime.sleep(pause).await;
            pause *= 2;
        }
        Err(self.behind())
    }

    fn behind(&self) -> StoreError {
        StoreError::transient(format!("the replicas of the stream {} are behind", self.name))
    }

    async fn last_once(&self, subjects: &[String], least: u64) -> Result<Option<(Vec<Message>, u64)>, StoreError> {
        // With the anchor an answer is never empty: an empty one would not tell how far the replica is.
        let asked: Vec<&String> = subjects.iter().chain([&self.anchor]).collect();
        let mut question = json!({ "multi_last": asked, "batch": 1024 });
        let (mut messages, mut end) = (Vec::new(), None);
        loop {
            let batch = self.wire.direct(&self.name, &question).await?;
            if batch.too_many && subjects.len() > 1 {
                let (left, right) = subjects.split_at(subjects.len() / 2);
                let (mut messages, left) = Box::pin(self.last_of(left, least)).await?;
                let (more, right) = Box::pin(self.last_of(right, least)).await?;
                messages.extend(more);
                return Ok(Some((messages, left.min(right))));
            }
            if batch.too_many {
                return self.last_by_steps(subjects, least).await.map(Some);
            }
            let Some(up_to) = end.or(batch.up_to).filter(|up_to| *up_to >= least) else {
                return Ok(None);
            };
            end = Some(up_to);
            let last = batch.messages.last().map(|message| message.seq);
            let wanted = batch
                .messages
                .into_iter()
                .filter(|message| message.subject != self.anchor);
            messages.extend(wanted);
            match last {
                Some(last) if batch.pending > 0 => {
                    question["seq"] = (last + 1).into();
                    question["up_to_seq"] = up_to.into();
                }
                _ => return Ok(Some((messages, up_to))),
            }
        }
    }

    /// For patterns of more subjects than one answer may have: message by message from the leader.
    async fn last_by_steps(&self, patterns: &[String], end: u64) -> Result<(Vec<Message>, u64), StoreError> {
        let mut found = std::collections::BTreeMap::new();
        for pattern in patterns {
            let mut from = 1;
            while let Some(message) = self.next(pattern, from).await? {
                from = message.seq + 1;
                found.insert(message.subject.clone(), message);
            }
        }
        Ok((found.into_values().collect(), end))
    }
}

/// A purge of nothing goes through the replicas' log like any write: when it is answered, whoever answered leads, and has
/// all that was answered before. Nothing is stored for it.
async fn prove(wire: Arc<Wire>, name: String, nothing: String) -> Result<u64, StoreError> {
    let (purge, info) = (format!("STREAM.PURGE.{name}"), format!("STREAM.INFO.{name}"));
    let purged = wire.api::<Purged>(&purge, &json!({ "filter": nothing })).await?;
    purged.map_err(|error| error.into_store_error("the replicas do not agree"))?;
    match wire.api::<StreamInfo>(&info, &json!({})).await? {
        Ok(info) => Ok(info.state.last_seq),
        Err(error) => Err(error.into_store_error("failed to ask for the end of the stream")),
    }
}
