use std::time::Duration;

use anyhow::Result;
use asynx_core::Position;
use asynx_core::store::{LogEvent, LogFilter};
use asynx_testkit::Random;
use tokio::sync::watch;
use tokio::time::timeout;

use super::compare::Verdict;
use super::follow::page;
use super::sabotage::{Log, Sabotage};
use super::seen::Seen;
use crate::database::Database;

/// Up to where readers have to come; nothing while appends go on.
pub(super) type Until = watch::Receiver<Option<Position>>;

/// How long a reader that is at the end waits for more, and how often, before it begins elsewhere.
const PATIENCE: Duration = Duration::from_millis(50);
const WAITS: usize = 10;
/// The most events of one run.
const LONGEST: usize = 100_000;
/// A new handle after so many runs.
const REOPEN: u64 = 50;

/// What one of these readers did.
#[derive(Default)]
pub(super) struct Restarts {
    pub(super) runs: u64,
    pub(super) events: u64,
    pub(super) verdict: Verdict,
}

/// Goes on again and again from places that readers were given, with filters; at last from the beginning to the end.
pub(super) async fn restart(
    database: &Database,
    sabotage: Option<Sabotage>,
    seen: &Seen,
    until: Until,
    mut random: Random,
) -> Result<Restarts> {
    let mut done = Restarts::default();
    let mut log = Log::open(database, sabotage).await?;
    loop {
        let end = *until.borrow();
        let run = match end {
            Some(_) => Run {
                after: None,
                filter: LogFilter::default(),
                pages: u64::MAX,
                end,
            },
            None => Run {
                after: seen.place(&mut random),
                filter: seen.filter(&mut random),
                pages: 1 + random.below(100),
                end: None,
            },
        };
        let (given, next) = run.read(&log, seen, &mut random).await?;
        seen.reach(next).await;
        done.verdict += seen.judge(run.after, next, &run.filter, &given);
        done.events += given.len() as u64;
        done.runs += 1;
        if end.is_some() {
            return Ok(done);
        }
        if done.runs % REOPEN == 0 {
            log = Log::open(database, sabotage).await?;
        }
    }
}

struct Run {
    after: Option<Position>,
    filter: LogFilter,
    pages: u64,
    end: Option<Position>,
}

impl Run {
    /// What it was given, and up to where.
    async fn read(&self, log: &Log, seen: &Seen, random: &mut Random) -> Result<(Vec<LogEvent>, Option<Position>)> {
        let mut given = Vec::new();
        let mut next = self.after;
        let mut waits = 0;
        for _ in 0..self.pages {
            let page = page(log, next, &self.filter, random).await?;
            next = page.next;
            seen.been_at(next);
            given.extend(page.events);
            let ended = self.end.is_some() && next >= self.end;
            if ended || (self.end.is_none() && given.len() > LONGEST) {
                break;
            }
            if page.at_end && self.end.is_none() {
                waits += 1;
                if waits > WAITS {
                    break;
                }
            }
            if page.at_end {
                let _ = timeout(PATIENCE, log.changed(next)).await;
            }
        }
        Ok((given, next))
    }
}
