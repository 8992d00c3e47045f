use std::collections::HashMap;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, HeadQuery, NewEvent};
use asynx_core::{Position, Store, StoreError, StreamId, Version};
use tokio::time::{sleep, timeout};

use super::find_out::find_out;
use super::given::tell;
use super::plan::{Draft, Plan};
use crate::database::patiently;
use crate::process::say;

/// How often an append that lost a race is tried again.
const TRIES: usize = 4;
/// How long a writer that was refused waits.
const PAUSE: Duration = Duration::from_millis(20);
/// So long an append may take until it counts as unanswered.
const ANSWER: Duration = Duration::from_secs(75);

/// What became of appends that were not acknowledged.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) conflicts: u64,
    pub(super) duplicates: u64,
    pub(super) rolled_back: u64,
    pub(super) refused: u64,
    pub(super) unknown: u64,
    /// So many of the unknown ones were appended again until it was known what became of them.
    pub(super) settled: u64,
    pub(super) unanswered: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.conflicts += other.conflicts;
        self.duplicates += other.duplicates;
        self.rolled_back += other.rolled_back;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.settled += other.settled;
        self.unanswered += other.unanswered;
    }
}

/// Appends what a plan says and reports what was acknowledged.
pub(crate) struct Writer {
    store: Arc<dyn Store>,
    plan: Plan,
    heads: HashMap<StreamId, Version>,
    last: Option<(StreamId, NewEvent)>,
    tally: Tally,
    /// For how long the store may be out of reach; no time at all where it is always there.
    patience: Duration,
    /// What may be stored, and is to be found out.
    open: Vec<AppendGroup>,
}

impl Writer {
    pub(crate) fn new(store: Arc<dyn Store>, plan: Plan, patience: Duration) -> Self {
        Self {
            store,
            plan,
            heads: HashMap::new(),
            last: None,
            tally: Tally::default(),
            patience,
            open: Vec::new(),
        }
    }

    pub(super) const fn tally(&self) -> Tally {
        self.tally
    }

    /// One append, tried again where others were faster.
    pub(crate) async fn step(&mut self) -> Result<()> {
        let mut drafts = self.plan.drafts();
        if self.plan.random().chance(0.01) {
            self.drop_early(drafts).await?;
            return self.find_out().await;
        }
        let refused = self.tally.refused;
        for _ in 0..TRIES {
            let groups = self.groups(&drafts);
            let outcomes = self.append(&groups).await;
            drafts = self.settle(drafts, groups, outcomes)?;
            self.find_out().await?;
            if drafts.is_empty() {
                break;
            }
            self.look(&drafts).await?;
        }
        if self.plan.random().chance(0.01) {
            self.repeat().await?;
        }
        if self.tally.refused > refused && !self.patience.is_zero() {
            sleep(PAUSE).await;
        }
        Ok(())
    }

    fn groups(&self, drafts: &[Draft]) -> Vec<AppendGroup> {
        let behind = |draft: &Draft| draft.behind(self.heads.get(&draft.stream).copied());
        drafts.iter().map(behind).collect()
    }

    async fn append(&mut self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        if let Ok(outcomes) = timeout(ANSWER, self.ask(groups)).await {
            return outcomes;
        }
        self.tally.unanswered += groups.len() as u64;
        let unknown = || GroupOutcome::none(AppendError::Unknown(StoreError::transient("it was not answered")));
        groups.iter().map(|_| unknown()).collect()
    }

    async fn ask(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        let ([group], Some(event)) = (groups, groups.first().and_then(|group| group.events.first())) else {
            return self.store.append_batch(groups).await;
        };
        if group.events.len() > 1 {
            return self.store.append_batch(groups).await;
        }
        vec![match self.store.append(&group.stream, event.clone()).await {
            Ok(position) => GroupOutcome {
                applied: vec![position],
                stopped: None,
            },
            Err(reason) => GroupOutcome::none(reason),
        }]
    }

