use crate::Moment;
use crate::table::Figure;
#[cfg(feature = "metrics")]
use crate::table::Unit;

/// A label with its value.
pub(crate) type Label<'a> = (&'static str, &'a str);

/// Something that is counted; empty without `metrics`.
#[derive(Debug, Clone)]
pub struct Counter(#[cfg(feature = "metrics")] metrics::Counter);

impl Counter {
    #[cfg(feature = "metrics")]
    pub(crate) fn new(figure: &Figure, labels: &[Label<'_>]) -> Self {
        check(figure, labels);
        metrics::describe_counter!(figure.name, unit(figure), figure.help);
        Self(metrics::counter!(figure.name, owned(labels)))
    }

    #[cfg(not(feature = "metrics"))]
    pub(crate) const fn new(_: &Figure, _: &[Label<'_>]) -> Self {
        Self()
    }

    /// Counts so many more.
    #[inline]
    pub fn add(&self, many: usize) {
        #[cfg(feature = "metrics")]
        self.0.increment(many as u64);
        #[cfg(not(feature = "metrics"))]
        let _ = many;
    }
}

/// Something that rises and falls; empty without `metrics`.
#[derive(Debug, Clone)]
pub struct Gauge(#[cfg(feature = "metrics")] metrics::Gauge);

impl Gauge {
    #[cfg(feature = "metrics")]
    pub(crate) fn new(figure: &Figure, labels: &[Label<'_>]) -> Self {
        check(figure, labels);
        metrics::describe_gauge!(figure.name, unit(figure), figure.help);
        Self(metrics::gauge!(figure.name, owned(labels)))
    }

    #[cfg(not(feature = "metrics"))]
    pub(crate) const fn new(_: &Figure, _: &[Label<'_>]) -> Self {
        Self()
    }

    /// What it is now.
    #[inline]
    pub fn set(&self, value: f64) {
        #[cfg(feature = "metrics")]
        self.0.set(value);
        #[cfg(not(feature = "metrics"))]
        let _ = value;
    }
}

/// Something that is spread; empty without `metrics`.
#[derive(Debug, Clone)]
pub struct Histogram(#[cfg(feature = "metrics")] metrics::Histogram);

impl Histogram {
    #[cfg(feature = "metrics")]
    pub(crate) fn new(figure: &Figure, labels: &[Label<'_>]) -> Self {
        check(figure, labels);
        metrics::describe_histogram!(figure.name, unit(figure), figure.help);
        Self(metrics::histogram!(figure.name, owned(labels)))
    }

    #[cfg(not(feature = "metrics"))]
    pub(crate) const fn new(_: &Figure, _: &[Label<'_>]) -> Self {
        Self()
    }

    /// One more, of this size.
    #[inline]
    pub fn size(&self, size: usize) {
        #[cfg(feature = "metrics")]
        #[expect(clippy::cast_precision_loss, reason = "nobody batches 2^53 commands")]
        self.0.record(size as f64);
        #[cfg(not(feature = "metrics"))]
        let _ = size;
    }

    /// One more, that took from one moment to the other.
    #[inline]
    pub fn took(&self, began: Moment, ended: Moment) {
        #[cfg(feature = "metrics")]
        self.0.record(ended.since(began));
        #[cfg(not(feature = "metrics"))]
        let _ = (began, ended);
    }
}

#[cfg(feature = "metrics")]
fn check(figure: &Figure, labels: &[Label<'_>]) {
    debug_assert!(
        figure.labels.iter().eq(labels.iter().map(|(name, _)| name)),
        "{} is listed with other labels",
        figure.name
    );
}

#[cfg(feature = "metrics")]
fn owned(labels: &[Label<'_>]) -> Vec<metrics::Label> {
    let owned = |(name, value): &Label<'_>| metrics::Label::new(*name, (*value).to_owned());
    labels.iter().map(owned).collect()
}

#[cfg(feature = "metrics")]
const fn unit(figure: &Figure) -> metrics::Unit {
    match figure.unit {
        Unit::Count => metrics::Unit::Count,
        Unit::Seconds => metrics::Unit::Seconds,
    }
}
