use std::fmt;

/// Why a run could not end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stuck {
    /// Nothing is ready and no timer runs, but not all has ended.
    Deadlock {
        /// Who waits for ever.
        hanging: Vec<Hanging>,
    },
    /// It took more steps than allowed.
    Endless {
        /// How many are allowed.
        steps: u64,
        /// Who was left.
        hanging: Vec<Hanging>,
    },
}

/// A task that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hanging {
    /// The process.
    pub process: String,
    /// The number of the task, in the order of spawning; 0 is what `block_on` was given.
    pub task: u64,
    /// How often it was polled.
    pub polls: u64,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hanging = match self {
            Self::Deadlock { hanging } => {
                f.write_str("nothing can go on")?;
                hanging
            }
            Self::Endless { steps, hanging } => {
                write!(f, "no end after {steps} steps")?;
                hanging
            }
        };
        for Hanging { process, task, polls } in hanging {
            write!(f, "; task {task} of {process} hangs, polled {polls} times")?;
        }
        Ok(())
    }
}

impl std::error::Error for Stuck {}
