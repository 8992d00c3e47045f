//! S11: names and bytes at their limits.

use asynx_core::{EventName, StreamId, Timestamp, Version};

use super::Trial;
use super::check::Kept;
use super::log::{at_least, of_stream};
use crate::samples;

/// Pairs that sloppy comparisons take for the same.
pub(super) const TRICKY: &[&str] = &[
    "a",
    "A",
    "a ",
    " a",
    "á",
    "a\u{301}",
    "ß",
    "ss",
    "ﬁ",
    "fi",
    "a/b",
    "a.b",
    "a-b",
    "a_b",
    "a%b",
    "a*b",
    "a>b",
    "a'b",
    "a''b",
    "a\\b",
    "a\"b",
    "a\nb",
    "a\r\nb",
    "a\tb",
    "a\u{1}b",
    "a\u{200b}b",
    "1",
    "01",
    "1.0",
    "null",
    "日本",
    "🦀",
];

/// Ids that differ in one byte, in case, in normal form, in blanks or in what a pattern would match are different
/// streams.
pub async fn s11_streams_are_told_apart(trial: &Trial) -> Kept {
    let mut streams: Vec<StreamId> = TRICKY.iter().map(|id| trial.stream(id)).collect();
    // The border between category and id must not move.
    let category = trial.category();
    for (more, id) in [("x", "y/z"), ("x/y", "z"), ("xy", "z"), ("x", "yz"), ("X", "yz")] {
        let category = format!("{category}{more}");
        streams.push(StreamId::parse(&category, id).expect("valid names"));
    }
    let mut expected = Vec::new();
    for (n, stream) in streams.iter().enumerate() {
        let events = trial.fill(stream, 1, 1 + n as u64 % 3).await?;
        expected.push(events);
    }
    for (stream, events) in streams.iter().zip(&expected) {
        trial.holds(stream, events).await?;
        let head = trial.head(stream, None).await?.version;
        trial.equal(
            format!("the head of {stream:?}"),
            head,
            events.last().map(|event| event.version),
        )?;
    }
    Ok(())
}

/// Ids, names, times and bytes at their limits come back as they were given, also by the log.
pub async fn s11_limits_come_back_as_given(trial: &Trial) -> Kept {
    let every: String = ('\u{1}'..='\u{7f}')
        .chain(['é', '\u{7ff}', '\u{800}', '\u{ffff}', '🦀'])
        .collect();
    let prefix = trial.category().as_str().len();
    let ids = ["i".repeat(255), format!("{}abc", "🦀".repeat(63)), every.clone()];
    let times = [0, i64::MAX, 1_795_251_102_000_001].map(Timestamp::from_micros);
    let mut streams: Vec<StreamId> = ids.iter().map(|id| trial.stream(id)).collect();
    let longest = format!("{}{}", trial.category(), "c".repeat(255 - prefix));
    streams.push(StreamId::parse(&longest, &ids[0]).expect("255 bytes"));
    for stream in &streams {
        let mut events = Vec::new();
        for (version, (name, at)) in (1..).zip(ids.iter().zip(times)) {
            let name = EventName::parse_stored(name).expect("a valid name");
            let text = format!("{every}\0{name}");
            let mut event = samples::made_of(version, trial.id(), name, &text);
            event.occurred_at = at;
            trial.append(stream, event.clone()).await?;
            events.push(event);
        }
        trial.holds(stream, &events).await?;
        let Some(log) = trial.log()? else { continue };
        let found = at_least(trial, log, of_stream(stream), events.len()).await?;
        trial.equal("the events of a stream in the log", found.len(), events.len())?;
        for (found, event) in found.into_iter().zip(events) {
            trial.equal("the stream in the log", &found.stream, stream)?;
            let (version, id) = (found.version, found.event_id);
            trial.equal(
                "version and id in the log",
                (version, id),
                (event.version, event.event_id),
            )?;
            let (name, at) = (found.event_name, found.occurred_at);
            trial.equal(
                "name and time in the log",
                (name, at),
                (event.event_name, event.occurred_at),
            )?;
            let same = found.record.as_ref() == Some(&event.record);
            trial.ensure(same, "an event is in the log with other bytes")?;
        }
    }
    trial.equal(
        "the count of a stream at the limits",
        trial.count(&streams[0]).await?,
        3,
    )?;
    let last = trial.store().read_from(&streams[0], Version::FIRST.plus(2));
    trial.equal("the last event of it", trial.ok("reading", last).await?.len(), 1)
}
