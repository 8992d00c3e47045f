use std::process::{ExitStatus, Stdio};

use anyhow::{Context as _, Result, anyhow};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc::Sender;

/// What a worker said.
pub(crate) enum Said {
    Line(String),
    /// It will say nothing more.
    End,
}

/// A process that we started: this program, in another role. Killed when it is dropped.
pub(crate) struct Worker {
    role: String,
    child: Child,
    stdin: ChildStdin,
}

impl Worker {
    /// Starts one. What it says goes to `heard`, under its number.
    pub(crate) fn start(role: &str, number: usize, arguments: &[String], heard: Sender<(usize, Said)>) -> Result<Self> {
        let program = std::env::current_exe().context("failed to find this program")?;
        let mut child = Command::new(program)
            .arg(role)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("failed to start a {role}"))?;
        let stdin = child.stdin.take().context("stdin was not piped")?;
        let stdout = child.stdout.take().context("stdout was not piped")?;
        let listening = async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if heard.send((number, Said::Line(line))).await.is_err() {
                    return;
                }
            }
            let _ = heard.send((number, Said::End)).await;
        };
        spawn(listening);
        Ok(Self {
            role: format!("{role} {number}"),
            child,
            stdin,
        })
    }

    /// Its number among the processes of the machine.
    pub(crate) fn id(&self) -> Result<u32> {
        self.child.id().with_context(|| format!("{} has ended", self.role))
    }

    /// Says a line to it.
    pub(crate) async fn tell(&mut self, line: &str) -> Result<()> {
        let told = self.stdin.write_all(format!("{line}\n").as_bytes()).await;
        told.with_context(|| format!("{} has gone", self.role))
    }

    /// Ends it at once, by SIGKILL.
    pub(crate) async fn kill(mut self) -> Result<()> {
        let killed = self.child.kill().await;
        killed.with_context(|| format!("failed to kill {}", self.role))
    }

    /// Waits until it has ended well.
    pub(crate) async fn ended(mut self) -> Result<()> {
        let status: ExitStatus = self.child.wait().await?;
        if status.success() {
            return Ok(());
        }
        Err(anyhow!("{} ended with {status}", self.role))
    }
}

#[expect(clippy::disallowed_methods, reason = "the proofs run on tokio and nothing else")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}
