use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use asynx_core::store::HeadQuery;
use asynx_core::{Store, Version};

use super::compare::{Verdict, compare};
use super::given::{Given, Names, Told};
use crate::database::patiently;

/// What was stored, by what the writers were answered.
#[derive(Default)]
pub(super) struct Ledger {
    names: Names,
    stored: Vec<Given>,
    unknown: Vec<Told>,
}

/// How many streams are looked up at once.
const AT_ONCE: usize = 1_000;

impl Ledger {
    /// An acknowledged event.
    pub(super) fn stored(&mut self, words: &str) -> Result<()> {
        let told = self.names.told(words)?;
        let position = told.position.context("an acknowledged event has no position")?;
        self.stored.push(told.at(position));
        Ok(())
    }

    /// An event of which nobody knows whether it is stored.
    pub(super) fn unknown(&mut self, words: &str) -> Result<()> {
        let told = self.names.told(words)?;
        self.unknown.push(told);
        Ok(())
    }

    /// What a reader was given.
    pub(super) fn given(&mut self, words: &str) -> Result<Given> {
        let told = self.names.told(words)?;
        let position = told.position.context("an event of the log has no position")?;
        Ok(told.at(position))
    }

    pub(super) fn count(&self) -> usize {
        self.stored.len()
    }

    /// Finds out which of the unknown ones are stored, and how many these are. Nothing may be under way any more.
    pub(super) async fn settle(&mut self, store: &dyn Store) -> Result<usize> {
        let before = self.stored.len();
        for unknown in self.unknown.chunks(AT_ONCE) {
            let queries: Vec<HeadQuery> = unknown
                .iter()
                .map(|told| HeadQuery {
                    stream: self.names.streams()[told.stream as usize].clone(),
                    event_id: Some(told.event_id),
                })
                .collect();
            for (told, head) in unknown.iter().zip(store.heads(&queries).await?) {
                let Some(found) = head.found else { continue };
                if found.version != told.version {
                    bail!(
                        "event {} is stored at version {}, not {}",
                        told.event_id,
                        found.version,
                        told.version
                    );
                }
                let position = found.position.context("a stored event has no position")?;
                self.stored.push(told.at(position));
            }
        }
        self.unknown.clear();
        Ok(self.stored.len() - before)
    }

    /// Puts what is stored in order; what is wrong with it in itself.
    pub(super) fn close(&mut self) -> Verdict {
        self.stored.sort_by_key(|one| one.position);
        let mut verdict = Verdict::default();
        let mut ids = HashSet::with_capacity(self.stored.len());
        let mut heads: HashMap<u32, Version> = HashMap::new();
        let mut last = None;
        for one in &self.stored {
            if !ids.insert(one.event_id) || last == Some(one.position) {
                verdict.twice += 1;
                verdict.example(|| format!("acknowledged twice: {}", self.names.describe(one)));
            }
            last = Some(one.position);
            let head = heads.insert(one.stream, one.version);
            if Version::after(head) != one.version {
                verdict.disordered += 1;
                verdict.example(|| format!("acknowledged out of order: {}", self.names.describe(one)));
            }
        }
        verdict
    }

    /// The last position, in words.
    pub(super) fn end(&self) -> Option<String> {
        self.stored.last().map(|one| one.position.to_string())
    }

    /// Holds what a reader was given against what is stored.
    pub(super) fn judge(&self, given: &[Given]) -> Verdict {
        compare(&self.names, &self.stored, given)
    }

    /// How many streams have another head than they should have.
    pub(super) async fn wrong_heads(&self, store: &dyn Store, patience: Duration) -> Result<usize> {
        let heads: HashMap<u32, Version> = self.stored.iter().map(|one| (one.stream, one.version)).collect();
        let mut heads: Vec<_> = heads.into_iter().collect();
        heads.sort_unstable();
        let mut wrong = 0;
        for heads in heads.chunks(AT_ONCE) {
            let queries = heads.iter().map(|(stream, _)| HeadQuery {
                stream: self.names.streams()[*stream as usize].clone(),
                event_id: None,
            });
            let queries: Vec<_> = queries.collect();
            let found = patiently(patience, || store.heads(&queries)).await?;
            let differ = heads
                .iter()
                .zip(found)
                .filter(|((_, version), head)| head.version != Some(*version));
            wrong += differ.count();
        }
        Ok(wrong)
    }
}
