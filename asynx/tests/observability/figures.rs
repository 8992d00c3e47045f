//! What a recorder was told.

use std::collections::BTreeMap;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};

/// Every figure with its labels.
#[derive(Debug)]
pub(crate) struct Figures(Vec<Told>);

#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) help: String,
    pub(crate) unit: String,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Counter(u64),
    Gauge(f64),
    Histogram(Vec<f64>),
}

impl Figures {
    pub(crate) fn of(recorder: &DebuggingRecorder) -> Self {
        let all = recorder.snapshotter().snapshot().into_vec().into_iter();
        let told = |(key, unit, help, value): (_, Option<metrics::Unit>, Option<metrics::SharedString>, _)| {
            let key: metrics_util::CompositeKey = key;
            let labels = key.key().labels();
            Told {
                name: key.key().name().to_owned(),
                labels: labels
                    .map(|label| (label.key().to_owned(), label.value().to_owned()))
                    .collect(),
                help: help.map(|help| help.to_string()).unwrap_or_default(),
                unit: unit.map(|unit| unit.as_str().to_owned()).unwrap_or_default(),
                value: match value {
                    DebugValue::Counter(count) => Value::Counter(count),
                    DebugValue::Gauge(value) => Value::Gauge(value.into_inner()),
                    DebugValue::Histogram(values) => {
                        Value::Histogram(values.into_iter().map(|value| value.into_inner()).collect())
                    }
                },
            }
        };
        Self(all.map(told).collect())
    }

    pub(crate) fn all(&self) -> &[Told] {
        &self.0
    }

    /// The value of the one figure with this name and these labels among its own.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> &Value {
        let has = |told: &Told| {
            let mut labels = labels.iter();
            told.name == name && labels.all(|(label, value)| told.labels.get(*label).is_some_and(|told| told == value))
        };
        let mut found = self.0.iter().filter(|told| has(told));
        match (found.next(), found.next()) {
            (Some(told), None) => &told.value,
            (found, _) => panic!("{name} {labels:?}: {found:?}, and perhaps more"),
        }
    }

    pub(crate) fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        match self.value(name, labels) {
            Value::Counter(count) => *count,
            other => panic!("{name} is {other:?}"),
        }
    }

    pub(crate) fn gauge(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        match self.value(name, labels) {
            Value::Gauge(value) => *value,
            other => panic!("{name} is {other:?}"),
        }
    }

    pub(crate) fn spread(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        match self.value(name, labels) {
            Value::Histogram(values) => values.clone(),
            other => panic!("{name} is {other:?}"),
        }
    }
}
