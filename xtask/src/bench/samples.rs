use std::collections::BTreeMap;

use super::formula::Source;
use super::measurement::Measurement;

/// Every value that was measured, by round.
#[derive(Debug, Default)]
pub(super) struct Samples {
    values: BTreeMap<(Measurement, String), BTreeMap<usize, f64>>,
}

impl Samples {
    pub(super) fn add(&mut self, measurement: Measurement, figure: &str, round: usize, value: f64) {
        let key = (measurement, figure.to_owned());
        self.values.entry(key).or_default().insert(round, value);
    }

    pub(super) fn median(&self, source: &Source) -> Option<f64> {
        median(self.rounds(source)?.values().copied().collect())
    }

    /// The median of the quotients of each round in which both were measured.
    pub(super) fn ratio(&self, source: &Source, other: &Source) -> Option<f64> {
        let (rounds, others) = (self.rounds(source)?, self.rounds(other)?);
        let quotients = rounds
            .iter()
            .filter_map(|(round, value)| Some(value / others.get(round)?));
        median(quotients.collect())
    }

    /// Each value: what was measured, which figure of it, the rounds.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Measurement, &str, Vec<f64>)> {
        self.values
            .iter()
            .map(|((measurement, figure), rounds)| (measurement, &**figure, rounds.values().copied().collect()))
    }

    fn rounds(&self, source: &Source) -> Option<&BTreeMap<usize, f64>> {
        self.values.get(&(source.measurement, source.figure.to_owned()))
    }
}

/// The middle one, or the mean of both in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
