use std::collections::HashMap;

use asynx_core::store::Head;
use asynx_core::{StoreError, StreamId, Version};

use crate::error::corrupt;
use crate::known::Sequenced;
use crate::message::Message;
use crate::store::Shared;
use crate::wire::Outgoing;

/// What the last message of an aggregate's subject tells of the whole stream. Whoever appends has seen the message
/// before, by the expected sequence, and hands this on: so one message answers for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Chain {
    /// The sequence of that last message, 0 where there is none.
    pub(crate) seq: u64,
    /// What comes at or before this sequence is of a stream that was deleted.
    pub(crate) base: u64,
    pub(crate) version: Option<Version>,
    pub(crate) floor: Option<Version>,
    /// Up to which version payloads are erased.
    pub(crate) erased: Option<Version>,
    /// An event not far from the end and its sequence, so that reads of the end need not begin at the beginning.
    pub(crate) mark: Option<(Version, u64)>,
}

/// What stands between events in a subject and is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// An erasure was done.
    Erased,
    /// The stream was deleted.
    Deleted,
}

const MARK: &str = "Asynx-Mark";
const VERSION: &str = "Asynx-Version";
const FLOOR: &str = "Asynx-Floor";
const ERASED: &str = "Asynx-Erased";
const BASE: &str = "Asynx-Base";
const NEAR: &str = "Asynx-Near";
/// How many versions lie between the events that are handed on as near.
const NEAR_BY: u64 = 64;

impl Chain {
    pub(crate) fn of(message: &Message) -> Result<Self, StoreError> {
        let mut chain = Self {
            seq: message.seq,
            base: number(message, BASE)?.unwrap_or(0),
            version: version(message, VERSION)?,
            floor: version(message, FLOOR)?,
            erased: version(message, ERASED)?,
            mark: near(message)?,
        };
        match mark(message)? {
            Some(Mark::Deleted) => chain.base = message.seq,
            Some(Mark::Erased) => {}
            None if chain.version.is_none() => return Err(odd(message, VERSION)),
            None => {}
        }
        Ok(chain)
    }

    /// What the next event hands on.
    pub(crate) fn appended(mut self, version: Version, is_tombstone: bool) -> Self {
        let block = |version: Version| version.get() / NEAR_BY;
        if let Some(last) = self.version.filter(|_| self.seq > self.base)
            && self.mark.is_none_or(|(near, _)| block(last) > block(near))
        {
            self.mark = Some((last, self.seq));
        }
        self.version = Some(version);
        if is_tombstone {
            self.floor = Some(version);
        }
        self
    }

    pub(crate) fn stamp(&self, mut message: Outgoing) -> Outgoing {
        let versions = [(VERSION, self.version), (FLOOR, self.floor), (ERASED, self.erased)];
        for (name, version) in versions {
            if let Some(version) = version {
                message = message.with(name, version.get());
            }
        }
        if self.base > 0 {
            message = message.with(BASE, self.base);
        }
        if let Some((version, seq)) = self.mark {
            message = message.with(NEAR, format!("{version} {seq}"));
        }
        message
    }

    pub(crate) fn is_erasing(&self) -> bool {
        self.floor > self.erased
    }

    pub(crate) fn head(&self) -> Head {
        Head {
            version: self.version,
            floor: self.floor,
            erasing: self.is_erasing(),
            found: None,
        }
    }

    /// From which sequence on the events from a version on are found.
    pub(crate) const fn start(&self, from: Version) -> u64 {
        match self.mark {
            Some((near, seq)) if near.get() < from.get() && seq > self.base => seq + 1,
            _ => self.base + 1,
        }
    }
}

impl Mark {
    pub(crate) fn stamp(self, message: Outgoing) -> Outgoing {
        message.with(
            MARK,
            match self {
                Self::Erased => "erased",
                Self::Deleted => "deleted",
            },
        )
    }
}

/// What a message stands for that is no event.
pub(crate) fn mark(message: &Message) -> Result<Option<Mark>, StoreError> {
    match message.header(MARK) {
        None => Ok(None),
        Some("erased") => Ok(Some(Mark::Erased)),
        Some("deleted") => Ok(Some(Mark::Deleted)),
        Some(_) => Err(odd(message, MARK)),
    }
}

pub(crate) fn version_of(message: &Message) -> Result<Version, StoreError> {
    version(message, VERSION)?.ok_or_else(|| odd(message, VERSION))
}

fn version(message: &Message, name: &str) -> Result<Option<Version>, StoreError> {
    match number(message, name)? {
        None => Ok(None),
        Some(number) => Version::new(number).map(Some).ok_or_else(|| odd(message, name)),
    }
}

fn number(message: &Message, name: &str) -> Result<Option<u64>, StoreError> {
    let parsed = message.header(name).map(str::parse);
    parsed.transpose().map_err(|_| odd(message, name))
}

fn near(message: &Message) -> Result<Option<(Version, u64)>, StoreError> {
    let Some(text) = message.header(NEAR) else {
        return Ok(None);
    };
    let parsed = text.split_once(' ').and_then(|(version, seq)| {
        let version = Version::new(version.parse().ok()?)?;
        Some((version, seq.parse().ok()?))
    });
    parsed.map(Some).ok_or_else(|| odd(message, NEAR))
}

pub(crate) fn odd(message: &Message, name: &str) -> StoreError {
    let Message { subject, seq, .. } = message;
    corrupt(format!(
        "the header {name} of message {seq} of {subject} is missing or odd: something else wrote it"
    ))
}

impl Sequenced for Chain {
    fn seq(&self) -> u64 {
        self.seq
    }
}

impl Shared {
    /// The chain of a stream as it is now.
    pub(crate) async fn chain(&self, stream: &StreamId) -> Result<Chain, StoreError> {
        Ok(self.chains_now(std::slice::from_ref(stream)).await?.remove(0))
    }

    /// The chains of streams as they are now, in their order.
    pub(crate) async fn chains_now(&self, streams: &[StreamId]) -> Result<Vec<Chain>, StoreError> {
        if streams.is_empty() {
            return Ok(Vec::new());
        }
        let mut subjects: Vec<String> = streams.iter().map(|stream| self.names.events(stream)).collect();
        let asked = subjects.clone();
        subjects.sort_unstable();
        subjects.dedup();
        let (messages, _) = self.events.last(&subjects).await?;
        let mut found = HashMap::with_capacity(messages.len());
        for message in messages {
            found.insert(message.subject.clone(), Chain::of(&message)?);
        }
        let chains = streams.iter().zip(asked).map(|(stream, subject)| {
            let chain = found.get(&subject).copied().unwrap_or_default();
            if chain.seq > 0 {
                self.chains.put(stream, chain);
            }
            chain
        });
        Ok(chains.collect())
    }
}
