//! The figures: their keys, what they are made of, what they should be.

use anyhow::{Result, bail};

use super::formula::{Formula, Source};
use super::measurement::{Cost, Measurement};
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
    pub(super) full: bool,
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
    if let Some(unknown) = options
        .only
        .iter()
        .find(|key| !figures.iter().any(|figure| figure.key.starts_with(&***key)))
    {
        let keys: Vec<&str> = figures.iter().map(|figure| figure.key).collect();
        bail!("there is no figure `{unknown}`; there are\n  {}", keys.join("\n  "));
    }
    if options.only.is_empty() {
        figures.retain(|figure| !(figure.full && options.quick));
    } else {
        figures.retain(|figure| options.only.iter().any(|key| figure.key.starts_with(&**key)));
    }
    Ok(figures)
}

const fn of(program: &'static str, scenario: &'static str, figure: &'static str) -> Source {
    let measurement = Measurement {
        program,
        scenario,
        cost: Cost::Usual,
    };
    Source { measurement, figure }
}

const fn dear(program: &'static str, scenario: &'static str, figure: &'static str) -> Source {
    let measurement = Measurement {
        program,
        scenario,
        cost: Cost::Dear,
    };
    Source { measurement, figure }
}

const fn ours(scenario: &'static str, figure: &'static str) -> Source {
    of("bench-asynx", scenario, figure)
}

const SEND: &str = "send_per_s";
const MEMORY_100: &str = "memory-send clients=64 stream=100 stagger=1";
const MEMORY_10: &str = "memory-send clients=64 stream=10 stagger=1";
const POSTGRES_64: &str = "postgres-send clients=64 stream=10";
const EMBEDDED: &str = "clients=64 stream=100 stagger=1";
const DIFF: &str = "diff";
const STATEMENT: &str = "postgres-statement lanes=2 batch=256";
const STATEMENT_32: &str = "postgres-statement lanes=2 batch=32";
const LONELY: &str = "postgres-lonely";

