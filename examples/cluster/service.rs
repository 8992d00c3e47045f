//! The service: its instances, each a process, and what they have said so far.

use std::process::Stdio;
use std::time::Duration;

use futures::stream::{BoxStream, SelectAll, StreamExt, once, unfold};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::Result;
use crate::report::Report;
use crate::said::Said;

pub const INSTANCES: [&str; 2] = ["first", "second"];
/// For how many seconds in a row nobody may say anything. They are counted, so that a machine that slept is no failure.
const PATIENCE: usize = 30;

pub struct Service {
    processes: Vec<(Child, ChildStdin)>,
    lines: SelectAll<BoxStream<'static, (usize, Result<Said>)>>,
    pub report: Report,
}

impl Service {
    /// Starts this program again for each instance, and waits until all are subscribed.
    pub async fn start(urls: &str) -> Result<Self> {
        let mut service = Self {
            processes: Vec::new(),
            lines: SelectAll::new(),
            report: Report::default(),
        };
        for (instance, name) in INSTANCES.into_iter().enumerate() {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["instance", name, urls]).kill_on_drop(true);
            let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            let stdin = process.stdin.take().ok_or("no stdin")?;
            let stdout = process.stdout.take().ok_or("no stdout")?;
            let ended = once(async { Ok(Said::Ended) });
            let said = unfold(BufReader::new(stdout).lines(), next_said).chain(ended);
            service.lines.push(said.map(move |said| (instance, said)).boxed());
            service.processes.push((process, stdin));
        }
        service.until("instances", INSTANCES.len(), Report::ready).await?;
        Ok(service)
    }

    /// Lets the instances begin.
    pub async fn begin(&mut self) -> Result<()> {
        for (_, stdin) in &mut self.processes {
            stdin.write_all(b"begin\n").await?;
        }
        Ok(())
    }

    /// Listens until there are so many of something.
    pub async fn until(&mut self, what: &'static str, wanted: usize, there: fn(&Report) -> usize) -> Result<()> {
        // Nothing is shown where the output is no terminal.
        let bar = ProgressBar::new(wanted as u64).with_message(what);
        bar.set_style(ProgressStyle::with_template("        {wide_bar} {pos}/{len} {msg}")?);
        let mut silent = 0;
        while there(&self.report) < wanted {
            bar.set_position(there(&self.report) as u64);
            let Ok(next) = timeout(Duration::from_secs(1), self.lines.next()).await else {
                silent += 1;
                if silent < PATIENCE {
                    continue;
                }
                let found = there(&self.report);
                return Err(format!("{found} of {wanted} {what}, and nothing happened for {PATIENCE} s").into());
            };
            silent = 0;
            match next {
                Some((instance, Ok(Said::Ended))) => {
                    return Err(format!("the {} instance has ended: see above", INSTANCES[instance]).into());
                }
                Some((instance, said)) => self.report.note(instance, said?),
                None => return Err("all instances have ended: see above".into()),
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Ends the instances in order, and gives all that they have said.
    pub async fn end(self) -> Result<Report> {
        let Self {
            processes,
            mut lines,
            mut report,
        } = self;
        // They end when their stdin does.
        let (mut processes, stdins): (Vec<_>, Vec<_>) = processes.into_iter().unzip();
        drop(stdins);
        while let Some((instance, said)) = lines.next().await {
            report.note(instance, said?);
        }
        for process in &mut processes {
            let ended = process.wait().await?;
            if !ended.success() {
                return Err(format!("an instance ended with {ended}: see above").into());
            }
        }
        Ok(report)
    }
}

async fn next_said(mut lines: Lines<BufReader<ChildStdout>>) -> Option<(Result<Said>, Lines<BufReader<ChildStdout>>)> {
    let line = lines.next_line().await.transpose()?;
    let said = line.map_err(Into::into).and_then(|line| Ok(line.parse()?));
    Some((said, lines))
}
