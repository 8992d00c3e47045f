use async_nats::HeaderMap;
use asynx_core::StoreError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use crate::error::corrupt;

/// One stored message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) subject: String,
    pub(crate) seq: u64,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

impl Message {
    /// From an answer that is a message itself, with its place in headers.
    pub(crate) fn direct(answer: async_nats::Message) -> Result<Self, StoreError> {
        let headers = answer.headers.unwrap_or_default();
        let text = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
        let subject = text("Nats-Subject").ok_or_else(|| corrupt("the server gave a message without a subject"))?;
        let seq = text("Nats-Sequence").and_then(|seq| seq.parse().ok());
        let seq = seq.ok_or_else(|| corrupt(format!("the server gave a message of {subject} without a sequence")))?;
        Ok(Self {
            subject,
            seq,
            headers,
            payload: answer.payload,
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.as_str())
    }
}

/// A message as the leader's API gives it.
#[derive(Debug, Deserialize)]
pub(crate) struct ApiMessage {
    subject: String,
    seq: u64,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
}

impl ApiMessage {
    pub(crate) fn decode(self) -> Result<Message, StoreError> {
        let bytes = |text: &str| {
            let decoded = STANDARD.decode(text);
            decoded.map_err(|error| corrupt(format!("message {} is not base64", self.seq)).caused_by(error))
        };
        let head = bytes(&self.hdrs)?;
        let head = String::from_utf8(head)
            .map_err(|error| corrupt(format!("message {} has odd headers", self.seq)).caused_by(error))?;
        let mut headers = HeaderMap::new();
        for line in head.split("\r\n").skip(1) {
            if let Some((name, value)) = line.split_once(':') {
                headers.append(name, value.trim());
            }
        }
        Ok(Message {
            headers,
            payload: bytes(&self.data)?.into(),
            subject: self.subject,
            seq: self.seq,
        })
    }
}
