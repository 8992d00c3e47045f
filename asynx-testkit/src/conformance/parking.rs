//! P1-P3: parked events.

use asynx_core::store::{ParkedEvent, Parking};
use asynx_core::{EventName, Position, Timestamp, Version};

use super::Trial;
use super::check::Kept;
use super::checkpoints::reader;
use super::names::TRICKY;
use crate::{Random, samples};

/// Positions that the store's log gave, in their order; any where there is no log.
#[track_caller]
pub(super) fn positions(trial: &Trial, count: u64) -> impl Future<Output = Kept<Vec<Position>>> {
    trial.asks(async move {
        let mut positions = Vec::new();
        for n in 1..=count {
            let position = trial.append(&trial.stream("log"), samples::event(n)).await?;
            positions.push(position.unwrap_or(Position::new([0, 1, n])));
        }
        Ok(positions)
    })
}

/// An event that could be parked.
pub(super) fn event(trial: &Trial, position: Position, error: &str) -> ParkedEvent {
    ParkedEvent {
        position,
        stream: trial.stream("é 🦀"),
        version: Version::FIRST.plus(4),
        event_id: trial.id(),
        event_name: EventName::parse_stored("Parked").expect("a valid name"),
        error: error.to_owned(),
        attempts: 3,
        parked_at: Timestamp::from_micros(1_795_251_102_000_001),
    }
}

#[track_caller]
fn park(trial: &Trial, parking: &dyn Parking, reader: &str, event: &ParkedEvent) -> impl Future<Output = Kept> {
    trial.asks(async move { trial.ok("parking an event", parking.park(reader, event)).await })
}

#[track_caller]
fn unpark(trial: &Trial, parking: &dyn Parking, reader: &str, at: Position) -> impl Future<Output = Kept<bool>> {
    trial.asks(async move {
        let unparked = parking.unpark(reader, at);
        trial.ok("removing a parked event", unparked).await
    })
}

/// These and no others must be given.
#[track_caller]
pub(super) fn gives(
    trial: &Trial,
    parking: &dyn Parking,
    reader: &str,
    expected: &[ParkedEvent],
    when: &str,
) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let parked = parking.parked(reader, None, usize::MAX);
        let parked = trial.ok("asking for parked events", parked).await?;
        trial.equal(format!("the parked events {when}"), &*parked, expected)
    })
}

/// What was parked is given with all its parts; the same position again takes its place.
pub async fn p1_what_was_parked_is_given(trial: &Trial) -> Kept {
    let Some(parking) = trial.parking()? else {
        return Ok(());
    };
    let name = reader(trial, "a");
    let at = positions(trial, 2).await?;
    gives(trial, parking, &name, &[], "of an unknown reader").await?;
    let first = event(trial, at[0], "it's \"bad\": 🦀\n%_");
    let second = ParkedEvent {
        attempts: i32::MAX as u32,
        parked_at: Timestamp::UNIX_EPOCH,
        ..event(trial, at[1], &"x".repeat(4_000))
    };
    for event in [&second, &first] {
        park(trial, parking, &name, event).await?;
    }
    gives(
        trial,
        parking,
        &name,
        &[first.clone(), second.clone()],
        "that were parked",
    )
    .await?;
    let replacing = ParkedEvent {
        error: "still bad".to_owned(),
        attempts: 9,
        parked_at: Timestamp::from_micros(1_795_251_102_000_002),
        ..first
    };
    park(trial, parking, &name, &replacing).await?;
    gives(
        trial,
        parking,
        &name,
        &[replacing, second],
        "of which one was parked again",
    )
    .await
}

/// Parked events come in the order of their positions, after the one asked for, and no more than asked for; readers are
/// told apart byte by byte.
pub async fn p2_parked_events_come_in_order(trial: &Trial) -> Kept {
    let Some(parking) = trial.parking()? else {
        return Ok(());
    };
    let name = reader(trial, "pages");
    let at = positions(trial, 12).await?;
    let mut events: Vec<ParkedEvent> = at.iter().map(|at| event(trial, *at, "bad")).collect();
    Random::seeded(2).shuffle(&mut events);
    for event in &events {
        park(trial, parking, &name, event).await?;
    }
    events.sort_by_key(|event| event.position);
    for after in at.iter().copied().map(Some).chain([None]) {
        for limit in [0, 1, 2, 100, usize::MAX] {
            let parked = parking.parked(&name, after, limit);
            let parked = trial.ok("asking for parked events", parked).await?;
            let expected = events.iter().filter(|event| Some(event.position) > after).take(limit);
            let expected: Vec<ParkedEvent> = expected.cloned().collect();
            let what = format!("at most {limit} parked events after {after:?}");
            trial.equal(what, parked, expected)?;
        }
    }
    let mut owned = Vec::new();
    for ending in TRICKY {
        let own = event(trial, at[0], ending);
        park(trial, parking, &reader(trial, ending), &own).await?;
        owned.push(own);
    }
    for (own, ending) in owned.iter().zip(TRICKY) {
        let (name, own) = (reader(trial, ending), std::slice::from_ref(own));
        gives(trial, parking, &name, own, "beside other readers").await?;
    }
    Ok(())
}

/// An event that is removed goes alone, once; other readers keep theirs.
pub async fn p3_unpark_removes_that_event_alone(trial: &Trial) -> Kept {
    let Some(parking) = trial.parking()? else {
        return Ok(());
    };
    let names = ["a", "b", "c"].map(|ending| reader(trial, ending));
    let at = positions(trial, 4).await?;
    let events: Vec<ParkedEvent> = at[..3].iter().map(|at| event(trial, *at, "bad")).collect();
    for name in &names[..2] {
        for event in &events {
            park(trial, parking, name, event).await?;
        }
    }
    let gone = unpark(trial, parking, &names[0], at[1]).await?;
    trial.ensure(gone, "a parked event was not there when it was removed")?;
    for (name, at) in [(&names[0], at[1]), (&names[0], at[3]), (&names[2], at[1])] {
        let gone = unpark(trial, parking, name, at).await?;
        trial.ensure(!gone, format!("{at} was removed of {name}, where it is not"))?;
    }
    let left = [events[0].clone(), events[2].clone()];
    gives(trial, parking, &names[0], &left, "after one was removed").await?;
    gives(trial, parking, &names[1], &events, "after another reader's was removed").await
}

/// What was parked through one handle is given by the other, which may remove it.
pub async fn p1_what_was_parked_elsewhere_is_given(trial: &Trial) -> Kept {
    let Some(other) = trial.other()? else {
        return Ok(());
    };
    let (Some(here), Some(there)) = (trial.parking()?, other.parking()?) else {
        return Ok(());
    };
    let name = reader(trial, "a");
    let at = positions(trial, 1).await?[0];
    let parked = event(trial, at, "bad");
    park(trial, here, &name, &parked).await?;
    gives(&other, there, &name, &[parked], "elsewhere").await?;
    let gone = unpark(&other, there, &name, at).await?;
    trial.ensure(gone, "an event that was parked elsewhere could not be removed")?;
    gives(trial, here, &name, &[], "after they were removed elsewhere").await
}
