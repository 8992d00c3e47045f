use std::time::Duration;

use crate::figures::Gauge;
use crate::table;

/// How old the oldest write is that holds readers of the log back.
pub fn watermark_age(age: Duration) {
    Gauge::new(&table::WATERMARK_AGE, &[]).set(age.as_secs_f64());
}
