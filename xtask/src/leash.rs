//! Ends a program when we are killed in a way that lets us do nothing more (SIGKILL): nobody else would.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// Reads until its stdin closes, which the end of the owner does, then kills the process group `$1`. Builtins only: no children.
const SCRIPT: &str = "trap '' PIPE; while read -r _; do :; done; kill -s KILL -- \"-$1\"";

/// A small process that watches over a process group; taken away when dropped.
pub(crate) struct Leash(Child);

impl Leash {
    /// Ties the process group to our life.
    pub(crate) fn tie(group: u32) -> io::Result<Self> {
        // A group of its own, so that Ctrl-C in the terminal does not end the one that watches.
        Command::new("sh")
            .args(["-c", SCRIPT, "leash", &group.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(Self)
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        // Killed before its stdin closes, so that it does not act: the group may be another's by now.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
