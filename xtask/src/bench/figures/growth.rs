use super::Figure;
use super::sources::{POSTGRES_64, SEND, dear, ours};

/// Whether cost stays flat as there is more of everything.
pub(super) fn figures() -> Vec<Figure> {
    vec![
        Figure::median(
            "memory_send_1k_aggregates_per_s",
            "64 clients, 1,000 aggregates",
            ours("memory-send clients=64 aggregates=1000 placed=1", SEND),
        ),
        Figure::median(
            "memory_send_100k_aggregates_per_s",
            "64 clients, 100,000 aggregates, more than the cache holds",
            ours("memory-send clients=64 aggregates=100000 placed=1", SEND),
        ),
        Figure::median(
            "memory_send_1m_aggregates_per_s",
            "64 clients, 1,000,000 aggregates",
            dear(
                "bench-asynx",
                "memory-send clients=64 aggregates=1000000 placed=1",
                SEND,
            ),
        )
        .only_in_full(),
        Figure::median(
            "postgres_send_0_existing_per_s",
            "64 clients, empty tables",
            ours(POSTGRES_64, SEND),
        ),
        Figure::median(
            "postgres_send_1m_existing_per_s",
            "64 clients, 1 M events in the tables",
            dear(
                "bench-asynx",
                "postgres-send clients=64 stream=10 existing=1000000",
                SEND,
            ),
        ),
        Figure::median(
            "postgres_send_10m_existing_per_s",
            "64 clients, 10 M events in the tables",
            dear(
                "bench-asynx",
                "postgres-send clients=64 stream=10 existing=10000000",
                SEND,
            ),
        )
        .only_in_full(),
    ]
}
