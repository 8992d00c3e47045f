//! Laws that hold across handles: what one process was answered is so for every other.

use asynx_core::store::{Snapshot, SnapshotStore};
use asynx_core::{SchemaVersion, Version};
use bytes::Bytes;

use super::Trial;
use super::append::{is_visible, one_append_wins, taken_versions_conflict};
use super::check::Kept;
use super::checkpoints::{self, checkpoint, claims_have_fences_of_their_own};
use super::erase::{self, POLICIES, SECRET, everything_through, snapshots_are_gone, two_lives};
use super::ids::{one_equal_id_wins, taken_ids_are_refused};
use super::log::{at_least, own};
use super::log_follow::follow_writers;
use super::writer::{acquire, acquire_freed};
use crate::samples;

/// Both handles, where the fixture can open a second one.
#[track_caller]
fn both(trial: &Trial) -> Kept<Option<[Trial; 2]>> {
    let other = trial.other();
    other.map(|other| other.map(|other| [trial.clone(), other]))
}

/// Version after version, appends race through both handles: one succeeds, and both read that one.
pub async fn s1_of_two_handles_one_append_wins(trial: &Trial) -> Kept {
    let Some(both) = both(trial)? else {
        return Ok(());
    };
    let stream = trial.stream("a");
    for version in 1..=24 {
        one_append_wins(&both, &stream, version).await?;
    }
    Ok(())
}

/// A version that was taken through one handle conflicts through the other, which has read the stream before.
pub async fn s1_versions_taken_elsewhere_conflict(trial: &Trial) -> Kept {
    let Some([one, other]) = both(trial)? else {
        return Ok(());
    };
    other.holds(&trial.stream("a"), &[]).await?;
    taken_versions_conflict(&other, &one).await
}

/// Handles append by turns; as soon as one is answered, every read of the other knows of it, and its log soon does.
pub async fn s2_an_answer_is_visible_elsewhere(trial: &Trial) -> Kept {
    let Some(both) = both(trial)? else {
        return Ok(());
    };
    let stream = trial.stream("a");
    let mut stored = 0;
    for round in 0..8 {
        let [writer, reader] = [&both[round % 2], &both[(round + 1) % 2]];
        let events = 1 + round as u64 % 3;
        let group = samples::group(&stream, stored + 1, events);
        stored += events;
        match events {
            1 => drop(writer.append(&stream, group.events[0].clone()).await?),
            _ => {
                let outcome = writer.batch(&[group]).await?.remove(0);
                let whole = outcome.stopped.is_none();
                trial.ensure(whole, format!("a group at the head ended with {outcome:?}"))?;
            }
        }
        is_visible(reader, &stream, stored).await?;
        if let Some(log) = reader.log()? {
            let given = at_least(reader, log, own(trial), stored as usize).await?;
            trial.equal(
                "the events of the log after an append elsewhere",
                given.len() as u64,
                stored,
            )?;
        }
    }
    Ok(())
}

/// An id that was taken through one handle is a duplicate through the other.
pub async fn s5_ids_taken_elsewhere_are_refused(trial: &Trial) -> Kept {
    let Some([one, other]) = both(trial)? else {
        return Ok(());
    };
    other.holds(&trial.stream("a"), &[]).await?;
    taken_ids_are_refused(&other, &one).await
}

/// The same event sent many times at the same moment through both handles is stored once.
pub async fn s5_of_two_handles_one_equal_id_wins(trial: &Trial) -> Kept {
    match both(trial)? {
        Some(both) => one_equal_id_wins(&both).await,
        None => Ok(()),
    }
}

/// A stream that was deleted through one handle is unknown to the other, and may begin anew there.
pub async fn s12_a_stream_deleted_elsewhere_is_unknown(trial: &Trial) -> Kept {
    let Some([one, other]) = both(trial)? else {
        return Ok(());
    };
    let stream = trial.stream("a");
    let events = one.fill(&stream, 1, 3).await?;
    other.holds(&stream, &events).await?;
    one.ok("deleting", one.store().delete(&stream)).await?;
    other.holds(&stream, &[]).await?;
    let head = other.head(&stream, Some(events[0].event_id)).await?;
    trial.equal("the head after a delete elsewhere", head, Default::default())?;
    let anew = other.fill(&stream, 1, 2).await?;
    one.holds(&stream, &anew).await
}

