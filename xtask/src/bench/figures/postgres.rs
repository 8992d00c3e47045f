use super::Figure;
use super::sources::{POSTGRES_64, SEND, dear, of, ours};
use crate::bench::formula::{Formula, Source};

const BARE_32: &str = "postgres-statement lanes=2 batch=32";
const BARE_256: &str = "postgres-statement lanes=2 batch=256";
const LONELY: &str = "postgres-lonely";
/// For each of the others: its key for sending, its program.
const PEERS: [(&str, &str); 4] = [
    ("postgres_send_cqrs_es_per_s", "bench-cqrs-es"),
    ("postgres_send_eventcore_per_s", "bench-eventcore"),
    ("postgres_send_disintegrate_per_s", "bench-disintegrate"),
    ("postgres_send_evento_per_s", "bench-evento"),
];

/// On PostgreSQL.
pub(super) fn figures() -> Vec<Figure> {
    [sending(), statements(), reading()].into_iter().flatten().collect()
}

fn sending() -> Vec<Figure> {
    let send = ours(POSTGRES_64, SEND);
    let peers: Vec<Source> = PEERS
        .iter()
        .map(|(_, program)| of(program, POSTGRES_64, SEND))
        .collect();
    let mut figures =
        vec![Figure::median("postgres_send_per_s", "64 clients, streams up to 10 events", send).at_least(45_000.0)];
    figures.extend(
        PEERS
            .iter()
            .zip(&peers)
            .map(|((key, _), source)| Figure::median(key, "the same", *source)),
    );
    figures.extend([
        Figure::new(
            "postgres_send_over_best_peer",
            "ours over the best of them",
            Formula::OverBest(send, peers),
        )
        .at_least(10.0),
        Figure::ratio(
            "postgres_send_over_raw",
            "ours over the same statement in a bare loop, 2 x 32 events in flight",
            send,
            ours(BARE_32, "append_per_s"),
        )
        .at_least(0.8),
        Figure::median(
            "postgres_send_512_per_s",
            "512 clients, streams up to 10 events",
            ours("postgres-send clients=512 stream=10", SEND),
        )
        .at_least(65_000.0),
    ]);
    figures
}

fn statements() -> Vec<Figure> {
    let (append, unnest) = (ours(BARE_256, "append_per_s"), ours(BARE_256, "unnest_per_s"));
    let send = ours(LONELY, "send_us");
    vec![
        Figure::median(
            "postgres_raw_32_per_s",
            "the append statement in a bare loop, 2 x 32 events",
            ours(BARE_32, "append_per_s"),
        ),
        Figure::median("postgres_raw_256_per_s", "2 x 256 events", append),
        Figure::median(
            "postgres_unnest_256_per_s",
            "a bare insert in a loop, 2 x 256 rows",
            unnest,
        ),
        Figure::ratio(
            "postgres_statement_over_unnest",
            "the statement over the bare insert",
            append,
            unnest,
        )
        .at_least(0.6),
        Figure::median("postgres_one_client_us", "a lonely send, µs", send),
        Figure::ratio(
            "postgres_one_client_over_raw_insert",
            "its latency over that of one bare insert",
            send,
            ours(LONELY, "insert_us"),
        )
        .at_most(1.5),
    ]
}

fn reading() -> Vec<Figure> {
    let load = "load_events_per_s";
    let events = "events_per_s";
    let replay = "postgres-replay";
    let catch_up = "postgres-catchup";
    let projection = dear("bench-asynx", "postgres-projection", events);
    let evento = dear("bench-evento", "postgres-projection", events);
    vec![
        Figure::median(
            "postgres_replay_events_per_s",
            "a cold load of 10,000 events",
            ours(replay, load),
        )
        .at_least(600_000.0),
        Figure::median(
            "postgres_replay_cqrs_es_per_s",
            "cqrs-es, the same",
            of("bench-cqrs-es", replay, load),
        ),
        Figure::median(
            "postgres_replay_eventcore_per_s",
            "eventcore, the same",
            of("bench-eventcore", replay, load),
        ),
        Figure::median(
            "postgres_catchup_events_per_s",
            "a projection from the log's beginning to its end, events as stored",
            dear("bench-asynx", catch_up, events),
        )
        .at_least(700_000.0),
        Figure::median(
            "postgres_catchup_typed_events_per_s",
            "the same, with the states around each event",
            dear("bench-asynx", catch_up, "typed_events_per_s"),
        ),
        Figure::median(
            "postgres_catchup_cqrs_es_per_s",
            "cqrs-es' replay",
            dear("bench-cqrs-es", catch_up, events),
        ),
        Figure::median(
            "postgres_catchup_eventcore_per_s",
            "eventcore",
            dear("bench-eventcore", catch_up, events),
        ),
        Figure::median(
            "postgres_catchup_disintegrate_per_s",
            "disintegrate",
            dear("bench-disintegrate", catch_up, events),
        ),
        Figure::median(
            "postgres_catchup_evento_per_s",
            "evento",
            dear("bench-evento", catch_up, events),
        ),
        Figure::median(
            "projection_events_per_s",
            "a read model in SQL, in the checkpoint's transaction",
            projection,
        ),
        Figure::median(
            "projection_evento_per_s",
            "evento, whose log loses nothing either",
            evento,
        ),
        Figure::ratio("projection_over_evento", "ours over evento's", projection, evento).at_least(1.0),
    ]
}
