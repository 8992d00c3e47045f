use super::measurement::Measurement;
use super::samples::Samples;

/// Where a value comes from: a line that a program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) measurement: Measurement,
    pub(super) figure: &'static str,
}

/// How a figure is made of what was measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Formula {
    /// The median of all rounds.
    Median(Source),
    /// The median of the ratios of each round.
    Ratio(Source, Source),
    /// The first over the best of the others, by their medians.
    OverBest(Source, Vec<Source>),
}

impl Formula {
    pub(super) fn sources(&self) -> Vec<Source> {
        match self {
            Self::Median(source) => vec![*source],
            Self::Ratio(source, other) => vec![*source, *other],
            Self::OverBest(source, others) => [&[*source][..], others].concat(),
        }
    }

    /// `None` where something of it was not measured.
    pub(super) fn value(&self, samples: &Samples) -> Option<f64> {
        match self {
            Self::Median(source) => samples.median(source),
            Self::Ratio(source, other) => samples.ratio(source, other),
            Self::OverBest(source, others) => {
                let others: Option<Vec<f64>> = others.iter().map(|other| samples.median(other)).collect();
                let best = others?.into_iter().max_by(f64::total_cmp)?;
                Some(samples.median(source)? / best)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::measurement::Cost;
    use super::*;

    const fn source(program: &'static str) -> Source {
        let measurement = Measurement {
            program,
            scenario: "send",
            cost: Cost::Usual,
        };
        Source {
            measurement,
            figure: "per_s",
        }
    }

    #[test]
    fn figures_are_made_of_medians_and_of_ratios_within_a_round() {
        let (a, b, c) = (source("a"), source("b"), source("c"));
        let mut samples = Samples::default();
        for (round, values) in [[10.0, 1.0, 5.0], [30.0, 10.0, 6.0], [20.0, 4.0, 7.0]]
            .into_iter()
            .enumerate()
        {
            for (source, value) in [a, b, c].iter().zip(values) {
                samples.add(source.measurement, source.figure, round, value);
            }
        }
        assert_eq!(Formula::Median(a).value(&samples), Some(20.0));
        assert_eq!(
            Formula::Ratio(a, b).value(&samples),
            Some(5.0),
            "not 20 / 4 by chance of the middle ones"
        );
        assert_eq!(Formula::OverBest(a, vec![b, c]).value(&samples), Some(20.0 / 6.0));
        assert_eq!(Formula::OverBest(a, vec![b, source("d")]).value(&samples), None);
    }
}
