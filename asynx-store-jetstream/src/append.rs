use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, NewEvent};
use asynx_core::{Position, StoreError, StreamId, Version};

use crate::error::Refusal;
use crate::head::Chain;
use crate::row::{outgoing, position};
use crate::store::Shared;
use crate::wire::Outgoing;

/// How many events go in one batch: the server takes 1,000 messages.
const BATCH: usize = 500;
/// How often an append looks again and tries anew, because what it expected was outdated.
const TRIES: usize = 8;

impl Shared {
    /// Looks at the streams that are not remembered, in one question. Where that fails each append asks for itself.
    pub(crate) async fn look_ahead(&self, groups: &[AppendGroup]) {
        let unknown: Vec<StreamId> = groups
            .iter()
            .filter(|group| {
                group
                    .events
                    .first()
                    .is_some_and(|first| self.expected(&group.stream, first).is_none())
            })
            .map(|group| group.stream.clone())
            .collect();
        if unknown.len() > 1 {
            let _ = self.chains_now(&unknown).await;
        }
    }

    /// Appends the events of one stream, one or some at a time.
    pub(crate) async fn append_group(&self, stream: &StreamId, events: &[NewEvent]) -> GroupOutcome {
        if let Err(refused) = check_group(events) {
            return GroupOutcome::none(refused);
        }
        let mut outcome = GroupOutcome {
            applied: Vec::with_capacity(events.len()),
            stopped: None,
        };
        for events in events.chunks(self.together(events)) {
            match self.append_together(stream, events).await {
                Ok(positions) => outcome.applied.extend(positions),
                Err(reason) => {
                    outcome.stopped = Some(reason);
                    break;
                }
            }
        }
        outcome
    }

    /// How many events go in one message or batch. A server alone stages a batch in files of its own before it
    /// takes it, so that one event after the other is many times faster there. A tombstone needs a batch: what
    /// tells of the erasure is stored with it.
    fn together(&self, events: &[NewEvent]) -> usize {
        let has_tombstone = events.iter().any(|event| event.event_name.is_tombstone());
        if self.events.replicated || has_tombstone {
            BATCH
        } else {
            1
        }
    }

    /// Appends events together or not at all.
    async fn append_together(
        &self,
        stream: &StreamId,
        events: &[NewEvent],
    ) -> Result<Vec<Option<Position>>, AppendError> {
        let Some(first) = events.first() else {
            return Ok(Vec::new());
        };
        let look = async || self.chain(stream).await.map_err(AppendError::NotApplied);
        let (mut chain, mut is_new) = match self.expected(stream, first) {
            Some(chain) => (chain, false),
            None => (look().await?, true),
        };
        for _ in 0..TRIES {
            if first.version != Version::after(chain.version) {
                if is_new {
                    return Err(AppendError::Conflict);
                }
                (chain, is_new) = (look().await?, true);
                continue;
            }
            let (messages, chains) = self.messages(stream, events, chain);
            let count = messages.len() as u64;
            match self.store(messages).await {
                Ok(last) => {
                    let seqs = (last + 1 - count..=last).take(events.len());
                    if let Some((chain, seq)) = chains.last().zip(seqs.clone().last()) {
                        self.chains.put(stream, Chain { seq, ..*chain });
                    }
                    return Ok(seqs.map(|seq| Some(position(seq))).collect());
                }
                // The look afterwards waits for whatever was under way: what it shows is there for good.
                Err(Refusal::WrongSequence) => (chain, is_new) = (look().await?, true),
                Err(refusal) => return Err(refusal.into()),
            }
        }
        let busy = format!("{stream} is written to by somebody else all the time");
        Err(AppendError::NotApplied(StoreError::transient(busy)))
    }

    /// What comes before an event, as far as is known without a question. A first event expects to be the subject's first
    /// message: where it is not, because the stream is there or was, the server refuses it.
    fn expected(&self, stream: &StreamId, first: &NewEvent) -> Option<Chain> {
        let known = self.chains.get(stream);
        known.or_else(|| (first.version == Version::FIRST).then(Chain::default))
    }

    /// What is stored for events, and the chain after each of them. Only the first expects something: the others come
    /// right behind it.
    fn messages(&self, stream: &StreamId, events: &[NewEvent], mut chain: Chain) -> (Vec<Outgoing>, Vec<Chain>) {
        let (subject, expected) = (self.names.events(stream), chain.seq);
        let (mut messages, mut chains) = (Vec::with_capacity(events.len() + 1), Vec::with_capacity(events.len()));
        let mut forget = None;
        for event in events {
            let is_tombstone = event.event_name.is_tombstone();
            chain = chain.appended(event.version, is_tombstone);
            // Only what is stored already has a known sequence to be near to.
            chain.seq = 0;
            messages.push(chain.stamp(outgoing(subject.clone(), event)));
            chains.push(chain);
            if is_tombstone {
                forget = Some(chain);
            }
        }
        if let Some(first) = messages.first_mut() {
            *first = first.clone().expecting(expected);
        }
        if let Some(chain) = forget {
            messages.push(chain.stamp(Outgoing::new(self.names.forget(stream), "")));
        }
        (messages, chains)
    }

    async fn store(&self, mut messages: Vec<Outgoing>) -> Result<u64, Refusal> {
        if messages.len() > 1 {
            let Ok(_permit) = self.batches.acquire().await else {
                return Err(Refusal::NotApplied(StoreError::permanent("the store is closed")));
            };
            return self.events.publish_batch(messages).await;
        }
        match messages.pop() {
            Some(message) => self.events.publish(message).await,
            None => Ok(0),
        }
    }

    /// Stores a mark behind the last message of a stream, whatever is appended meanwhile.
    pub(crate) async fn store_mark(
        &self,
        stream: &StreamId,
        mark: impl Fn(Chain) -> Option<(Chain, crate::head::Mark)> + Send,
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let chain = self.chain(stream).await?;
            let Some((after, mark)) = mark(chain) else {
                return Ok(());
            };
            let message = Outgoing::new(self.names.events(stream), "").expecting(chain.seq);
            match self.events.publish(mark.stamp(after.stamp(message))).await {
                Ok(_) => return Ok(()),
                Err(Refusal::WrongSequence) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Err(StoreError::transient(format!(
            "{stream} is written to by somebody else all the time"
        )))
    }
}

/// What makes a group wrong in itself.
fn check_group(events: &[NewEvent]) -> Result<(), AppendError> {
    for pair in events.windows(2) {
        if pair[1].version != pair[0].version.next() {
            return Err(AppendError::NotApplied(StoreError::permanent(format!(
                "version {} follows on version {} in one group",
                pair[1].version, pair[0].version
            ))));
        }
    }
    Ok(())
}
