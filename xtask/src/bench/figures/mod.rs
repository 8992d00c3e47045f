//! The figures: their keys, what they are made of, what they should be.

mod clients;
mod files;
mod growth;
mod jetstream;
mod memory;
mod pieces;
mod postgres;
mod sources;

use anyhow::{Result, bail};

use super::formula::{Formula, Source};
use super::options::Options;

/// A line of the table.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) key: &'static str,
    /// What it is, in a few words.
    pub(super) about: &'static str,
    pub(super) formula: Formula,
    pub(super) goal: Goal,
    /// Only in a full run.
    full: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Goal {
    None,
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    /// `None` where there is no goal.
    pub(super) fn is_met(self, value: f64) -> Option<bool> {
        match self {
            Self::None => None,
            Self::AtLeast(goal) => Some(value >= goal),
            Self::AtMost(goal) => Some(value <= goal),
        }
    }
}

/// The figures that the options ask for.
pub(super) fn wanted(options: &Options) -> Result<Vec<Figure>> {
    let mut figures = all();
    let is_known = |key: &String| figures.iter().any(|figure| figure.key.starts_with(&**key));
    if let Some(unknown) = options.only.iter().find(|key| !is_known(key)) {
        let keys: Vec<&str> = figures.iter().map(|figure| figure.key).collect();
        bail!("there is no figure `{unknown}`; there are\n  {}", keys.join("\n  "));
    }
    figures.retain(|figure| {
        let is_asked_for = options.only.iter().any(|key| figure.key.starts_with(&**key));
        // By its own key also in a quick run.
        options.only.iter().any(|key| key == figure.key)
            || (options.only.is_empty() || is_asked_for) && !(figure.full && options.quick)
    });
    Ok(figures)
}

fn all() -> Vec<Figure> {
    let groups = [
        pieces::figures(),
        memory::figures(),
        postgres::figures(),
        jetstream::figures(),
        files::figures(),
        growth::figures(),
        clients::figures(),
    ];
    groups.into_iter().flatten().collect()
}

impl Figure {
    const fn new(key: &'static str, about: &'static str, formula: Formula) -> Self {
        Self {
            key,
            about,
            formula,
            goal: Goal::None,
            full: false,
        }
    }

    /// The median of what is measured.
    const fn median(key: &'static str, about: &'static str, source: Source) -> Self {
        Self::new(key, about, Formula::Median(source))
    }

    /// The median of the quotients of each round.
    const fn ratio(key: &'static str, about: &'static str, source: Source, other: Source) -> Self {
        Self::new(key, about, Formula::Ratio(source, other))
    }

    const fn at_least(mut self, goal: f64) -> Self {
        self.goal = Goal::AtLeast(goal);
        self
    }

    const fn at_most(mut self, goal: f64) -> Self {
        self.goal = Goal::AtMost(goal);
        self
    }

    const fn only_in_full(mut self) -> Self {
        self.full = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn keys(options: &Options) -> Vec<&'static str> {
        wanted(options).unwrap().iter().map(|figure| figure.key).collect()
    }

    #[test]
    fn keys_are_different() {
        let keys = keys(&Options::default());
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
    }

    #[test]
    fn figures_are_chosen_by_how_their_keys_begin() {
        let only = |key: &str| Options {
            only: vec![key.to_owned()],
            ..Options::default()
        };
        assert_eq!(
            keys(&only("sqlite_send_over")),
            [
                "sqlite_send_over_raw",
                "sqlite_send_over_raw_64",
                "sqlite_send_over_tephra"
            ]
        );
        assert!(
            wanted(&only("nothing"))
                .unwrap_err()
                .to_string()
                .contains("diff_over_to_vec")
        );
    }

    #[test]
    fn a_quick_run_has_nothing_that_takes_minutes_unless_it_is_named() {
        let quick = Options {
            quick: true,
            ..Options::default()
        };
        let dear = "postgres_send_10m_existing_per_s";
        assert!(!keys(&quick).contains(&dear));
        assert!(keys(&Options::default()).contains(&dear));
        assert_eq!(
            keys(&Options {
                only: vec![dear.to_owned()],
                ..quick
            }),
            [dear]
        );
    }
}