#[track_caller]
fn put(trial: &Trial, snapshots: &dyn SnapshotStore, version: u64) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let snapshot = Snapshot {
            version: erase::version(version),
            schema_version: SchemaVersion::FIRST,
            document: Bytes::from(format!("{version}")),
        };
        let stream = trial.stream("a");
        let put = snapshots.put(&stream, snapshot);
        trial.ok("putting a snapshot", put).await
    })
}

/// Snapshots put through one handle are given by the other; what was deleted through one, neither takes again.
pub async fn n3_snapshots_deleted_elsewhere_stay_away(trial: &Trial) -> Kept {
    let Some([one, other]) = both(trial)? else {
        return Ok(());
    };
    let (Some(here), Some(there)) = (one.snapshots()?, other.snapshots()?) else {
        return Ok(());
    };
    let stream = trial.stream("a");
    one.fill(&stream, 1, 9).await?;
    let mut told = Vec::new();
    put(&one, here, 3).await?;
    told.push((newest(&other, there).await?, Version::new(3)));
    put(&other, there, 2).await?;
    told.push((newest(&one, here).await?, Version::new(3)));
    let through = here.delete_through(&stream, erase::version(5));
    trial.ok("deleting snapshots", through).await?;
    told.push((newest(&other, there).await?, None));
    put(&other, there, 5).await?;
    for (trial, snapshots) in [(&one, here), (&other, there)] {
        told.push((newest(trial, snapshots).await?, None));
    }
    put(&other, there, 6).await?;
    told.push((newest(&one, here).await?, Version::new(6)));
    let (found, expected): (Vec<_>, Vec<_>) = told.into_iter().unzip();
    trial.equal("the snapshots given by two handles by turns", found, expected)
}

#[track_caller]
fn newest(trial: &Trial, snapshots: &dyn SnapshotStore) -> impl Future<Output = Kept<Option<Version>>> {
    trial.asks(async move {
        let stream = trial.stream("a");
        let get = snapshots.get(&stream, SchemaVersion::FIRST);
        let found = trial.ok("getting a snapshot", get).await?;
        Ok(found.map(|snapshot| snapshot.version))
    })
}

/// A tombstone through one handle is known to the other, which erases; then the first one finds the secret nowhere,
/// takes no late snapshot, and goes on with the next life.
pub async fn e3_what_is_erased_elsewhere_is_gone(trial: &Trial) -> Kept {
    let Some([one, other]) = both(trial)? else {
        return Ok(());
    };
    let (Some(_), Some(erase)) = (one.erase()?, other.erase()?) else {
        return Ok(());
    };
    for policy in POLICIES {
        let stream = trial.stream(format!("{policy:?}"));
        let events = two_lives(&one, &stream).await?;
        if let Some(snapshots) = one.snapshots()? {
            let put = snapshots.put(&stream, erase::snapshot(2, SECRET));
            trial.ok("putting a snapshot", put).await?;
        }
        one.holds(&stream, &events).await?;
        let head = other.head(&stream, None).await?;
        let found = (head.floor, head.erasing, head.living());
        let expected = (Version::new(3), true, Version::new(5));
        trial.equal("floor, erasure and life after a tombstone elsewhere", found, expected)?;
        let pending = erase::pending(&other, erase).await?;
        trial.equal("the pending erasures after a tombstone elsewhere", pending.len(), 1)?;
        erase::erase_through(&other, erase, &stream, 3, policy).await?;
        one.holds(&stream, &events[3..]).await?;
        for event in &events[..3] {
            let found = one.head(&stream, Some(event.event_id)).await?.found;
            let gone = found.and_then(|found| found.record).is_none();
            let seen = format!(
                "version {} is found with its record after an erasure elsewhere",
                event.version
            );
            trial.ensure(gone, seen)?;
        }
        if let Some(log) = one.log()? {
            let given = everything_through(&one, log, &stream, 5).await?;
            let gone = given
                .iter()
                .all(|event| event.record.is_none() || event.version > erase::version(3));
            trial.ensure(gone, "the log gives a record that was erased elsewhere")?;
        }
        snapshots_are_gone(&one, &stream).await?;
        let head = one.head(&stream, None).await?;
        let found = (head.version, head.floor, head.erasing);
        let expected = (Version::new(5), Version::new(3), false);
        trial.equal("the head after an erasure elsewhere", found, expected)?;
        one.append(&stream, samples::event(6)).await?;
    }
    Ok(())
}

