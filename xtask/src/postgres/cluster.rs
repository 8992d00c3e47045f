//! One throw-away cluster: on 127.0.0.1 only, in a folder of its own, gone with its owner.

use std::fs::{self, DirBuilder};
use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Programs;
use crate::interrupt;
use crate::process::{self, TICK};
use crate::stopwatch::Stopwatch;

/// Makes, starts and at last removes the cluster. A shell script: see there why it is a process of its own.
const KEEPER: &str = include_str!("keeper.sh");
/// A start takes two seconds; a loaded machine gets its time, a hanging one an error.
const START_LIMIT: Duration = Duration::from_secs(120);
/// A server that was killed first reads what it wrote ahead; the keeper gives it 60 seconds.
const RESTART_LIMIT: Duration = Duration::from_secs(90);
/// The keeper gives the server 20 seconds before it kills it.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// Another program may take a free port before the server does.
const PORTS: usize = 5;

/// A server that runs. Dropping it stops the server and removes its folder; so does the end of this process, whatever ended it.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: PathBuf,
    url: String,
    /// Its stdin is the lifeline: the keeper cleans up when that closes.
    keeper: Child,
    said: Receiver<String>,
}

impl Cluster {
    /// Makes a cluster and waits until it takes connections.
    pub(crate) fn start(programs: &Programs) -> Result<Self> {
        let password = password().context("failed to make a password")?;
        let folder = folder().context("failed to make a folder for PostgreSQL")?;
        let mut cluster = Self::keep(folder.clone(), programs, &password)
            .inspect_err(|_| drop(fs::remove_dir_all(&folder)))
            .context("failed to start the keeper of PostgreSQL")?;
        let ready = cluster.said("ready ", START_LIMIT);
        let port: u16 = ready.context("failed to start PostgreSQL")?.parse()?;
        cluster.url = format!("postgres://asynx:{password}@127.0.0.1:{port}/postgres");
        Ok(cluster)
    }

    /// Kills the server (an `immediate` shutdown: no checkpoint, connections break), starts it again on the same data and port,
    /// and waits until it takes connections.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let lifeline = self.keeper.stdin.as_mut().context("the cluster was stopped")?;
        writeln!(lifeline, "restart").context("the keeper of PostgreSQL has gone")?;
        let restarted = self.said("restarted", RESTART_LIMIT);
        restarted.map(drop).context("failed to restart PostgreSQL")
    }

    /// Where to connect, as a superuser.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// All that the cluster wrote.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops the server and removes its folder, as a drop does, but says if that failed.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn keep(folder: PathBuf, programs: &Programs, password: &str) -> Result<Self> {
        fs::write(folder.join("password"), password)?;
        let mut command = Command::new("sh");
        command
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .arg(&programs.folder);
        command.args(free_ports()?.iter().map(u16::to_string));
        // What a person set for their own server must not reach this one.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        // A group of its own, so that Ctrl-C in the terminal does not end the one that cleans up.
        command
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        let mut keeper = command.spawn()?;
        let stdout = keeper.stdout.take().context("stdout was not piped")?;
        Ok(Self {
            folder,
            url: String::new(),
            keeper,
            said: process::lines(stdout),
        })
    }

    /// Waits for a word of the keeper, and returns what follows it.
    fn said(&self, word: &str, limit: Duration) -> Result<String> {
        let watch = Stopwatch::start();
        let mut complaint = String::new();
        while watch.elapsed() < limit {
            match self.said.recv_timeout(TICK) {
                Ok(line) => match line.strip_prefix(word) {
                    Some(rest) => return Ok(rest.trim().to_owned()),
                    None => complaint.push_str(&line),
                },
                Err(RecvTimeoutError::Timeout) => interrupt::check()?,
                Err(RecvTimeoutError::Disconnected) => bail!("{}", complaint.trim_end()),
            }
        }
        bail!("it was not ready after {watch}\n{}", complaint.trim_end())
    }

    fn end(&mut self) -> Result<()> {
        let Some(lifeline) = self.keeper.stdin.take() else {
            return Ok(());
        };
        drop(lifeline);
        let watch = Stopwatch::start();
        let mut complaint = String::new();
        loop {
            match self.said.recv_timeout(TICK) {
                Ok(line) => complaint.push_str(&line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) if watch.elapsed() < STOP_LIMIT => {}
                Err(RecvTimeoutError::Timeout) => {
                    interrupt::kill_group(self.keeper.id(), "KILL");
                    break;
                }
            }
        }
        self.keeper.wait()?;
        if self.folder.exists() {
            bail!(
                "failed to remove PostgreSQL in {}\n{}",
                self.folder.display(),
                complaint.trim_end()
            );
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("error: {error:#}");
        }
    }
}

/// A new folder that nobody else can look into.
fn folder() -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("asynx-postgres-{}-{count}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            // Left by a process that had our id.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Other users of the machine can reach the port, and a superuser of PostgreSQL can run programs.
fn password() -> io::Result<String> {
    let mut random = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Ports that nobody uses right now, all different.
fn free_ports() -> io::Result<Vec<u16>> {
    let listeners = (0..PORTS)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)))
        .collect::<io::Result<Vec<_>>>()?;
    listeners
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()))
        .collect()
}
