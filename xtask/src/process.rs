//! Runs other programs: each in a process group of its own, so that an interrupt, an error, a panic, or our own sudden end ends it
//! with all its children.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::interrupt;
use crate::leash::Leash;
use crate::stopwatch::Stopwatch;

/// How often a wait looks at the clock and for an interrupt.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// Shows the command line, then runs it with our stdout and stderr.
pub(crate) fn run(command: &mut Command) -> Result<ExitStatus> {
    show(command);
    Running::spawn(command)?.wait()
}

/// Runs a program without a word, its stdout thrown away. Fails once it has run for longer than `limit`, and ends it.
pub(crate) fn run_silently(command: &mut Command, limit: Duration) -> Result<ExitStatus> {
    let watch = Stopwatch::start();
    let mut running = Running::spawn(command.stdout(Stdio::null()))?;
    while running
        .child
        .try_wait()
        .context("failed to wait for a program")?
        .is_none()
    {
        if watch.elapsed() > limit {
            bail!("`{}` did not end within {watch}", line_of(command));
        }
        thread::park_timeout(TICK);
    }
    running.wait()
}

/// Runs a program that must succeed and returns what it wrote to stdout.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let mut output = String::new();
    let status = stream(command, None, |line| output.push_str(line))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line_of(command));
    }
    Ok(output)
}

/// Runs a program and hands out each line of its stdout, end of line included, as it comes.
///
/// With a `limit`, fails once the program has run for longer, and ends it.
pub(crate) fn stream(
    command: &mut Command,
    limit: Option<Duration>,
    mut on_line: impl FnMut(&str),
) -> Result<ExitStatus> {
    let watch = Stopwatch::start();
    let mut running = Running::spawn(command.stdout(Stdio::piped()))?;
    let stdout = running.child.stdout.take().context("stdout was not piped")?;
    let lines = lines(stdout);
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => on_line(&line),
            Err(RecvTimeoutError::Disconnected) => return running.wait(),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if limit.is_some_and(|limit| watch.elapsed() > limit) {
            bail!("`{}` did not end within {watch}", line_of(command));
        }
    }
}

/// The lines of `source`, read on a thread of its own; disconnected at its end.
pub(crate) fn lines(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut source = BufReader::new(source);
        let mut line = Vec::new();
        while source.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            // Nobody listens any more: read on all the same, or the program would be stopped by a full or a broken pipe.
            let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
            line.clear();
        }
    });
    receiver
}

/// Prints the command line as one would type it.
pub(crate) fn show(command: &Command) {
    println!("$ {}", line_of(command));
}

fn line_of(command: &Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
    let words = command
        .get_args()
        .map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
}

/// A program that runs; ended when dropped.
struct Running {
    child: Child,
    leash: Leash,
}

impl Running {
    fn spawn(command: &mut Command) -> Result<Self> {
        let leash = Leash::new().context("failed to start `sh`")?;
        leash.tie(command.stdin(Stdio::null()));
        let mut groups = interrupt::groups();
        interrupt::check()?;
        let child = command
            .spawn()
            .with_context(|| format!("failed to start `{}`", line_of(command)))?;
        groups.insert(leash.group());
        Ok(Self { child, leash })
    }

    fn wait(mut self) -> Result<ExitStatus> {
        let status = self.child.wait().context("failed to wait for a program")?;
        interrupt::check()?;
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        interrupt::groups().remove(&self.leash.group());
        if matches!(self.child.try_wait(), Ok(None)) {
            interrupt::kill_group(self.leash.group(), "KILL");
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use super::*;

    /// Whether a process still does something: one that ended may be listed until its parent looks.
    pub(crate) fn alive(pid: u32) -> bool {
        // Small containers have no `ps`, and macOS has no `/proc`.
        let state = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned()),
            Err(_) if Path::new("/proc/self/stat").exists() => None,
            Err(_) => {
                let mut ps = Command::new("ps");
                let output = ps.args(["-o", "stat=", "-p", &pid.to_string()]).output();
                Some(String::from_utf8(output.unwrap().stdout).unwrap())
            }
        };
        state.is_some_and(|state| !state.trim().is_empty() && !state.trim().starts_with('Z'))
    }

    /// Whether `condition` comes true within half a minute.
    pub(crate) fn eventually(mut condition: impl FnMut() -> bool) -> bool {
        let watch = Stopwatch::start();
        while watch.elapsed() < Duration::from_secs(30) {
            if condition() {
                return true;
            }
            thread::park_timeout(TICK);
        }
        false
    }

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn lines_come_whole_and_in_order() {
        let mut seen = Vec::new();
        let status = stream(&mut sh("printf 'one\\ntwo\\377\\nthree'; exit 3"), None, |line| {
            seen.push(line.to_owned())
        })
        .unwrap();
        assert_eq!(seen, ["one\n", "two\u{fffd}\n", "three"]);
        assert_eq!(status.code(), Some(3));
    }

    #[test]
    fn a_captured_program_must_succeed() {
        assert_eq!(capture(&mut sh("echo fine")).unwrap(), "fine\n");
        assert!(
            capture(&mut sh("echo fine; exit 1"))
                .unwrap_err()
                .to_string()
                .contains("exit status: 1")
        );
    }

    #[test]
    fn a_program_over_its_limit_is_ended_with_its_children() {
        let mut pid = String::new();
        let error = stream(
            &mut sh("sleep 90 & echo $!; wait"),
            Some(Duration::from_millis(300)),
            |line| pid = line.trim().to_owned(),
        );
        assert!(error.unwrap_err().to_string().contains("did not end"));
        assert!(!pid.is_empty());
        assert!(eventually(|| !alive(pid.parse().unwrap())), "process {pid} still runs");
    }

    #[test]
    fn a_program_ends_with_the_one_that_is_killed() {
        const OWNER: &str = "ASYNX_XTASK_TEST_OWNER";
        if std::env::var_os(OWNER).is_some() {
            run(&mut sh("echo; echo owns $$; sleep 90; true")).unwrap();
        }
        let name = "process::tests::a_program_ends_with_the_one_that_is_killed";
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(OWNER, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = lines(owner.stdout.take().unwrap());
        let owned: u32 = loop {
            let line = said.recv_timeout(Duration::from_secs(60)).unwrap();
            if let Some(pid) = line.strip_prefix("owns ") {
                break pid.trim().parse().unwrap();
            }
        };
        assert!(alive(owned));
        owner.kill().unwrap();
        owner.wait().unwrap();
        assert!(eventually(|| !alive(owned)), "process {owned} still runs");
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let error = capture(&mut Command::new("/nowhere/asynx-nothing")).unwrap_err();
        assert!(error.to_string().contains("asynx-nothing"), "{error}");
    }
}
