use crate::conformance::Law;
use crate::conformance::law::laws;

laws! {
    B1: "a subscription is given every event whose whole name matches, from subscribe to unsubscribe or overflow, each once",
    B2: "per aggregate, events are given in the order of their publishing and one after the other; of different aggregates as many at a time as allowed",
    B3: "publish waits for no handler, and no subscription delays another",
    B4: "a handler's panic, failure or timeout is told to the hooks, then its fallback runs, and the next event is handled",
    B5: "a delivery ends when every handler of its event has ended, fallbacks included, or was unsubscribed",
    B6: "forget handlers run after all that was given of the aggregate and before what comes after it, and all have succeeded when forget is Ok",
    B7: "a handler runs inside the context of its event, with itself in the ancestry",
    B8: "idle ends when nothing given before is queued or running; close refuses what comes, tells what waits, drops what runs, ends streams",
    B9: "the tombstone reaches no handler and no stream of subscribe",
}
