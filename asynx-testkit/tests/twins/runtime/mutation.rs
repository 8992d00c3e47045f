//! The ways in which the twins are broken.

use crate::proof::mutations;

// The law after "breaks" must be found broken; those after "and" may be, since the same fault shows there too.
mutations! {
    /// A task is polled once.
    TasksAreNotPolledAgain: tasks_are_not_polled_again breaks R1 and R2 and R3;
    /// A task is polled by `spawn` first.
    SpawnPolls: spawn_polls breaks R1 and R2;
    /// Tasks outlive the runtime.
    TasksOutliveTheRuntime: tasks_outlive_the_runtime breaks R1;
    /// A panic ends the runtime.
    PanicsEndTheRuntime: panics_end_the_runtime breaks R2;
    /// Sleeps end after half of their time.
    SleepsEndEarly: sleeps_end_early breaks R3;
    /// Sleeps beyond ten milliseconds do not end.
    LongSleepsDoNotEnd: long_sleeps_do_not_end breaks R3;
    /// A dropped sleep takes all others along.
    DroppedSleepsStopOthers: dropped_sleeps_stop_others breaks R3;
    /// The clock is a second ahead.
    TheClockIsAhead: the_clock_is_ahead breaks R4;
    /// The clock stands still.
    TheClockStandsStill: the_clock_stands_still breaks R4;
    /// Entropy is 32 bits, and a count.
    EntropyCounts: entropy_counts breaks R5;
    /// Entropy panics.
    EntropyPanics: entropy_panics breaks R5;
    /// Entropy is 24 bits.
    EntropyIsShort: entropy_is_short breaks R5;
}
