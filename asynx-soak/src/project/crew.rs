use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, timeout_at};

use super::WORKER;
use super::member::Member;
use super::options::Options;
use crate::database::Database;
use crate::process::{Said, Worker};

/// The processes that are alive.
pub(super) struct Crew {
    arguments: Vec<String>,
    said: Sender<(usize, Said)>,
    heard: Receiver<(usize, Said)>,
    /// How many were ever started.
    started: usize,
    pub(super) alive: BTreeMap<usize, Member>,
}

/// What was heard.
enum Heard {
    Line(usize, String),
    End(usize),
}

impl Crew {
    pub(super) fn start(options: &Options, database: &Database) -> Result<Self> {
        let mut arguments = database.tell();
        arguments.extend(["--seed".to_owned(), options.seed.to_string()]);
        arguments.extend(["--writers".to_owned(), options.writers.to_string()]);
        if let Some(sabotage) = options.sabotage {
            arguments.extend(["--sabotage".to_owned(), sabotage.name().to_owned()]);
        }
        let (said, heard) = channel(10_000);
        let mut crew = Self {
            arguments,
            said,
            heard,
            started: 0,
            alive: BTreeMap::new(),
        };
        for _ in 0..options.processes {
            crew.add()?;
        }
        Ok(crew)
    }

    pub(super) fn add(&mut self) -> Result<()> {
        let number = self.started;
        self.started += 1;
        let mut arguments = self.arguments.clone();
        arguments.extend(["--process".to_owned(), number.to_string()]);
        let worker = Worker::start(WORKER, number, &arguments, self.said.clone())?;
        self.alive.insert(number, Member::new(worker));
        Ok(())
    }

    /// Listens for a while.
    pub(super) async fn listen(&mut self, time: Duration) -> Result<()> {
        self.listen_for("", time).await.map(drop)
    }

    /// Listens for a while, or until one that can be hindered says a word.
    pub(super) async fn listen_for(&mut self, word: &str, time: Duration) -> Result<Option<usize>> {
        let end = Instant::now() + time;
        while let Ok(heard) = timeout_at(end, self.hear()).await {
            match heard? {
                Heard::Line(number, line) if line == word && self.can_be_hindered(number)? => return Ok(Some(number)),
                Heard::Line(..) => {}
                Heard::End(number) => bail!("process {number} ended early; see above"),
            }
        }
        Ok(None)
    }

    fn can_be_hindered(&mut self, number: usize) -> Result<bool> {
        let member = self.alive.get_mut(&number);
        member.map_or(Ok(false), Member::can_be_hindered)
    }

    /// Who can be hindered.
    pub(super) fn victims(&mut self) -> Result<Vec<usize>> {
        let mut victims = Vec::new();
        for (number, member) in &mut self.alive {
            if member.can_be_hindered()? {
                victims.push(*number);
            }
        }
        Ok(victims)
    }

    /// Kills one, and listens to what it said before.
    pub(super) async fn kill(&mut self, number: usize) -> Result<()> {
        let member = self.alive.remove(&number).context("it is not alive")?;
        member.worker.kill().await?;
        while !matches!(self.hear().await?, Heard::End(who) if who == number) {}
        Ok(())
    }

    /// Listens until something holds for all of them.
    pub(super) async fn all(&mut self, what: &str, holds: fn(&Member) -> bool, patience: Duration) -> Result<()> {
        let end = Instant::now() + patience;
        while !self.alive.values().all(holds) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("not all processes were {what} after {} s", patience.as_secs());
            }
            self.listen(left.min(Duration::from_millis(50))).await?;
        }
        Ok(())
    }

    pub(super) async fn tell(&mut self, line: &str) -> Result<()> {
        for member in self.alive.values_mut() {
            member.awake().await?;
            member.worker.tell(line).await?;
        }
        Ok(())
    }

    /// Lets all stop their engines, and waits until they have ended well.
    pub(super) async fn end(&mut self) -> Result<()> {
        self.tell("end").await?;
        while !self.alive.is_empty() {
            if let Heard::End(number) = self.hear().await?
                && let Some(member) = self.alive.remove(&number)
            {
                member.worker.ended().await?;
            }
        }
        Ok(())
    }

    async fn hear(&mut self) -> Result<Heard> {
        let Some((number, said)) = self.heard.recv().await else {
            bail!("nobody is left to listen to");
        };
        let line = match said {
            Said::End => return Ok(Heard::End(number)),
            Said::Line(line) => line,
        };
        if let Some(member) = self.alive.get_mut(&number) {
            member.ready |= line == "ready";
            member.written |= line == "written";
        }
        Ok(Heard::Line(number, line))
    }
}
