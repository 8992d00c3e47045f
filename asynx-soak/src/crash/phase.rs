use std::time::Duration;

use anyhow::Result;
use asynx_testkit::Random;

use super::crew::Crew;
use super::options::Options;
use super::server::Server;
use super::verdict::Verdict;
use super::verify::verify;
use crate::clock::Stopwatch;
use crate::database::Database;

/// What the clients have to live through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Their process is killed.
    Killed,
    /// There are two processes, and one of them is killed.
    Beside,
    /// Their connections are terminated, many times in a short while.
    Terminated,
    /// Their server is restarted without an orderly end; of a cluster some servers are.
    Restarted,
    /// Servers are killed, and while they are dead the clients' process is.
    Both,
}

/// So long, in milliseconds, and so many acknowledged payments long a process may work before it is killed.
const LIFE: u64 = 400;
const SOME: u64 = 50;
/// So many more payments are acknowledged before the next trouble.
const RECOVERED: usize = 200;
/// So long clients work in peace.
const PEACE: Duration = Duration::from_millis(700);

impl Phase {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Killed => "rounds",
            Self::Beside => "one of two killed",
            Self::Terminated => "terminate",
            Self::Restarted => "restart",
            Self::Both => "both killed",
        }
    }

    pub(super) const fn rounds(self, options: &Options) -> u64 {
        match self {
            Self::Killed => options.rounds,
            Self::Beside => options.beside,
            Self::Terminated => options.storms,
            Self::Restarted => options.restarts,
            Self::Both => options.both,
        }
    }

    /// Lives through it on an empty database.
    pub(super) async fn run(self, options: &Options, database: &Database) -> Result<Verdict> {
        let mut crew = Crew::new(options, database.clone());
        let mut random = Random::seeded(options.seed.wrapping_mul(31).wrapping_add(self as u64));
        let mut progress = Progress::new(self, self.rounds(options));
        match self {
            Self::Killed => kill(&mut crew, &mut random, &mut progress, 1).await?,
            Self::Beside => kill(&mut crew, &mut random, &mut progress, 2).await?,
            Self::Terminated | Self::Restarted => {
                let mut server = Server::of(database).await?;
                let process = crew.start(&[]).await?;
                crew.ready(process).await?;
                while progress.next(&crew) {
                    crew.listen(PEACE.mul_f64(unit(&mut random))).await?;
                    let trouble = async {
                        match self {
                            Self::Restarted => server.restart(&mut random).await,
                            _ => server.storm(&mut random).await,
                        }
                    };
                    crew.listen_beside(trouble).await?;
                    crew.recover(RECOVERED).await?;
                }
            }
            Self::Both => kill_both(&mut crew, Server::of(database).await?, &mut random, &mut progress).await?,
        }
        database.whole().await?;
        crew.listen(PEACE).await?;
        let unanswered = crew.stop().await?;
        crew.tell_notes();
        progress.end(&crew);
        let mut verdict = verify(database, &crew.ledger).await?;
        verdict.unanswered = unanswered;
        Ok(verdict)
    }
}

/// Kills one process of several in each round, and starts another one, which goes on where that one was.
async fn kill(crew: &mut Crew, random: &mut Random, progress: &mut Progress, processes: usize) -> Result<()> {
    let mut alive = Vec::new();
    for _ in 0..processes {
        alive.push(crew.start(&[]).await?);
    }
    for process in &alive {
        crew.ready(*process).await?;
    }
    while progress.next(crew) {
        // Mostly while they work, whatever the machine does besides.
        if random.chance(0.8) {
            let some = 1 + random.below(SOME) as usize;
            crew.recover(some).await?;
        }
        crew.listen(Duration::from_millis(random.below(LIFE))).await?;
        let which = random.below(processes as u64) as usize;
        let again = crew.kill(alive[which]).await?;
        alive[which] = crew.start(&again).await?;
        // Sometimes killed while it opens its store.
        if random.chance(0.9) {
            crew.ready(alive[which]).await?;
        }
    }
    Ok(())
}

/// Kills servers and the clients' process in each round, and starts all again.
async fn kill_both(crew: &mut Crew, mut server: Server, random: &mut Random, progress: &mut Progress) -> Result<()> {
    let mut process = crew.start(&[]).await?;
    crew.ready(process).await?;
    while progress.next(crew) {
        crew.recover(1 + random.below(SOME) as usize).await?;
        crew.listen_beside(server.kill(random)).await?;
        crew.listen(Duration::from_millis(random.below(LIFE))).await?;
        let again = crew.kill(process).await?;
        process = crew.start(&again).await?;
        crew.listen(Duration::from_millis(random.below(LIFE))).await?;
        server.start()?;
        crew.ready(process).await?;
    }
    Ok(())
}

fn unit(random: &mut Random) -> f64 {
    random.below(1_000) as f64 / 1_000.0
}

/// Shows what goes on, now and then.
struct Progress {
    phase: Phase,
    rounds: u64,
    done: u64,
    watch: Stopwatch,
    shown: f64,
}

/// Seconds between two lines.
const EVERY: f64 = 5.0;

impl Progress {
    fn new(phase: Phase, rounds: u64) -> Self {
        Self {
            phase,
            rounds,
            done: 0,
            watch: Stopwatch::start(),
            shown: 0.0,
        }
    }

    /// Begins the next round; false after the last.
    fn next(&mut self, crew: &Crew) -> bool {
        if self.watch.seconds() - self.shown > EVERY {
            self.shown = self.watch.seconds();
            self.show(crew);
        }
        let more = self.done < self.rounds;
        self.done += u64::from(more);
        more
    }

    fn show(&self, crew: &Crew) {
        eprintln!(
            "{:3.0} s: {} {} of {}, acknowledged {}",
            self.watch.seconds(),
            self.phase.name(),
            self.done,
            self.rounds,
            crew.ledger.acknowledged()
        );
    }

    fn end(&self, crew: &Crew) {
        let ledger = &crew.ledger;
        eprintln!(
            "{:3.0} s: rejected {}, failed {}, unknown {}, {} appends in doubt, the slowest answer took {:.1} s",
            self.watch.seconds(),
            ledger.rejected,
            ledger.failed,
            ledger.unknown,
            ledger.doubts,
            ledger.slowest.as_secs_f64()
        );
    }
}
