use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::process::{Child, Command};

use crate::process::Worker;

/// A process that is alive.
pub(super) struct Member {
    pub(super) worker: Worker,
    /// Its engine runs.
    pub(super) ready: bool,
    /// Its writers have ended.
    pub(super) written: bool,
    /// While it is paused: what will let it go on, even if we are gone.
    waker: Option<Child>,
}

const PAUSE: &str = "kill -s STOP \"$0\" && sleep \"$1\"; kill -s CONT \"$0\"";

impl Member {
    pub(super) const fn new(worker: Worker) -> Self {
        Self {
            worker,
            ready: false,
            written: false,
            waker: None,
        }
    }

    /// Lets it do nothing for a while.
    pub(super) fn pause(&mut self, time: Duration) -> Result<()> {
        let waker = Command::new("sh")
            .args([
                "-c",
                PAUSE,
                &self.worker.id()?.to_string(),
                &time.as_secs_f64().to_string(),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("failed to start a shell, which pauses a process")?;
        self.waker = Some(waker);
        Ok(())
    }

    /// Whether it can be killed or paused now.
    pub(super) fn can_be_hindered(&mut self) -> Result<bool> {
        if let Some(waker) = &mut self.waker
            && waker.try_wait()?.is_some()
        {
            self.waker = None;
        }
        Ok(self.ready && self.waker.is_none())
    }

    /// Waits until it goes on.
    pub(super) async fn awake(&mut self) -> Result<()> {
        if let Some(mut waker) = self.waker.take() {
            waker.wait().await?;
        }
        Ok(())
    }
}
