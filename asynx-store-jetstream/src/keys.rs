use asynx_core::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Refusal, corrupt};
use crate::message::Message;
use crate::store::Shared;
use crate::wire::Outgoing;

/// How often a change is tried anew when somebody else changed the key meanwhile.
const TRIES: usize = 64;

impl Shared {
    /// The subject of a key of the bucket.
    pub(crate) fn key(&self, key: &str) -> String {
        let bucket = self.state.name.trim_start_matches("KV_");
        format!("$KV.{bucket}.{key}")
    }

    /// The value of a key.
    pub(crate) async fn value<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let found = self.state.last_one(&self.key(key)).await?;
        found.as_ref().map(decode).transpose()
    }

    /// Changes the value of a key in one step: `change` is given what is there, and says what shall be there instead,
    /// `None` to leave it, and what to answer.
    pub(crate) async fn update<T, R>(
        &self,
        key: &str,
        change: impl Fn(Option<T>) -> (Option<T>, R) + Send,
    ) -> Result<R, StoreError>
    where
        T: Serialize + DeserializeOwned + Send,
        R: Send,
    {
        let subject = self.key(key);
        for _ in 0..TRIES {
            let found = self.state.last_one(&subject).await?;
            let seq = found.as_ref().map_or(0, |found| found.seq);
            let (after, answer) = change(found.as_ref().map(decode).transpose()?);
            let Some(after) = after else {
                return Ok(answer);
            };
            let stored = self
                .state
                .publish(Outgoing::new(subject.clone(), encode(&after)?).expecting(seq));
            match stored.await {
                Ok(_) => return Ok(answer),
                Err(Refusal::WrongSequence) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Err(Refusal::WrongSequence.into())
    }
}

pub(crate) fn decode<T: DeserializeOwned>(message: &Message) -> Result<T, StoreError> {
    serde_json::from_slice(&message.payload)
        .map_err(|error| corrupt(format!("the value of {} cannot be read", message.subject)).caused_by(error))
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| corrupt("a value cannot be written").caused_by(error))
}
