//! Which call tells which lie.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Lie;

/// What any call can do instead of answering the truth.
const NEVER_ANSWERS: &str = "never answers";
const PANICS: &str = "panics";
const IS_NOT_MADE: &str = "is not made";

/// What a twin follows. Clones are the same script.
#[derive(Clone, Default)]
pub(crate) struct Script(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    counts: BTreeMap<&'static str, usize>,
    calls: Vec<Call>,
    /// The call that lies, and how.
    lie: Option<(String, String)>,
    told: bool,
    /// Whether the lies that could be told are noted.
    notes: bool,
}

/// A call that was made, and the lies that it could have told.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) lies: Vec<String>,
}

/// One call under way.
pub(crate) struct Made {
    number: usize,
    /// What it is to say.
    pub(crate) lie: Option<String>,
}

impl Script {
    /// Tells the truth, and notes which lies it could have told.
    pub(crate) fn truth() -> Self {
        let script = Self::default();
        script.lock().notes = true;
        script
    }

    pub(crate) fn lying(call: &str, how: &str) -> Self {
        let script = Self::default();
        script.lock().lie = Some((call.to_owned(), how.to_owned()));
        script
    }

    /// Counts a call; those of one kind are numbered from 1.
    pub(crate) fn made(&self, kind: &'static str) -> Made {
        let mut state = self.lock();
        let count = state.counts.entry(kind).or_default();
        *count += 1;
        let name = format!("{kind}.{count}");
        let lie = match &state.lie {
            Some((call, how)) if *call == name => Some(how.clone()),
            _ => None,
        };
        state.calls.push(Call { name, lies: Vec::new() });
        Made {
            number: state.calls.len() - 1,
            lie,
        }
    }

    /// Makes a call, or lies.
    pub(crate) async fn call<T: Lie>(&self, kind: &'static str, call: impl Future<Output = T>) -> T {
        let made = self.begin::<T>(kind).await;
        self.make(&made, call).await
    }

    /// Makes one that was begun, or pretends to.
    pub(crate) async fn make<T: Lie>(&self, made: &Made, call: impl Future<Output = T>) -> T {
        if made.lie.as_deref() == Some(IS_NOT_MADE)
            && let Some(pretended) = T::pretended()
        {
            self.tells();
            return pretended;
        }
        let truth = call.await;
        self.answer(made, truth)
    }

    /// Counts a call, which may never come to an answer.
    pub(crate) async fn begin<T: Lie>(&self, kind: &'static str) -> Made {
        let made = self.made(kind);
        self.could(&made, [NEVER_ANSWERS, PANICS].map(str::to_owned));
        if T::pretended().is_some() {
            self.could(&made, [IS_NOT_MADE.to_owned()]);
        }
        match made.lie.as_deref() {
            Some(NEVER_ANSWERS) => {
                self.tells();
                std::future::pending().await
            }
            Some(PANICS) => {
                self.tells();
                panic!("as the script wants")
            }
            _ => made,
        }
    }

    /// A lie was told.
    pub(crate) fn tells(&self) {
        self.lock().told = true;
    }

    /// Lies that the call could have told.
    pub(crate) fn could(&self, made: &Made, lies: impl IntoIterator<Item = String>) {
        let mut state = self.lock();
        if state.notes {
            state.calls[made.number].lies.extend(lies);
        }
    }

    /// Answers a call that was made, by the truth or by the lie it is to tell.
    pub(crate) fn answer<T: Lie>(&self, made: &Made, truth: T) -> T {
        if self.lock().notes {
            self.could(made, truth.lies().into_iter().map(|(how, _)| how));
        }
        let Some(wanted) = &made.lie else { return truth };
        match truth.lies().into_iter().find(|(how, _)| how == wanted) {
            Some((_, lie)) => {
                self.tells();
                lie
            }
            None => truth,
        }
    }

    /// How many calls were made until now.
    pub(crate) fn now(&self) -> usize {
        self.lock().calls.len()
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    pub(crate) fn told(&self) -> bool {
        self.lock().told
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
