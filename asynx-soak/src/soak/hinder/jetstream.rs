use std::time::Duration;

use anyhow::Result;
use asynx_testkit::Random;

use super::done::Done;
use super::hindrance::{Hinder, Stop};
use super::probe::Probe;
use crate::clock::Stopwatch;
use crate::database::JetStream;

/// What is done to the servers.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    Cut,
    Leader,
    Anyone,
    /// Most of them are killed, and for a while no append may be acknowledged.
    Most,
}

/// What comes first, so that each comes once in any run.
const FIRST: [Trouble; 3] = [Trouble::Cut, Trouble::Leader, Trouble::Most];
/// The pause before each, at least and at most, in milliseconds.
const PAUSE: (u64, u64) = (300, 2_000);
/// How long a server is dead, at most, in milliseconds.
const DEAD: u64 = 3_000;
/// How long there is no majority.
const OUTAGE: Duration = Duration::from_secs(4);

/// Begins to kill servers and to cut connections.
pub(super) async fn start(jetstream: &JetStream, seed: u64, hinder: &mut Hinder) -> Result<()> {
    let troubled = Troubled {
        jetstream: jetstream.clone(),
        probe: Probe::open(jetstream).await?,
        random: Random::seeded(seed),
        done: Done::default(),
    };
    hinder.begin(|stop| troubled.run(stop));
    Ok(())
}

struct Troubled {
    jetstream: JetStream,
    probe: Probe,
    random: Random,
    done: Done,
}

impl Troubled {
    async fn run(mut self, mut stop: Stop) -> Result<Done> {
        let mut first = FIRST.into_iter();
        loop {
            let next = first.next();
            if stop.is_wanted() && next.is_none() {
                break;
            }
            let pause = PAUSE.0 + self.random.below(PAUSE.1 - PAUSE.0);
            stop.pause(Duration::from_millis(pause)).await;
            let trouble = next.unwrap_or_else(|| self.choose());
            self.make(trouble, &mut stop).await?;
        }
        self.jetstream.whole().await?;
        Ok(self.done)
    }

    fn choose(&mut self) -> Trouble {
        match self.random.below(10) {
            0..3 => Trouble::Cut,
            3..6 => Trouble::Leader,
            6..9 => Trouble::Anyone,
            _ => Trouble::Most,
        }
    }

    async fn make(&mut self, trouble: Trouble, stop: &mut Stop) -> Result<()> {
        match trouble {
            Trouble::Cut => {
                self.jetstream.cut(if self.random.chance(0.5) { 100 } else { 40 })?;
                self.done.cuts += 1;
                return Ok(());
            }
            Trouble::Leader => {
                if let Some(leader) = self.jetstream.leader().await? {
                    self.kill(leader)?;
                    self.done.led += 1;
                }
                self.dead(stop).await;
            }
            Trouble::Anyone => {
                let victim = self.random.below(self.jetstream.count() as u64) as usize;
                self.kill(victim)?;
                self.dead(stop).await;
            }
            Trouble::Most => return self.outage().await,
        }
        self.jetstream.start_all()
    }

    async fn dead(&mut self, stop: &mut Stop) {
        stop.pause(Duration::from_millis(self.random.below(DEAD))).await;
    }

    /// Kills all but a minority, and has appends tried until they are back.
    async fn outage(&mut self) -> Result<()> {
        let count = self.jetstream.count();
        let survivor = self.random.below(count as u64) as usize;
        let victims: Vec<usize> = (0..count).filter(|n| count == 1 || *n != survivor).collect();
        for victim in victims {
            self.kill(victim)?;
        }
        let watch = Stopwatch::start();
        self.probe.without_majority(OUTAGE).await?;
        self.done.outages.count += 1;
        self.done.outages.lasted += watch.elapsed();
        self.jetstream.start_all()?;
        self.probe.settle(&mut self.done.outages).await?;
        self.jetstream.whole().await
    }

    fn kill(&mut self, victim: usize) -> Result<()> {
        self.jetstream.kill(victim)?;
        self.done.killed += 1;
        Ok(())
    }
}
