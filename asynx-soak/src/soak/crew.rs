use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, interval, sleep_until, timeout};

use super::compare::Verdict;
use super::given::Given;
use super::hinder::Watermark;
use super::ledger::Ledger;
use super::options::Options;
use super::{READER, WRITER};
use crate::clock::Stopwatch;
use crate::database::Database;
use crate::process::{Said, Worker};

const PROGRESS: Duration = Duration::from_secs(5);
/// How long writers have for what they are doing, and readers for what is left.
const PATIENCE: Duration = Duration::from_secs(120);

/// The processes, and what they said.
pub(super) struct Crew {
    time: Duration,
    pub(super) watch: Stopwatch,
    watermark: Watermark,
    /// The writers first.
    workers: Vec<Option<Worker>>,
    writers: usize,
    heard: Receiver<(usize, Said)>,
    pub(super) ledger: Ledger,
    pub(super) tally: [u64; 7],
    /// How much each process of readers was given.
    progress: Vec<u64>,
    given: Vec<Vec<Given>>,
    pub(super) restarts: u64,
    pub(super) restart_events: u64,
    pub(super) restarted: Verdict,
}

impl Crew {
    pub(super) fn start(options: &Options, database: &Database, watermark: Watermark) -> Result<Self> {
        let (said, heard) = channel(10_000);
        let mut workers = Vec::new();
        for process in 0..options.processes {
            let more = ["--writers".to_owned(), options.writers.to_string()];
            workers.push(worker(WRITER, process, options, database, &more, &said)?);
        }
        let sabotage = options
            .sabotage
            .map(|sabotage| ["--sabotage".to_owned(), sabotage.name().to_owned()]);
        for process in 0..options.readers {
            let more = sabotage.as_ref().map_or(&[][..], |words| words);
            workers.push(worker(
                READER,
                options.processes + process,
                options,
                database,
                more,
                &said,
            )?);
        }
        let readers = options.readers as usize;
        Ok(Self {
            time: options.time,
            watch: Stopwatch::start(),
            watermark,
            workers,
            writers: options.processes as usize,
            heard,
            ledger: Ledger::default(),
            tally: [0; 7],
            progress: vec![0; readers],
            given: vec![Vec::new(); readers],
            restarts: 0,
            restart_events: 0,
            restarted: Verdict::default(),
        })
    }

    /// Listens for as long as it shall last.
    pub(super) async fn go_on(&mut self) -> Result<()> {
        let end = Instant::now() + self.time;
        let mut progress = interval(PROGRESS);
        progress.tick().await;
        let mut before = 0;
        loop {
            tokio::select! {
                () = sleep_until(end) => return Ok(()),
                said = self.heard.recv() => {
                    if let Some((number, Said::End)) = self.take(said)? {
                        bail!("process {number} ended early; see above");
                    }
                }
                _ = progress.tick() => {
                    self.show(before).await?;
                    before = self.ledger.count();
                }
            }
        }
    }

    async fn show(&mut self, before: usize) -> Result<()> {
        let stored = self.ledger.count();
        let given = self.progress.iter().min().copied().unwrap_or(0);
        let watermark = match self.watermark.age().await? {
            Some((age, _)) => format!(", watermark {age:.1} s old"),
            None => String::new(),
        };
        eprintln!(
            "{:3.0} s: {} events/s, committed {stored}, delivered {given}{watermark}",
            self.watch.seconds(),
            (stored - before) as u64 / PROGRESS.as_secs(),
        );
        Ok(())
    }

    pub(super) async fn end_writers(&mut self) -> Result<()> {
        for worker in self.workers[..self.writers].iter_mut().flatten() {
            worker.tell("stop").await?;
        }
        self.wait(0..self.writers).await.context("writers did not end")
    }

    /// What each uninterrupted reader was given.
    pub(super) async fn end_readers(&mut self, end: &str) -> Result<Vec<Vec<Given>>> {
        let readers = self.writers..self.workers.len();
        for worker in self.workers[readers.clone()].iter_mut().flatten() {
            worker.tell(end).await?;
        }
        let waited = self.wait(readers).await;
        if waited.is_err()
            && let Some((age, who)) = self.watermark.age().await?
        {
            eprintln!("the oldest transaction that writes has been under way for {age:.1} s: {who}");
        }
        waited.with_context(|| format!("readers did not come to the end, {end}"))?;
        Ok(std::mem::take(&mut self.given))
    }

    /// Listens until some processes have ended well.
    async fn wait(&mut self, which: std::ops::Range<usize>) -> Result<()> {
        let listening = async {
            while self.workers[which.clone()].iter().any(Option::is_some) {
                let said = self.heard.recv().await;
                if let Some((number, Said::End)) = self.take(said)?
                    && let Some(worker) = self.workers[number].take()
                {
                    worker.ended().await?;
                }
            }
            Ok(())
        };
        match timeout(PATIENCE, listening).await {
            Ok(ended) => ended,
            Err(_) => bail!("they were not done after {} s", PATIENCE.as_secs()),
        }
    }

    /// Takes down a line; gives back what is none.
    fn take(&mut self, said: Option<(usize, Said)>) -> Result<Option<(usize, Said)>> {
        let Some((number, Said::Line(line))) = said else {
            return Ok(said);
        };
        let reader = number.saturating_sub(self.writers);
        let (what, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match what {
            "stored" => self.ledger.stored(rest)?,
            "unknown" => self.ledger.unknown(rest)?,
            "tally" => {
                for (sum, one) in self.tally.iter_mut().zip(numbers(rest)?) {
                    *sum += one;
                }
            }
            "progress" => self.progress[reader] = rest.parse()?,
            "given" => {
                let given = self.ledger.given(rest)?;
                self.given[reader].push(given);
            }
            "example" => self.restarted.example(|| format!("restarted: {rest}")),
            "restarts" => {
                let [runs, events, lost, twice, disordered, unasked] = numbers(rest)?[..] else {
                    bail!("`{line}` is not understood");
                };
                self.restarts += runs;
                self.restart_events += events;
                self.restarted += Verdict {
                    lost,
                    twice,
                    disordered,
                    unasked,
                    examples: Vec::new(),
                };
            }
            _ => bail!("`{line}` is not understood"),
        }
        Ok(None)
    }
}

fn numbers(words: &str) -> Result<Vec<u64>> {
    words.split(' ').map(|word| Ok(word.parse()?)).collect()
}

fn worker(
    role: &str,
    process: u64,
    options: &Options,
    database: &Database,
    more: &[String],
    said: &Sender<(usize, Said)>,
) -> Result<Option<Worker>> {
    let mut arguments = database.tell();
    arguments.extend(["--seed".to_owned(), options.seed.to_string()]);
    arguments.extend(["--process".to_owned(), process.to_string()]);
    arguments.extend_from_slice(more);
    Worker::start(role, process as usize, &arguments, said.clone()).map(Some)
}
