//! L1, L3, L5-L7: what the log gives.

use asynx_core::store::{AppendGroup, EventLog, LogEvent, LogFilter, LogPage, LogQuery};
use asynx_core::{EventName, Position, StreamId};

use super::Trial;
use super::check::Kept;
use crate::samples;

/// Wants this check's own streams.
pub(super) fn own(trial: &Trial) -> LogFilter {
    LogFilter {
        categories: vec![trial.category()],
        ..LogFilter::default()
    }
}

pub(super) fn of_stream(stream: &StreamId) -> LogFilter {
    LogFilter {
        streams: vec![stream.clone()],
        ..LogFilter::default()
    }
}

/// One page; its events must come after where it began, in ascending order.
#[track_caller]
pub(super) fn page(
    trial: &Trial,
    log: &dyn EventLog,
    after: Option<Position>,
    filter: LogFilter,
    max_events: usize,
) -> impl Future<Output = Kept<LogPage>> {
    trial.asks(async move {
        let query = LogQuery {
            after,
            filter,
            max_events,
            max_bytes: usize::MAX,
        };
        checked(trial, log, &query).await
    })
}

#[track_caller]
fn checked(trial: &Trial, log: &dyn EventLog, query: &LogQuery) -> impl Future<Output = Kept<LogPage>> {
    trial.asks(async move {
        let page = trial.ok("reading the log", log.read(query)).await?;
        let mut last = query.after;
        for event in &page.events {
            let seen = format!("position {} follows on {last:?}", event.position);
            trial.ensure(Some(event.position) > last, seen)?;
            last = Some(event.position);
        }
        let seen = format!("`next` is {:?} after events up to {last:?}", page.next);
        trial.ensure(page.next >= last, seen)?;
        let advances = page.at_end || page.next > query.after;
        trial.ensure(
            advances,
            format!("a page that is not the last stays at {:?}", page.next),
        )?;
        Ok(page)
    })
}

/// The wanted events after a position, by pages of so many, until the end.
#[track_caller]
pub(super) fn rest(
    trial: &Trial,
    log: &dyn EventLog,
    mut after: Option<Position>,
    filter: LogFilter,
    max_events: usize,
) -> impl Future<Output = Kept<Vec<LogEvent>>> {
    trial.asks(async move {
        let mut events = Vec::new();
        loop {
            let page = page(trial, log, after, filter.clone(), max_events).await?;
            events.extend(page.events);
            after = page.next;
            if page.at_end {
                return Ok(events);
            }
        }
    })
}

/// All wanted events from the beginning.
#[track_caller]
pub(super) fn everything(
    trial: &Trial,
    log: &dyn EventLog,
    filter: LogFilter,
) -> impl Future<Output = Kept<Vec<LogEvent>>> {
    trial.asks(async move { rest(trial, log, None, filter, 100).await })
}

/// All wanted events, as soon as there are so many. The trial's patience bounds the wait.
#[track_caller]
pub(super) fn at_least(
    trial: &Trial,
    log: &dyn EventLog,
    filter: LogFilter,
    count: usize,
) -> impl Future<Output = Kept<Vec<LogEvent>>> {
    trial.asks(async move {
        loop {
            let events = everything(trial, log, filter.clone()).await?;
            if events.len() >= count {
                return Ok(events);
            }
            trial.pause().await;
        }
    })
}

/// Writers on streams of their own and on a shared one, some of whose appends are refused. The number stored.
#[track_caller]
fn write_beside(trial: &Trial) -> impl Future<Output = Kept<usize>> {
    trial.asks(async move {
        let writers = (0..4_u64).map(|writer| {
            let trial = trial.clone();
            async move {
                let mut stored = 0;
                for round in 0..8 {
                    trial.step_back().await;
                    let own = trial.stream(format!("{writer}-{}", round / 4));
                    let shared = trial.stream("shared");
                    let groups = [
                        samples::group(&own, 1 + 2 * (round % 4), 2),
                        samples::group(&shared, 1 + round, 1),
                    ];
                    let outcomes = trial.batch(&groups).await?;
                    stored += outcomes.iter().map(|outcome| outcome.applied.len()).sum::<usize>();
                }
                Ok(stored)
            }
        });
        let stored: Vec<usize> = trial.race(writers).await?.into_iter().collect::<Kept<_>>()?;
        Ok(stored.iter().sum())
    })
}

