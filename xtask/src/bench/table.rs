use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::figures::{Figure, Goal};
use super::samples::Samples;

/// A line for each figure, those with a goal marked.
pub(super) fn text(figures: &[Figure], samples: &Samples) -> String {
    let width = figures.iter().map(|figure| figure.key.len()).max().unwrap_or(0);
    let mut table = String::new();
    for figure in figures {
        let Some(value) = figure.formula.value(samples) else {
            continue;
        };
        let (goal, mark) = match (figure.goal, figure.goal.is_met(value)) {
            (Goal::AtLeast(goal), Some(met)) => (format!("at least {}", number(goal)), mark(met)),
            (Goal::AtMost(goal), Some(met)) => (format!("at most {}", number(goal)), mark(met)),
            _ => (String::new(), ""),
        };
        let _ = writeln!(
            table,
            "{:<width$}  {:>9}  {goal:<16} {mark:<5} {}",
            figure.key,
            number(value),
            figure.about
        );
    }
    table
}

/// One line: every key with its value.
pub(super) fn json(figures: &[Figure], samples: &Samples) -> Value {
    let values = figures.iter().filter_map(|figure| {
        let value = figure.formula.value(samples)?;
        Some((figure.key.to_owned(), value.into()))
    });
    Value::Object(values.collect::<Map<_, _>>())
}

/// How many goals are met.
pub(super) fn summary(figures: &[Figure], samples: &Samples) -> String {
    let mut met = [0, 0];
    for figure in figures {
        if let Some(is_met) = figure
            .formula
            .value(samples)
            .and_then(|value| figure.goal.is_met(value))
        {
            met[usize::from(is_met)] += 1;
        }
    }
    format!("{} figures, {} of {} goals met", figures.len(), met[1], met[0] + met[1])
}

const fn mark(met: bool) -> &'static str {
    if met { "met" } else { "-" }
}

/// Three digits that count: `1.24`, `104`, `18.3 k`, `1.06 M`.
fn number(value: f64) -> String {
    let (value, unit) = match value {
        value if value >= 999_500.0 => (value / 1e6, " M"),
        value if value >= 9_999.5 => (value / 1e3, " k"),
        value => (value, ""),
    };
    let digits = match value {
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        for (value, shown) in [
            (1.2412, "1.24"),
            (103.9, "104"),
            (2_718.2, "2718"),
            (18_326.0, "18.3 k"),
            (400_000.0, "400 k"),
            (1_059_067.0, "1.06 M"),
        ] {
            assert_eq!(number(value), shown);
        }
    }
}