fn all() -> Vec<Figure> {
    use Formula::{Median, OverBest, Ratio};
    use Goal::{AtLeast, AtMost};

    let mut figures = Vec::new();
    let mut add = |key, about, formula, goal| {
        figures.push(Figure {
            key,
            about,
            formula,
            goal,
            full: false,
        })
    };

    // Pieces.
    add(
        "diff_over_to_vec",
        "a small change's patch over one serde_json::to_vec of the state",
        Median(ours(DIFF, "diff_over_to_vec")),
        AtMost(1.6),
    );
    add(
        "diff_ns",
        "a small change's patch, ns",
        Median(ours(DIFF, "diff_ns")),
        Goal::None,
    );
    add(
        "to_vec_ns",
        "serde_json::to_vec of the state, ns",
        Median(ours(DIFF, "to_vec_ns")),
        Goal::None,
    );
    add(
        "allocations_per_send",
        "memory store, 64 clients, all that the process allocates",
        Median(of("bench-asynx-allocations", "memory-send clients=64", "allocations")),
        AtMost(25.0),
    );
    add(
        "allocations_of_the_command",
        "what of these the command itself makes: its id, the new state",
        Median(of(
            "bench-asynx-allocations",
            "memory-send clients=64",
            "allocations_of_the_command",
        )),
        Goal::None,
    );
    add(
        "get_cached_ns",
        "a read by the sole writer, ns",
        Median(ours("get-cached", "get_ns")),
        AtMost(1_000.0),
    );
    add(
        "publish_1_ns",
        "an event to the one subscription there is, handled, ns",
        Median(ours("publish subscriptions=1", "publish_and_handle_ns")),
        Goal::None,
    );
    add(
        "publish_1_of_100_ns",
        "an event to one of 100 patterns, handled, ns",
        Median(ours("publish subscriptions=100 matching=1", "publish_and_handle_ns")),
        Goal::None,
    );
    add(
        "publish_100_ns",
        "an event to 100 subscriptions, handled, ns",
        Median(ours("publish subscriptions=100", "publish_and_handle_ns")),
        Goal::None,
    );

    // The memory store.
    let peer = of("bench-cqrs-es", MEMORY_100, SEND);
    add(
        "memory_send_per_s",
        "64 clients, streams up to 100 events",
        Median(ours(MEMORY_100, SEND)),
        AtLeast(400_000.0),
    );
    add(
        "memory_send_cqrs_es_per_s",
        "cqrs-es, the same",
        Median(peer),
        Goal::None,
    );
    add(
        "memory_send_eventcore_per_s",
        "eventcore, the same",
        Median(of("bench-eventcore", MEMORY_100, SEND)),
        Goal::None,
    );
    add(
        "memory_send_over_cqrs_es",
        "ours over cqrs-es, which serialises nothing",
        Ratio(ours(MEMORY_100, SEND), peer),
        AtLeast(2.5),
    );
    let peer = of("bench-cqrs-es", MEMORY_10, SEND);
    add(
        "memory_send_10_per_s",
        "64 clients, streams up to 10 events",
        Median(ours(MEMORY_10, SEND)),
        Goal::None,
    );
    add(
        "memory_send_10_cqrs_es_per_s",
        "cqrs-es, the same",
        Median(peer),
        Goal::None,
    );
    add(
        "memory_send_10_over_cqrs_es",
        "ours over cqrs-es, which serialises nothing",
        Ratio(ours(MEMORY_10, SEND), peer),
        AtLeast(1.0),
    );
    add(
        "hot_aggregate_send_per_s",
        "64 clients, all to one aggregate of 10,000 events",
        Median(ours("hot", SEND)),
        Goal::None,
    );
    add(
        "hot_aggregate_over_spread",
        "the same over 1,000 aggregates",
        Ratio(ours("hot", SEND), ours(MEMORY_100, SEND)),
        AtLeast(0.5),
    );
    add(
        "replay_events_per_s",
        "a cold load of 10,000 events",
        Median(ours("replay", "load_events_per_s")),
        AtLeast(1e6),
    );
    add(
        "history_events_per_s",
        "the same, with the states around each event",
        Median(ours("replay", "history_events_per_s")),
        Goal::None,
    );

    // PostgreSQL.
    let peers = ["bench-cqrs-es", "bench-eventcore", "bench-disintegrate", "bench-evento"];
    let peers: Vec<Source> = peers.into_iter().map(|peer| of(peer, POSTGRES_64, SEND)).collect();
    let keys = [
        "postgres_send_cqrs_es_per_s",
        "postgres_send_eventcore_per_s",
        "postgres_send_disintegrate_per_s",
        "postgres_send_evento_per_s",
    ];
    add(
        "postgres_send_per_s",
        "64 clients, streams up to 10 events",
        Median(ours(POSTGRES_64, SEND)),
        AtLeast(45_000.0),
    );
    for (key, source) in keys.into_iter().zip(&peers) {
        add(key, "the same", Median(*source), Goal::None);
    }
    add(
        "postgres_send_over_best_peer",
        "ours over the best of them",
        OverBest(ours(POSTGRES_64, SEND), peers),
        AtLeast(10.0),
    );
    add(
        "postgres_send_over_raw",
        "ours over the same statement in a bare loop, 2 x 32 events in flight",
        Ratio(ours(POSTGRES_64, SEND), ours(STATEMENT_32, "append_per_s")),
        AtLeast(0.8),
    );
    add(
        "postgres_send_512_per_s",
        "512 clients",
        Median(ours("postgres-send clients=512 stream=10", SEND)),
        AtLeast(65_000.0),
    );
    add(
        "postgres_raw_32_per_s",
        "the bare loop, 2 x 32 events",
        Median(ours(STATEMENT_32, "append_per_s")),
        Goal::None,
    );
    add(
        "postgres_raw_256_per_s",
        "the bare loop, 2 x 256 events",
        Median(ours(STATEMENT, "append_per_s")),
        Goal::None,
    );
    add(
        "postgres_unnest_256_per_s",
        "bare inserts, 2 x 256 rows",
        Median(ours(STATEMENT, "unnest_per_s")),
        Goal::None,
    );
    add(
        "postgres_statement_over_unnest",
        "the append statement over the bare insert, batches of 256",
        Ratio(ours(STATEMENT, "append_per_s"), ours(STATEMENT, "unnest_per_s")),
        AtLeast(0.6),
    );
    add(
        "postgres_one_client_us",
        "a lonely send, µs",
        Median(ours(LONELY, "send_us")),
        Goal::None,
    );
    add(
        "postgres_one_client_over_raw_insert",
        "its latency over one bare insert's",
        Ratio(ours(LONELY, "send_us"), ours(LONELY, "insert_us")),
        AtMost(1.5),
    );
    add(
        "postgres_replay_events_per_s",
        "a cold load of 10,000 events",
        Median(ours("postgres-replay", "load_events_per_s")),
        AtLeast(600_000.0),
    );
    add(
        "postgres_replay_cqrs_es_per_s",
        "cqrs-es, the same",
        Median(of("bench-cqrs-es", "postgres-replay", "load_events_per_s")),
        Goal::None,
    );
    add(
        "postgres_replay_eventcore_per_s",
        "eventcore, the same",
        Median(of("bench-eventcore", "postgres-replay", "load_events_per_s")),
        Goal::None,
    );
    add(
        "postgres_catchup_events_per_s",
        "a projection from the log's beginning to its end, events as stored",
        Median(ours("postgres-catchup", "events_per_s")),
        AtLeast(700_000.0),
    );
    add(
        "postgres_catchup_typed_events_per_s",
        "the same, with the states around each event",
        Median(ours("postgres-catchup", "typed_events_per_s")),
        Goal::None,
    );
    for (key, program) in [
        ("postgres_catchup_cqrs_es_per_s", "bench-cqrs-es"),
        ("postgres_catchup_eventcore_per_s", "bench-eventcore"),
        ("postgres_catchup_disintegrate_per_s", "bench-disintegrate"),
        ("postgres_catchup_evento_per_s", "bench-evento"),
    ] {
        add(
            key,
            "the same",
            Median(of(program, "postgres-catchup", "events_per_s")),
            Goal::None,
        );
    }
    let projection = ours("postgres-projection", "events_per_s");
    let peer = of("bench-evento", "postgres-projection", "events_per_s");
    add(
        "projection_events_per_s",
        "a read model in SQL, in the checkpoint's transaction",
        Median(projection),
        Goal::None,
    );
    add(
        "projection_evento_per_s",
        "evento, the peer with a log that loses nothing",
        Median(peer),
        Goal::None,
    );
    add(
        "projection_over_evento",
        "ours over evento's",
        Ratio(projection, peer),
        AtLeast(1.0),
    );

    // Files.
    let sqlite = ours("sqlite-send clients=64 stream=100 stagger=1", SEND);
    let tephra = of("bench-tephra", "send clients=64 stream=100 stagger=1", SEND);
    debug_assert!(sqlite.measurement.scenario.ends_with(EMBEDDED) && tephra.measurement.scenario.ends_with(EMBEDDED));
    add(
        "sqlite_send_per_s",
        "64 clients, streams up to 100 events",
        Median(sqlite),
        AtLeast(40_000.0),
    );
    add(
        "sqlite_raw_per_s",
        "bare inserts, 256 in a transaction",
        Median(ours("sqlite-raw batch=256", "events_per_s")),
        Goal::None,
    );
    add("tephra_send_per_s", "tephra, 64 clients", Median(tephra), Goal::None);
    add(
        "sqlite_send_over_raw",
        "ours over bare inserts",
        Ratio(sqlite, ours("sqlite-raw batch=256", "events_per_s")),
        AtLeast(0.6),
    );
    add(
        "sqlite_send_over_tephra",
        "ours over tephra",
        Ratio(sqlite, tephra),
        AtLeast(1.1),
    );

    // Cost stays flat as work grows.
    add(
        "memory_send_1k_aggregates_per_s",
        "64 clients",
        Median(ours("memory-send clients=64 aggregates=1000", SEND)),
        Goal::None,
    );
    add(
        "memory_send_100k_aggregates_per_s",
        "64 clients",
        Median(ours("memory-send clients=64 aggregates=100000 warm_up=1", SEND)),
        Goal::None,
    );
    add(
        "postgres_send_0_existing_per_s",
        "64 clients, empty tables",
        Median(ours(POSTGRES_64, SEND)),
        Goal::None,
    );
    add(
        "postgres_send_1m_existing_per_s",
        "64 clients, 1 M events in the tables",
        Median(dear(
            "bench-asynx",
            "postgres-send clients=64 stream=10 existing=1000000",
            SEND,
        )),
        Goal::None,
    );
    full(&mut figures);
    figures
}

