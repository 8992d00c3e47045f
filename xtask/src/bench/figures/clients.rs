use super::Figure;
use super::sources::{SEND, of};

const MEMORY_1: &str = "memory-send clients=1 stream=100 stagger=1";
const MEMORY_8: &str = "memory-send clients=8 stream=100 stagger=1";
const POSTGRES_1: &str = "postgres-send clients=1 stream=10";
const POSTGRES_8: &str = "postgres-send clients=8 stream=10";

/// Fewer than 64 clients.
const FEW: [(&str, &str, &str); 19] = [
    ("memory_send_1_client_per_s", "bench-asynx", MEMORY_1),
    ("memory_send_1_client_cqrs_es_per_s", "bench-cqrs-es", MEMORY_1),
    ("memory_send_8_clients_per_s", "bench-asynx", MEMORY_8),
    ("memory_send_8_clients_cqrs_es_per_s", "bench-cqrs-es", MEMORY_8),
    ("postgres_send_1_client_per_s", "bench-asynx", POSTGRES_1),
    ("postgres_send_1_client_cqrs_es_per_s", "bench-cqrs-es", POSTGRES_1),
    ("postgres_send_1_client_eventcore_per_s", "bench-eventcore", POSTGRES_1),
    (
        "postgres_send_1_client_disintegrate_per_s",
        "bench-disintegrate",
        POSTGRES_1,
    ),
    ("postgres_send_1_client_evento_per_s", "bench-evento", POSTGRES_1),
    ("postgres_send_8_clients_per_s", "bench-asynx", POSTGRES_8),
    ("postgres_send_8_clients_cqrs_es_per_s", "bench-cqrs-es", POSTGRES_8),
    ("postgres_send_8_clients_eventcore_per_s", "bench-eventcore", POSTGRES_8),
    (
        "postgres_send_8_clients_disintegrate_per_s",
        "bench-disintegrate",
        POSTGRES_8,
    ),
    ("postgres_send_8_clients_evento_per_s", "bench-evento", POSTGRES_8),
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
];

/// What else a full run tells.
pub(super) fn figures() -> Vec<Figure> {
    let few = FEW.into_iter();
    few.map(|(key, program, scenario)| Figure::median(key, scenario, of(program, scenario, SEND)).only_in_full())
        .collect()
}
