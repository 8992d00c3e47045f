use super::Figure;
use super::sources::{of, ours};

/// The differ, the allocator, a read, the bus.
pub(super) fn figures() -> Vec<Figure> {
    const PUBLISHED: &str = "publish_and_handle_ns";
    let allocations = |figure| of("bench-asynx-allocations", "memory-send clients=64", figure);
    vec![
        Figure::median(
            "diff_over_to_vec",
            "a small change's patch, over one serde_json::to_vec of the state",
            ours("diff", "diff_over_to_vec"),
        )
        .at_most(1.6),
        Figure::median("diff_ns", "a small change's patch, ns", ours("diff", "diff_ns")),
        Figure::median(
            "to_vec_ns",
            "serde_json::to_vec of the state, ns",
            ours("diff", "to_vec_ns"),
        ),
        Figure::median(
            "allocations_per_send",
            "memory store, 64 clients: all that the process allocates",
            allocations("allocations"),
        )
        .at_most(25.0),
        Figure::median(
            "allocations_of_the_command",
            "of these, what the command itself makes: its id, the new state",
            allocations("allocations_of_the_command"),
        ),
        Figure::median(
            "get_cached_ns",
            "a read by the sole writer, ns",
            ours("get-cached", "get_ns"),
        )
        .at_most(1_000.0),
        Figure::median(
            "publish_1_ns",
            "an event to the one subscription there is, handled, ns",
            ours("publish subscriptions=1", PUBLISHED),
        ),
        Figure::median(
            "publish_1_of_100_ns",
            "an event to one of 100 patterns, handled, ns",
            ours("publish subscriptions=100 matching=1", PUBLISHED),
        ),
        Figure::median(
            "publish_100_ns",
            "an event to 100 subscriptions, handled, ns",
            ours("publish subscriptions=100", PUBLISHED),
        ),
    ]
}
