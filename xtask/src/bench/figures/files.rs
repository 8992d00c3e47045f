use super::Figure;
use super::sources::{SEND, of, ours};

/// What needs no server.
pub(super) fn figures() -> Vec<Figure> {
    let sqlite = ours("sqlite-send clients=64 stream=100 stagger=1", SEND);
    let tephra = of("bench-tephra", "send clients=64 stream=100 stagger=1", SEND);
    let raw = ours("sqlite-raw batch=256", "events_per_s");
    let raw_64 = ours("sqlite-raw batch=64", "events_per_s");
    vec![
        Figure::median("sqlite_send_per_s", "64 clients, streams up to 100 events", sqlite).at_least(40_000.0),
        Figure::median("tephra_send_per_s", "tephra, the same", tephra),
        Figure::median("sqlite_raw_per_s", "bare inserts, 256 in a transaction", raw),
        Figure::ratio("sqlite_send_over_raw", "ours over bare inserts", sqlite, raw).at_least(0.6),
        Figure::median(
            "sqlite_raw_64_per_s",
            "64 in a transaction, which is what 64 clients can have in flight",
            raw_64,
        ),
        Figure::ratio("sqlite_send_over_raw_64", "ours over that", sqlite, raw_64),
        Figure::ratio("sqlite_send_over_tephra", "ours over tephra", sqlite, tephra).at_least(1.1),
    ]
}
