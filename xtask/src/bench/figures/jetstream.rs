use super::Figure;
use super::sources::{SEND, ours};

const SEND_1: &str = "jetstream-send servers=1 clients=64 stream=10";
const RAW_1: &str = "jetstream-raw servers=1 clients=64 stream=10";
const SEND_3: &str = "jetstream-send servers=3 clients=64 stream=10";
const RAW_3: &str = "jetstream-raw servers=3 clients=64 stream=10";
/// What a bare loop reports.
const PUBLISH: &str = "publish_per_s";

/// On NATS JetStream.
pub(super) fn figures() -> Vec<Figure> {
    let (send, raw) = (ours(SEND_1, SEND), ours(RAW_1, PUBLISH));
    let (send_3, raw_3) = (ours(SEND_3, SEND), ours(RAW_3, PUBLISH));
    vec![
        Figure::median(
            "jetstream_send_per_s",
            "64 clients, streams up to 10 events, one server",
            send,
        ),
        Figure::median(
            "jetstream_raw_per_s",
            "the same messages in a bare loop, 64 in flight",
            raw,
        ),
        Figure::ratio("jetstream_send_over_raw", "ours over the bare loop", send, raw).at_least(0.6),
        Figure::median(
            "jetstream_send_per_s_3",
            "three servers that all keep every event",
            send_3,
        ),
        Figure::median("jetstream_raw_per_s_3", "the same messages in a bare loop", raw_3),
        Figure::ratio("jetstream_send_over_raw_3", "ours over the bare loop", send_3, raw_3).at_least(0.6),
    ]
}
