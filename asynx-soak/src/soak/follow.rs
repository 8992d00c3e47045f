use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Result, bail};
use asynx_core::store::{LogEvent, LogFilter, LogPage, LogQuery};
use asynx_core::{Position, Record};
use asynx_testkit::Random;
use tokio::time::timeout;

use super::sabotage::Log;
use super::seen::Seen;

/// How often a reader looks though nothing woke it.
const POLL: Duration = Duration::from_secs(1);

/// Follows the log from its beginning, without interruption and without end.
pub(super) async fn follow(log: &Log, seen: &Seen, mut random: Random) -> Result<Infallible> {
    let mut next = None;
    loop {
        let page = page(log, next, &LogFilter::default(), &mut random).await?;
        let at_end = page.at_end;
        next = page.next;
        seen.follow(page);
        if at_end {
            let _ = timeout(POLL, log.changed(next)).await;
        }
    }
}

/// One page of a size that chance decides, as it has to be.
pub(super) async fn page(
    log: &Log,
    after: Option<Position>,
    filter: &LogFilter,
    random: &mut Random,
) -> Result<LogPage> {
    let query = LogQuery {
        after,
        filter: filter.clone(),
        max_events: match random.below(4) {
            0 => 1 + random.below(5),
            1 => 1 + random.below(100),
            _ => 500 + random.below(1_500),
        } as usize,
        max_bytes: match random.below(8) {
            0 => random.below(4_000) as usize,
            _ => usize::MAX,
        },
    };
    let mut page = log.read(&query).await?;
    let bytes: usize = page.events.iter().map(bytes).sum();
    if page.events.len() > query.max_events || (bytes > query.max_bytes && page.events.len() > 1) {
        bail!(
            "a page of {} events and {bytes} bytes was given for {query:?}",
            page.events.len()
        );
    }
    if page.next < after || (page.next == after && !page.at_end && !page.events.is_empty()) {
        bail!("a page after {after:?} went on from {:?}", page.next);
    }
    if let Some(event) = page.events.iter().find(|event| !is_whole(event)) {
        bail!("{} version {} came back changed", event.stream, event.version);
    }
    log.breaks(&mut page, after);
    Ok(page)
}

fn bytes(event: &LogEvent) -> usize {
    event.record.as_ref().map_or(0, |record| record.len())
}

/// Whether the record says what the row says.
fn is_whole(event: &LogEvent) -> bool {
    let record = event.record.as_ref().and_then(|record| Record::decode(record).ok());
    record.is_some_and(|record| record.event_id == event.event_id && record.version == event.version)
}
