use std::fmt;
use std::time::Duration;

use anyhow::{Result, bail};
use asynx_testkit::Random;
use tokio::time::Instant;

use super::crew::Crew;
use super::engine::LEASE;
use super::linger::Amid;
use super::table::TABLES;
use crate::clock::Stopwatch;

/// Until something happens it is quiet for at most so many milliseconds.
const QUIET: u64 = 700;
/// How long processes may take until they are where somebody waits for them.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was done to processes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hindrances {
    pub(super) killed: u64,
    pub(super) paused: u64,
}

/// What to do, and when.
#[derive(Debug, Clone, Copy)]
struct Plan {
    kills: bool,
    /// In the middle of what, or whenever.
    amid: Option<(Amid, &'static str)>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.kills { "kills" } else { "pauses" };
        match self.amid {
            Some((amid, table)) => write!(f, "{what} {}", amid.word(table)),
            None => write!(f, "{what} whenever"),
        }
    }
}

/// What is done in turns: who is killed has done something that is not kept yet, or goes on after the pause to do what
/// somebody else did meanwhile.
fn plans() -> Vec<Plan> {
    let mut plans = Vec::new();
    for kills in [true, false] {
        let amid = if kills { Amid::After } else { Amid::Before };
        plans.extend(TABLES.iter().map(|table| Plan {
            kills,
            amid: Some((amid, table.name)),
        }));
        plans.push(Plan { kills, amid: None });
    }
    // Paused in a transaction, which stays open.
    plans.extend(TABLES.iter().filter(|table| table.transactional).map(|table| Plan {
        kills: false,
        amid: Some((Amid::After, table.name)),
    }));
    plans
}

/// Kills and pauses processes for some time, and at least once as each plan says, however slow the machine is.
pub(super) async fn hinder(crew: &mut Crew, time: Duration, random: &mut Random) -> Result<Hindrances> {
    let watch = Stopwatch::start();
    let mut done = Hindrances::default();
    let end = Instant::now() + time;
    let mut rounds = 0;
    while rounds == 0 || Instant::now() < end {
        let mut plans = plans();
        while !plans.is_empty() && (rounds == 0 || Instant::now() < end) {
            let plan = plans.swap_remove(random.below(plans.len() as u64) as usize);
            quiet(crew, random.below(QUIET)).await?;
            let victim = victim(crew, plan, random).await?;
            eprintln!("{:5.1} s: {plan}: process {victim}", watch.seconds());
            if plan.kills {
                crew.kill(victim).await?;
                crew.add()?;
                done.killed += 1;
            } else if let Some(member) = crew.alive.get_mut(&victim) {
                let longer = Duration::from_millis(random.below(2_000));
                member.pause(LEASE * 3 / 2 + longer)?;
                done.paused += 1;
            }
        }
        rounds += 1;
    }
    Ok(done)
}

async fn victim(crew: &mut Crew, plan: Plan, random: &mut Random) -> Result<usize> {
    let word = plan.amid.map(|(amid, table)| amid.word(table));
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(word) = &word {
            if let Some(number) = crew.listen_for(word, Duration::from_secs(1)).await? {
                return Ok(number);
            }
            continue;
        }
        let victims = crew.victims()?;
        if !victims.is_empty() {
            return Ok(victims[random.below(victims.len() as u64) as usize]);
        }
        crew.listen(Duration::from_millis(100)).await?;
    }
    bail!(
        "nobody could be hindered as planned for {} s: {plan}",
        PATIENCE.as_secs()
    )
}

async fn quiet(crew: &mut Crew, millis: u64) -> Result<()> {
    let end = Instant::now() + Duration::from_millis(millis);
    while Instant::now() < end {
        crew.listen(end - Instant::now()).await?;
    }
    Ok(())
}