/// What only a full run measures.
fn full(figures: &mut Vec<Figure>) {
    let mut add = |key, about, source| {
        let (formula, goal) = (Formula::Median(source), Goal::None);
        figures.push(Figure {
            key,
            about,
            formula,
            goal,
            full: true,
        });
    };
    add(
        "memory_send_1m_aggregates_per_s",
        "64 clients",
        dear(
            "bench-asynx",
            "memory-send clients=64 aggregates=1000000 warm_up=5",
            SEND,
        ),
    );
    add(
        "postgres_send_10m_existing_per_s",
        "64 clients, 10 M events in the tables",
        dear(
            "bench-asynx",
            "postgres-send clients=64 stream=10 existing=10000000",
            SEND,
        ),
    );
    for (key, program, scenario) in [
        (
            "memory_send_1_client_per_s",
            "bench-asynx",
            "memory-send clients=1 stream=100 stagger=1",
        ),
        (
            "memory_send_8_clients_per_s",
            "bench-asynx",
            "memory-send clients=8 stream=100 stagger=1",
        ),
        (
            "memory_send_1_client_cqrs_es_per_s",
            "bench-cqrs-es",
            "memory-send clients=1 stream=100 stagger=1",
        ),
        (
            "memory_send_8_clients_cqrs_es_per_s",
            "bench-cqrs-es",
            "memory-send clients=8 stream=100 stagger=1",
        ),
        (
            "postgres_send_1_client_per_s",
            "bench-asynx",
            "postgres-send clients=1 stream=10",
        ),
        (
            "postgres_send_8_clients_per_s",
            "bench-asynx",
            "postgres-send clients=8 stream=10",
        ),
        (
            "postgres_send_1_client_cqrs_es_per_s",
            "bench-cqrs-es",
            "postgres-send clients=1 stream=10",
        ),
        (
            "postgres_send_8_clients_cqrs_es_per_s",
            "bench-cqrs-es",
            "postgres-send clients=8 stream=10",
        ),
        (
            "postgres_send_1_client_eventcore_per_s",
            "bench-eventcore",
            "postgres-send clients=1 stream=10",
        ),
        (
            "postgres_send_8_clients_eventcore_per_s",
            "bench-eventcore",
            "postgres-send clients=8 stream=10",
        ),
        (
            "postgres_send_1_client_disintegrate_per_s",
            "bench-disintegrate",
            "postgres-send clients=1 stream=10",
        ),
        (
            "postgres_send_8_clients_disintegrate_per_s",
            "bench-disintegrate",
            "postgres-send clients=8 stream=10",
        ),
        (
            "postgres_send_1_client_evento_per_s",
            "bench-evento",
            "postgres-send clients=1 stream=10",
        ),
        (
            "postgres_send_8_clients_evento_per_s",
            "bench-evento",
            "postgres-send clients=8 stream=10",
        ),
        (
            "postgres_send_100_per_s",
            "bench-asynx",
            "postgres-send clients=64 stream=100",
        ),
        (
            "sqlite_send_1_client_per_s",
            "bench-asynx",
            "sqlite-send clients=1 stream=100",
        ),
        (
            "sqlite_send_8_clients_per_s",
            "bench-asynx",
            "sqlite-send clients=8 stream=100",
        ),
        (
            "tephra_send_1_client_per_s",
            "bench-tephra",
            "send clients=1 stream=100",
        ),
        (
            "tephra_send_8_clients_per_s",
            "bench-tephra",
            "send clients=8 stream=100",
        ),
    ] {
        add(key, "see its name", of(program, scenario, SEND));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_are_different() {
        let figures = all();
        let keys: BTreeSet<&str> = figures.iter().map(|figure| figure.key).collect();
        assert_eq!(keys.len(), figures.len());
    }

    #[test]
    fn figures_are_chosen_by_how_their_keys_begin() {
        let only = |key: &str| {
            wanted(&Options {
                only: vec![key.to_owned()],
                ..Options::default()
            })
        };
        assert!(
            only("sqlite_send_over")
                .unwrap()
                .iter()
                .all(|figure| figure.key.starts_with("sqlite_send_over_"))
        );
        assert!(only("nothing").unwrap_err().to_string().contains("diff_over_to_vec"));
    }

    #[test]
    fn a_quick_run_has_nothing_that_takes_minutes() {
        let quick = wanted(&Options {
            quick: true,
            ..Options::default()
        })
        .unwrap();
        assert!(quick.iter().all(|figure| !figure.full));
        assert!(quick.len() < all().len());
    }
}
