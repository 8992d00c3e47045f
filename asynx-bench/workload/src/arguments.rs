use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use crate::{Beforehand, Load};

/// `SCENARIO key=value ...`
#[derive(Debug)]
pub struct Arguments {
    pub scenario: String,
    values: BTreeMap<String, String>,
}

impl Arguments {
    /// What the program was called with; ends it if that cannot be understood.
    pub fn read() -> Self {
        let mut words = std::env::args().skip(1);
        let scenario = words.next().unwrap_or_else(|| panic!("usage: SCENARIO key=value ..."));
        let values = words.map(|word| match word.split_once('=') {
            Some((key, value)) => (key.to_owned(), value.to_owned()),
            None => panic!("`{word}` is not key=value"),
        });
        Self {
            scenario,
            values: values.collect(),
        }
    }

    pub fn get<T: FromStr>(&self, key: &str, otherwise: T) -> T {
        match self.values.get(key) {
            None => otherwise,
            Some(value) => value
                .parse()
                .unwrap_or_else(|_| panic!("`{key}={value}` is not a number")),
        }
    }

    /// How long to measure.
    pub fn seconds(&self) -> Duration {
        Duration::from_secs_f64(self.get("seconds", 1.0))
    }

    pub fn load(&self) -> Load {
        Load {
            clients: self.get("clients", 64),
            aggregates: self.get("aggregates", 1_000),
            stream: self.get("stream", 100),
            beforehand: match (self.get("stagger", 0), self.get("placed", 0)) {
                (0, 0) => Beforehand::Nothing,
                (0, _) => Beforehand::Placed,
                _ => Beforehand::Staggered,
            },
            warm_up: Duration::from_secs_f64(self.get("warm_up", 0.5)),
            measure: self.seconds(),
        }
    }

    /// The database that is there for this run alone.
    pub fn database() -> String {
        std::env::var("ASYNX_BENCH_DATABASE").unwrap_or_else(|_| panic!("ASYNX_BENCH_DATABASE names no database"))
    }
}
