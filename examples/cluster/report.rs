//! What became of each item, as far as this process was told.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::said::Said;
use crate::service::INSTANCES;

/// What the cluster goes through.
#[derive(Debug, Clone, Copy, Default)]
pub enum Phase {
    #[default]
    Whole,
    NodeGone,
    NodeBack,
}

/// How often each item was there.
#[derive(Debug, Default)]
pub struct Items(BTreeMap<String, u32>);

impl Items {
    pub fn note(&mut self, item: &str) {
        *self.0.entry(item.to_owned()).or_default() += 1;
    }

    /// How many different ones.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// How many of others are not among these.
    pub fn lacks(&self, others: &Self) -> usize {
        others.0.keys().filter(|item| !self.0.contains_key(*item)).count()
    }

    /// How many were there more than once.
    pub fn twice(&self) -> usize {
        self.0.values().filter(|times| **times > 1).count()
    }
}

#[derive(Debug, Default)]
pub struct Report {
    pub phase: Phase,
    ready: usize,
    /// What was answered: durable, by what asynx promises.
    pub answered: Items,
    /// What each instance's subscriber without a name was given.
    pub seen: [Items; INSTANCES.len()],
    /// What the mailer was given, in whichever instance.
    pub mailed: Items,
    /// The longest time to an answer, in each phase.
    pub longest: [Duration; 3],
}

impl Report {
    pub fn note(&mut self, instance: usize, said: Said) {
        match said {
            Said::Ready => self.ready += 1,
            Said::Answered { item, took } => {
                self.answered.note(&item);
                let longest = &mut self.longest[self.phase as usize];
                *longest = took.max(*longest);
            }
            Said::Saw(item) => self.seen[instance].note(&item),
            Said::Mailed(item) => self.mailed.note(&item),
            Said::Ended => {}
        }
    }

    pub fn ready(&self) -> usize {
        self.ready
    }

    pub fn answers(&self) -> usize {
        self.answered.len()
    }

    /// How many items everybody was given whom the bus owes them.
    pub fn given(&self) -> usize {
        let seen = self.seen.iter().map(Items::len).min().unwrap_or(0);
        seen.min(self.mailed.len())
    }
}
