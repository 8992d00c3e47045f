use std::time::Duration;

/// What can happen to a call. Of a call's faults all that delay happen, then the first of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Waits, then makes the call.
    Slow(Duration),
    /// Waits up to so long before the call and again before its answer, at random: calls and answers overtake each
    /// other.
    Reorder(Duration),
    /// Fails with a transient error; nothing is done. Appends answer `NotApplied`.
    FailBefore,
    /// Fails with a permanent error; nothing is done. Appends answer `NotApplied`.
    Refuse,
    /// Makes the call and loses the answer. Appends answer `Unknown`, whatever became of them.
    FailAfter,
    /// Fails at once and makes the call after so long. Appends answer `Unknown`. Calls that write nothing only fail.
    ApplyLater(Duration),
    /// Fails at once and makes the call when the test says so, by [`Faults::apply_held`](super::Faults::apply_held).
    /// Appends answer `Unknown`. Calls that write nothing only fail.
    Hold,
    /// Appends answer `Conflict`; nothing is done. Does not concern other calls.
    Conflict,
    /// Each group of an `append_batch` stops at a random event: those before are stored, from there on `NotApplied`.
    /// Does not concern other calls.
    Cut,
    /// The process dies before the call is made: see [`AfterCrash`].
    CrashBefore,
    /// The process dies after the call was made and before it was answered: see [`AfterCrash`].
    CrashAfter,
}

/// What a dead process's calls answer, the one in which it died included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterCrash {
    /// Nothing, ever: nobody is left to wait for it.
    #[default]
    Hang,
    /// A transient error. Appends answer `Unknown` where they died and `NotApplied` after that.
    Fail,
}
