use std::time::Duration;

use anyhow::Result;
use asynx_testkit::Random;
use tokio::time::sleep;

use crate::clock::Stopwatch;
use crate::database::JetStream;

/// How long a storm lasts.
const STORM: Duration = Duration::from_secs(2);
/// How long servers stay dead, at most, in milliseconds.
const DEAD: u64 = 2_500;

/// Makes trouble on the servers of NATS.
pub(in crate::crash) struct JetStreamServers(JetStream);

impl JetStreamServers {
    pub(super) fn of(jetstream: &JetStream) -> Self {
        Self(jetstream.clone())
    }

    pub(super) async fn storm(&self, random: &mut Random) -> Result<()> {
        let watch = Stopwatch::start();
        while watch.elapsed() < STORM {
            self.0.cut(if random.chance(0.5) { 100 } else { 40 })?;
            sleep(Duration::from_millis(random.below(400))).await;
        }
        Ok(())
    }

    /// Kills the leader, or anyone, or so many that no majority is left, or all.
    pub(super) async fn kill(&self, random: &mut Random) -> Result<()> {
        let (count, chance) = (self.0.count(), random.below(10));
        let first = random.below(count as u64) as usize;
        match chance {
            0..4 => self.0.kill(self.0.leader().await?.unwrap_or(first)),
            4..7 => self.0.kill(first),
            7..9 => (0..count.div_ceil(2)).try_for_each(|n| self.0.kill((first + n) % count)),
            _ => (0..count).try_for_each(|n| self.0.kill(n)),
        }
    }

    pub(super) async fn stay_dead(&self, random: &mut Random) {
        sleep(Duration::from_millis(random.below(DEAD))).await;
    }

    pub(super) fn start(&self) -> Result<()> {
        self.0.start_all()
    }
}