/// Pages of every size, read again and again, give the same events in the same order.
pub async fn l1_the_order_is_total_and_stable(trial: &Trial) -> Kept {
    let Some(log) = trial.log()? else {
        return Ok(());
    };
    let stored = write_beside(trial).await?;
    let all = at_least(trial, log, own(trial), stored).await?;
    trial.equal("the number of events in the log", all.len(), stored)?;
    for size in [1, 2, 7, 1000] {
        let again = rest(trial, log, None, own(trial), size).await?;
        let same = again == all;
        trial.ensure(
            same,
            format!("pages of {size} give other events than pages of 100 gave"),
        )?;
    }
    let end = trial.ok("asking for the end", log.end()).await?;
    let last = all.last().map(|event| event.position);
    trial.ensure(end >= last, format!("the end is {end:?}, but {last:?} was given"))
}

/// Whoever appends beside whom: of each stream the log gives version after version.
pub async fn l3_streams_come_in_version_order(trial: &Trial) -> Kept {
    let Some(log) = trial.log()? else {
        return Ok(());
    };
    let stored = write_beside(trial).await?;
    let mut next = std::collections::BTreeMap::new();
    for event in at_least(trial, log, own(trial), stored).await? {
        let next = next.entry(event.stream).or_insert(1);
        trial.equal("the next version of a stream in the log", event.version.get(), *next)?;
        *next += 1;
    }
    Ok(())
}

/// Conflicts, duplicates and refused groups leave no trace, and readers pass where they would have been.
pub async fn l5_refused_appends_are_not_given(trial: &Trial) -> Kept {
    let Some(log) = trial.log()? else {
        return Ok(());
    };
    let stream = trial.stream("a");
    let mut expected = Vec::new();
    for round in 0..5 {
        let event = samples::event(1 + round);
        trial.append(&stream, event.clone()).await?;
        expected.push(event.event_id);
        for refused in [samples::event(1), samples::event(1 + round)] {
            let answer = trial.store().append(&stream, refused).await;
            trial.ensure(answer.is_err(), "an append at a taken version succeeded")?;
        }
        let outcome = trial.batch(&[samples::group(&stream, 1, 3)]).await?.remove(0);
        trial.ensure(outcome.stopped.is_some(), "a group at a taken version succeeded")?;
    }
    let given = at_least(trial, log, own(trial), expected.len()).await?;
    let given: Vec<_> = given.into_iter().map(|event| event.event_id).collect();
    trial.equal("the events given beside refused ones", given, expected)
}

/// Pages hold no more events and bytes than asked for, but one event at least, and go on to the end.
pub async fn l6_pages_obey_their_limits(trial: &Trial) -> Kept {
    let Some(log) = trial.log()? else {
        return Ok(());
    };
    let stream = trial.stream("a");
    let sizes = [10, 2000, 10, 10, 500, 3000, 10];
    let events: Vec<_> = (1..)
        .zip(sizes)
        .map(|(version, size)| samples::carrying(version, &"x".repeat(size)))
        .collect();
    for event in &events {
        trial.append(&stream, event.clone()).await?;
    }
    at_least(trial, log, own(trial), events.len()).await?;
    for (max_events, max_bytes) in [
        (1, usize::MAX),
        (3, usize::MAX),
        (100, 1),
        (100, 1000),
        (2, 2500),
        (100, 100_000),
    ] {
        let mut query = LogQuery {
            after: None,
            filter: own(trial),
            max_events,
            max_bytes,
        };
        let mut given = 0;
        loop {
            let page = checked(trial, log, &query).await?;
            let bytes: usize = page
                .events
                .iter()
                .filter_map(|event| event.record.as_ref())
                .map(|record| record.len())
                .sum();
            let found = format!(
                "{} events of {bytes} bytes, at most {max_events} and {max_bytes}",
                page.events.len()
            );
            trial.ensure(page.events.len() <= max_events, &found)?;
            trial.ensure(bytes <= max_bytes || page.events.len() == 1, &found)?;
            given += page.events.len();
            query.after = page.next;
            if page.at_end {
                break;
            }
        }
        trial.equal(
            format!("the events given by pages of {max_events} and {max_bytes} bytes"),
            given,
            events.len(),
        )?;
    }
    Ok(())
}