/// Readers and writers on both handles: each reader is given all events of both exactly once.
pub async fn l2_followers_on_two_handles_miss_nothing(trial: &Trial) -> Kept {
    match both(trial)? {
        Some(both) if trial.log()?.is_some() => follow_writers(&both, None).await,
        _ => Ok(()),
    }
}

/// A lease that is held through one handle is refused to the other, which has it as soon as it is free.
pub async fn w1_a_lease_held_elsewhere_is_refused(trial: &Trial) -> Kept {
    let Some([one, other]) = both(trial)? else {
        return Ok(());
    };
    let (Some(here), Some(there)) = (one.sole_writer()?, other.sole_writer()?) else {
        return Ok(());
    };
    let category = trial.category();
    let first = acquire_freed(&one, here, &category).await?;
    for _ in 0..3 {
        let second = acquire(&other, there, &category).await?;
        trial.ensure(
            second.is_none(),
            "a second lease was given elsewhere while the first was held",
        )?;
        trial.grace().await;
    }
    trial.ensure(first.is_held(), "a lease was lost although nobody took it")?;
    drop(first);
    let second = acquire_freed(&other, there, &category).await?;
    let third = acquire(&one, here, &category).await?;
    trial.ensure(third.is_none(), "a lease was given twice after it was freed elsewhere")?;
    trial.ensure(second.is_held(), "a lease was lost although nobody took it")
}

/// Of many claims at once through both handles each has a fence of its own.
pub async fn c2_claims_on_two_handles_have_fences_of_their_own(trial: &Trial) -> Kept {
    match both(trial)? {
        Some(both) => claims_have_fences_of_their_own(&both).await,
        None => Ok(()),
    }
}

/// A reader that was claimed through one handle is lost to the other, which sees how far it has come.
pub async fn c3_a_reader_claimed_elsewhere_is_lost(trial: &Trial) -> Kept {
    let Some([one, other]) = both(trial)? else {
        return Ok(());
    };
    let (Some(here), Some(there)) = (one.checkpoints()?, other.checkpoints()?) else {
        return Ok(());
    };
    let name = checkpoints::reader(trial, "a");
    let mut fence = checkpoints::claim(&one, here, &name).await?.fence;
    for round in 0..4 {
        let at = checkpoints::at(1 + round);
        checkpoints::put(&one, here, &name, at, fence).await?;
        let taken = checkpoints::claim(&other, there, &name).await?;
        let expected = checkpoint(at, fence + 1);
        trial.equal("a claim of a reader claimed elsewhere", taken, expected)?;
        checkpoints::is_refused(&one, here, &name, fence, "a fence from before a claim elsewhere").await?;
        checkpoints::gives(&one, here, &name, Some(expected), "after a claim elsewhere").await?;
        checkpoints::put(&other, there, &name, at, expected.fence).await?;
        fence = checkpoints::claim(&one, here, &name).await?.fence;
    }
    let removed = trial.ok("removing a reader", here.remove(&name, fence)).await?;
    trial.ensure(removed, "a remove with the newest fence was refused")?;
    checkpoints::gives(&other, there, &name, None, "after a remove elsewhere").await
}
