//! Ends a program when we are killed in a way that lets us do nothing more (SIGKILL): nobody else would.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// Reads until its stdin closes, which the end of the owner does, then kills its process group. Builtins only, so it has no children
/// to inherit what it ignores.
const SCRIPT: &str = "trap '' HUP INT PIPE QUIT TERM; while read -r _; do :; done; kill -s KILL 0";

/// A small process that leads a process group and watches over it; taken away when dropped, without the rest of the group.
///
/// A program that joins the group when it starts is watched from its first moment on, and nobody else can get the number of the
/// group while its leader is held.
pub(crate) struct Leash(Child);

impl Leash {
    /// Starts a group that as yet has no other member.
    pub(crate) fn new() -> io::Result<Self> {
        Command::new("sh")
            .args(["-c", SCRIPT, "leash"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map(Self)
    }

    /// The number of the group.
    pub(crate) fn group(&self) -> u32 {
        self.0.id()
    }

    /// Makes `command` join the group when it starts.
    pub(crate) fn tie(&self, command: &mut Command) {
        // The number of a process fits; if it did not, the program would lead a group of its own.
        command.process_group(i32::try_from(self.group()).unwrap_or(0));
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        // Killed before its stdin closes, so that it does not act.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