    /// Reports what was acknowledged; gives back what lost a race.
    fn settle(
        &mut self,
        drafts: Vec<Draft>,
        groups: Vec<AppendGroup>,
        outcomes: Vec<GroupOutcome>,
    ) -> Result<Vec<Draft>> {
        if groups.len() != outcomes.len() {
            bail!("{} groups had {} outcomes", groups.len(), outcomes.len());
        }
        let mut left = Vec::new();
        for ((mut draft, group), outcome) in drafts.into_iter().zip(groups).zip(outcomes) {
            let stored = outcome.applied.len();
            for (event, position) in group.events.iter().zip(outcome.applied) {
                acknowledged(&group.stream, event, position)?;
                self.heads.insert(group.stream.clone(), event.version);
                self.last = Some((group.stream.clone(), event.clone()));
            }
            match outcome.stopped {
                None => {}
                Some(AppendError::Conflict) => {
                    self.tally.conflicts += 1;
                    draft.events.drain(..stored);
                    left.push(draft);
                }
                Some(AppendError::Duplicate { event_id }) => {
                    bail!("event {event_id} is new, and was refused as a duplicate")
                }
                Some(AppendError::NotApplied(_)) if draft.is_doomed() && self.patience.is_zero() => {
                    self.tally.rolled_back += 1
                }
                Some(AppendError::NotApplied(error)) => {
                    self.tally.refused += 1;
                    if self.patience.is_zero() {
                        eprintln!("refused: {error}");
                    } else if !error.is_transient() {
                        bail!("{}: {error}", group.stream);
                    }
                }
                Some(AppendError::Unknown(error)) => {
                    if self.patience.is_zero() {
                        eprintln!("unknown: {error}");
                    }
                    self.unknown(&group, stored);
                }
            }
        }
        Ok(left)
    }

    /// Drops a call before it answered: nobody knows what became of it.
    async fn drop_early(&mut self, drafts: Vec<Draft>) -> Result<()> {
        let patience = Duration::from_micros(self.plan.random().below(5_000));
        let groups = self.groups(&drafts);
        match timeout(patience, self.store.append_batch(&groups)).await {
            Ok(outcomes) => self.settle(drafts, groups, outcomes).map(drop),
            Err(_) => {
                groups.iter().for_each(|group| self.unknown(group, 0));
                Ok(())
            }
        }
    }

    /// Finds out what became of appends, by appending again. Without patience that is left to who knows all writers.
    async fn find_out(&mut self) -> Result<()> {
        for group in std::mem::take(&mut self.open) {
            let (stream, events) = (group.stream.clone(), group.events.len() as u64);
            for (event, position) in find_out(&*self.store, group, true, self.patience).await? {
                acknowledged(&stream, &event, position)?;
                self.heads.insert(stream.clone(), event.version);
            }
            self.tally.settled += events;
        }
        Ok(())
    }

    /// An event that is stored already must be refused.
    async fn repeat(&mut self) -> Result<()> {
        let Some((stream, mut event)) = self.last.clone() else {
            return Ok(());
        };
        // Where ids are not unique it is asynx that looks them up, and the version that refuses.
        let by_id = self.store.unique_event_ids();
        if by_id {
            event.version = event.version.next();
        }
        match self.store.append(&stream, event.clone()).await {
            Err(AppendError::Conflict) if !by_id => self.tally.duplicates += 1,
            Err(AppendError::Duplicate { .. }) => self.tally.duplicates += 1,
            // Told as one that is stored twice.
            Ok(position) => acknowledged(&stream, &event, position)?,
            Err(AppendError::Conflict) => bail!("{stream}: an id that is stored was refused as a conflict"),
            Err(AppendError::NotApplied(_) | AppendError::Unknown(_)) => {}
        }
        Ok(())
    }

    /// Finds out how far streams have come.
    async fn look(&mut self, drafts: &[Draft]) -> Result<()> {
        let queries = drafts.iter().map(|draft| HeadQuery {
            stream: draft.stream.clone(),
            event_id: None,
        });
        let queries: Vec<_> = queries.collect();
        let heads = patiently(self.patience, || self.store.heads(&queries)).await?;
        for (draft, head) in drafts.iter().zip(heads) {
            match head.version {
                Some(version) => self.heads.insert(draft.stream.clone(), version),
                None => self.heads.remove(&draft.stream),
            };
        }
        Ok(())
    }

    fn unknown(&mut self, group: &AppendGroup, from: usize) {
        self.tally.unknown += (group.events.len() - from) as u64;
        self.heads.remove(&group.stream);
        if !self.patience.is_zero() {
            let (stream, events) = (group.stream.clone(), group.events[from..].to_vec());
            self.open.push(AppendGroup { stream, events });
            return;
        }
        for event in &group.events[from..] {
            let told = tell(&group.stream, &event.event_name, event.version, event.event_id, None);
            say(&format!("unknown {told}"));
        }
    }
}

fn acknowledged(stream: &StreamId, event: &NewEvent, position: Option<Position>) -> Result<()> {
    if position.is_none() {
        bail!("an acknowledged append to {stream} had no position");
    }
    let told = tell(stream, &event.event_name, event.version, event.event_id, position);
    say(&format!("stored {told}"));
    Ok(())
}
