//! Other processes: the test program starts itself, to run the same test with a role.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const ROLE: &str = "ASYNX_SQLITE_TEST_ROLE";
const FOLDER: &str = "ASYNX_SQLITE_TEST_FOLDER";

/// What this process was started for; `None` where it is the test itself.
pub(crate) fn role() -> Option<(String, std::path::PathBuf)> {
    let role = std::env::var(ROLE).ok()?;
    let folder = std::env::var_os(FOLDER).expect("a role comes with a folder");
    Some((role, folder.into()))
}

/// Tells the test a line. It comes whole or not at all.
pub(crate) fn tell(line: impl std::fmt::Display) {
    eprintln!("> {line}");
}

/// The command that runs a test of this program in a role.
pub(crate) fn command(program: &Path, test: &str, role: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    arguments(&mut command, test, role, folder);
    command
}

/// Adds what makes a command that ends with the program run a test in a role.
pub(crate) fn arguments(command: &mut Command, test: &str, role: &str, folder: &Path) {
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
}

/// A child that is killed when the test is over.
pub(crate) struct Process {
    child: Child,
    lines: BufReader<std::process::ChildStderr>,
}

impl Process {
    pub(crate) fn start(test: &str, role: &str, folder: &Path) -> Self {
        let program = std::env::current_exe().expect("the test program has a path");
        Self::of(command(&program, test, role, folder))
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the test program starts once more");
        let lines = BufReader::new(child.stderr.take().expect("its output is piped"));
        Self { child, lines }
    }

    /// The next whole line that it tells; `None` when it has ended.
    pub(crate) fn hear(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).expect("a process tells text");
            // Killed in the middle of a line: it was not told.
            if read == 0 || !line.ends_with('\n') {
                return None;
            }
            match line.strip_prefix("> ") {
                Some(told) => return Some(told.trim_end().to_owned()),
                None => eprint!("child: {line}"),
            }
        }
    }

    /// All that it still tells until it ends.
    pub(crate) fn hear_all(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.hear()).collect()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Waits for its end, which must be a good one.
    pub(crate) fn succeed(&mut self) {
        let status = self.child.wait().expect("a child can be waited for");
        assert!(status.success(), "a child ended with {status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
