use std::fmt;

/// What was found in the end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) acknowledged: u64,
    /// Acknowledged and there, exactly so.
    pub(super) found: u64,
    pub(super) lost: u64,
    /// Payments that are stored twice.
    pub(super) twice: u64,
    /// Calls without an answer.
    pub(super) unanswered: u64,
    /// Whatever else is wrong.
    pub(super) broken: u64,
    /// Some of it in words.
    pub(super) examples: Vec<String>,
}

/// More would not be read.
const EXAMPLES: usize = 10;

impl Verdict {
    pub(super) fn is_sound(&self) -> bool {
        self.acknowledged > 0 && self.lost + self.twice + self.unanswered + self.broken == 0
    }

    pub(super) fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(text());
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            acknowledged,
            found,
            lost,
            twice,
            unanswered,
            broken,
            ..
        } = self;
        write!(
            f,
            "acknowledged {acknowledged} found {found} lost {lost} twice {twice} unanswered {unanswered}"
        )?;
        if *broken > 0 {
            write!(f, " broken {broken}")?;
        }
        Ok(())
    }
}
