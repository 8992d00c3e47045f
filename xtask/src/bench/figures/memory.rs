use super::Figure;
use super::sources::{MEMORY_10, MEMORY_100, SEND, of, ours};

/// The memory store.
pub(super) fn figures() -> Vec<Figure> {
    let (ours_100, ours_10) = (ours(MEMORY_100, SEND), ours(MEMORY_10, SEND));
    let (theirs_100, theirs_10) = (
        of("bench-cqrs-es", MEMORY_100, SEND),
        of("bench-cqrs-es", MEMORY_10, SEND),
    );
    let hot = ours("hot", SEND);
    vec![
        Figure::median("memory_send_per_s", "64 clients, streams up to 100 events", ours_100).at_least(400_000.0),
        Figure::median("memory_send_cqrs_es_per_s", "cqrs-es, the same", theirs_100),
        Figure::median(
            "memory_send_eventcore_per_s",
            "eventcore, the same",
            of("bench-eventcore", MEMORY_100, SEND),
        ),
        Figure::ratio(
            "memory_send_over_cqrs_es",
            "ours over cqrs-es, which serialises nothing",
            ours_100,
            theirs_100,
        )
        .at_least(2.5),
        Figure::median("memory_send_10_per_s", "64 clients, streams up to 10 events", ours_10),
        Figure::median("memory_send_10_cqrs_es_per_s", "cqrs-es, the same", theirs_10),
        Figure::median(
            "memory_send_10_eventcore_per_s",
            "eventcore, the same",
            of("bench-eventcore", MEMORY_10, SEND),
        ),
        Figure::ratio("memory_send_10_over_cqrs_es", "ours over cqrs-es", ours_10, theirs_10).at_least(1.0),
        Figure::median(
            "hot_aggregate_send_per_s",
            "64 clients, all to one aggregate of 10,000 events",
            hot,
        ),
        Figure::ratio(
            "hot_aggregate_over_spread",
            "the same over 1,000 aggregates",
            hot,
            ours_100,
        )
        .at_least(0.5),
        Figure::median(
            "replay_events_per_s",
            "a cold load of 10,000 events",
            ours("replay", "load_events_per_s"),
        )
        .at_least(1e6),
        Figure::median(
            "history_events_per_s",
            "the same, with the states around each event",
            ours("replay", "history_events_per_s"),
        ),
    ]
}
