use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, timeout, timeout_at};

use super::CLIENT;
use super::ledger::Ledger;
use super::options::Options;
use super::words::{Call, Word};
use crate::database::Database;
use crate::process::{Said, Worker};

/// How long a process may take until it has opened its store.
const OPENING: Duration = Duration::from_secs(60);
/// So many different troubles are shown.
const NOTES: usize = 12;

/// The processes of clients that are alive, and what they said.
pub(super) struct Crew {
    database: Database,
    more: Vec<String>,
    patience: Duration,
    said: Sender<(usize, Said)>,
    heard: Receiver<(usize, Said)>,
    /// How many were ever started.
    started: usize,
    alive: BTreeMap<usize, Worker>,
    /// Who takes calls.
    ready: BTreeSet<usize>,
    pub(super) ledger: Ledger,
    notes: BTreeMap<String, u64>,
}

/// What was heard.
#[derive(PartialEq, Eq)]
enum Heard {
    End(usize),
    Other,
}

impl Crew {
    pub(super) fn new(options: &Options, database: Database) -> Self {
        let mut more = vec!["--seed".to_owned(), options.seed.to_string()];
        if let Some(sabotage) = options.sabotage {
            more.extend(["--sabotage".to_owned(), sabotage.name().to_owned()]);
        }
        let (said, heard) = channel(10_000);
        Self {
            database,
            more,
            patience: options.patience,
            said,
            heard,
            started: 0,
            alive: BTreeMap::new(),
            ready: BTreeSet::new(),
            ledger: Ledger::default(),
            notes: BTreeMap::new(),
        }
    }

    /// Starts a process, which also sends what others left.
    pub(super) async fn start(&mut self, again: &[Call]) -> Result<usize> {
        let number = self.started;
        self.started += 1;
        let mut arguments = self.database.tell();
        arguments.extend_from_slice(&self.more);
        arguments.extend(["--process".to_owned(), number.to_string()]);
        let mut worker = Worker::start(CLIENT, number, &arguments, self.said.clone())?;
        for call in again {
            worker.tell(&format!("again {}", call.tell())).await?;
        }
        self.ledger.left_to(number, again);
        self.alive.insert(number, worker);
        Ok(number)
    }

    /// Listens until a process takes calls.
    pub(super) async fn ready(&mut self, number: usize) -> Result<()> {
        let waiting = async {
            while !self.ready.contains(&number) {
                if let Heard::End(who) = self.hear().await? {
                    bail!("process {who} ended early; see above");
                }
            }
            Ok(())
        };
        timeout(OPENING, waiting)
            .await
            .context("a process did not open its store in time")?
    }

    /// Listens for a while.
    pub(super) async fn listen(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while let Ok(heard) = timeout_at(end, self.hear()).await {
            if let Heard::End(who) = heard? {
                bail!("process {who} ended early; see above");
            }
        }
        Ok(())
    }

    /// Listens while something else is done.
    pub(super) async fn listen_beside<T>(&mut self, other: impl Future<Output = Result<T>>) -> Result<T> {
        let mut other = std::pin::pin!(other);
        loop {
            tokio::select! {
                done = &mut other => return done,
                heard = self.hear() => if let Heard::End(who) = heard? {
                    bail!("process {who} ended early; see above");
                },
            }
        }
    }

    /// Listens until so many more payments were acknowledged: whatever happened, work has to go on after it.
    pub(super) async fn recover(&mut self, more: usize) -> Result<()> {
        let enough = self.ledger.acknowledged() + more;
        let end = Instant::now() + self.patience;
        while self.ledger.acknowledged() < enough {
            match timeout_at(end, self.hear()).await {
                Ok(heard) => {
                    if let Heard::End(who) = heard? {
                        bail!("process {who} ended early; see above");
                    }
                }
                Err(_) => bail!("work did not go on within {} s", self.patience.as_secs()),
            }
        }
        Ok(())
    }

    /// Kills a process. What it said before still counts; what it left is to be sent again.
    pub(super) async fn kill(&mut self, number: usize) -> Result<Vec<Call>> {
        let worker = self.alive.remove(&number).context("it is not alive")?;
        worker.kill().await?;
        while self.hear().await? != Heard::End(number) {}
        Ok(self.ledger.died(number))
    }

    /// Lets all processes answer what they have taken. How many calls were not answered in time.
    pub(super) async fn stop(&mut self) -> Result<u64> {
        for worker in self.alive.values_mut() {
            worker.tell("stop").await?;
        }
        let patience = self.patience;
        let ending = async {
            while !self.alive.is_empty() {
                if let Heard::End(number) = self.hear().await?
                    && let Some(worker) = self.alive.remove(&number)
                {
                    worker.ended().await?;
                }
            }
            anyhow::Ok(())
        };
        if let Ok(ended) = timeout(patience, ending).await {
            ended?;
        }
        let unanswered = self.ledger.open().max(self.ledger.unsettled());
        let left: Vec<usize> = self.alive.keys().copied().collect();
        for number in left {
            self.kill(number).await?;
        }
        Ok(unanswered as u64)
    }

    /// What went wrong on the way, and how often.
    pub(super) fn tell_notes(&self) {
        for (note, times) in self.notes.iter().take(NOTES) {
            eprintln!("{times:6} times: {note}");
        }
    }

    async fn hear(&mut self) -> Result<Heard> {
        let Some((number, said)) = self.heard.recv().await else {
            bail!("nobody is left to listen to");
        };
        let line = match said {
            Said::End => return Ok(Heard::End(number)),
            Said::Line(line) => line,
        };
        let word = Word::told(&line)?;
        if word == Word::Ready {
            self.ready.insert(number);
        }
        if let Word::Note(note) = &word {
            *self.notes.entry(without_ids(note)).or_default() += 1;
        }
        self.ledger.take(number, word)?;
        Ok(Heard::Other)
    }
}

/// The same for the same trouble of different accounts.
fn without_ids(note: &str) -> String {
    let words = note.split(' ').map(|word| {
        if word.starts_with("account/") {
            "an account:"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