/// Filters give what they want and nothing else, and pass over what they do not want.
pub async fn l6_pages_obey_their_filters(trial: &Trial) -> Kept {
    let Some(log) = trial.log()? else {
        return Ok(());
    };
    let (a, b) = (trial.stream("a"), trial.stream("b"));
    let foreign = StreamId::parse(&format!("{}-other", trial.category()), "a").expect("valid names");
    for version in 1..=6 {
        for stream in [&a, &b, &foreign] {
            let name = if version % 2 == 0 { "Even" } else { "Odd" };
            trial.append(stream, samples::named(version, name)).await?;
        }
    }
    let even = EventName::parse("Even").expect("a valid name");
    let mine = |streams: Vec<StreamId>, event_names: Vec<EventName>| LogFilter {
        categories: vec![trial.category()],
        event_names,
        streams,
    };
    let both = LogFilter {
        categories: vec![trial.category(), foreign.category.clone()],
        ..LogFilter::default()
    };
    let none = EventName::parse("Never").expect("a valid name");
    let filters = [
        (own(trial), 12),
        (both, 18),
        (of_stream(&foreign), 6),
        (mine(vec![a.clone(), b.clone()], Vec::new()), 12),
        (mine(vec![a.clone()], vec![even.clone()]), 3),
        (mine(Vec::new(), vec![even]), 6),
        (mine(vec![foreign.clone()], Vec::new()), 0),
        (mine(Vec::new(), vec![none]), 0),
    ];
    for (filter, count) in filters {
        at_least(trial, log, filter.clone(), count).await?;
        for size in [100, 2] {
            let given = rest(trial, log, None, filter.clone(), size).await?;
            trial.equal(format!("the events of {filter:?} by {size}"), given.len(), count)?;
            let wanted = given.iter().all(|event| filter.wants(&event.stream, &event.event_name));
            trial.ensure(wanted, format!("an event was given that {filter:?} does not want"))?;
        }
    }
    Ok(())
}

/// Appends, reads, look-ups and the log agree about positions.
pub async fn l7_positions_are_those_that_appends_answered(trial: &Trial) -> Kept {
    let Some(log) = trial.log()? else {
        let position = trial.append(&trial.stream("a"), samples::event(1)).await?;
        return trial.equal("the position of an append without a log", position, None);
    };
    let (a, b) = (trial.stream("a"), trial.stream("b"));
    let mut answered = std::collections::BTreeMap::new();
    for version in 1..=3 {
        let event = samples::event(version);
        let position = trial.append(&a, event.clone()).await?;
        answered.insert(event.event_id, position);
        let groups = [samples::group(&b, 1 + 2 * (version - 1), 2), refused(&a)];
        let outcome = trial.batch(&groups).await?.remove(0);
        trial.equal("the positions of a group of two", outcome.applied.len(), 2)?;
        let ids = groups[0].events.iter().map(|event| event.event_id);
        answered.extend(ids.zip(outcome.applied));
    }
    for event in at_least(trial, log, own(trial), answered.len()).await? {
        let (id, position) = (event.event_id, Some(event.position));
        let of_append = answered.get(&id).copied().flatten();
        trial.equal("the position that an append answered", of_append, position)?;
        let found = trial.head(&event.stream, Some(id)).await?.found;
        let found = found.and_then(|found| found.position);
        trial.equal("the position of a look-up", found, position)?;
        let read = trial.store().read_range(&event.stream, event.version, 1);
        let read = trial.ok("reading a range", read).await?;
        trial.equal(
            "the position of a read",
            read.first().and_then(|event| event.position),
            position,
        )?;
    }
    Ok(())
}

fn refused(stream: &StreamId) -> AppendGroup {
    samples::group(stream, 1, 1)
}
