//! T1-T3: transactions in which readers move. What is written in them is a checkpoint and parked events.

use asynx_core::store::{Checkpoints, Parking};
use asynx_core::{Position, StoreError};
use futures::poll;

use super::check::Kept;
use super::checkpoints::{self, at, checkpoint, claim, reader};
use super::parking::{self, event, positions};
use super::{AnyTransaction, AnyTransactions, Trial};

type Open = Box<dyn AnyTransaction>;

/// What the checks need beside the transactions, of a store that has them.
#[derive(Clone, Copy)]
struct Store<'a> {
    transactions: &'a dyn AnyTransactions,
    checkpoints: &'a dyn Checkpoints,
    parking: &'a dyn Parking,
}

#[track_caller]
fn store(trial: &Trial) -> Kept<Option<Store<'_>>> {
    let (transactions, checkpoints, parking) = (trial.transactions(), trial.checkpoints(), trial.parking());
    let all = || {
        let Some(transactions) = transactions? else {
            return Ok(None);
        };
        Ok(checkpoints?.zip(parking?).map(|(checkpoints, parking)| Store {
            transactions,
            checkpoints,
            parking,
        }))
    };
    trial.asked(all())
}

#[track_caller]
fn begin(trial: &Trial, store: Store<'_>) -> impl Future<Output = Kept<Open>> {
    trial.ok("beginning a transaction", store.transactions.begin())
}

/// Moves the reader, and parks an event of the place where it is then.
#[track_caller]
fn write(
    trial: &Trial,
    open: &mut Open,
    name: &str,
    from: Option<Position>,
    to: Position,
) -> impl Future<Output = Kept> {
    trial.asks(async move {
        let moved = trial
            .ok("moving a reader", open.move_in(name, from, Some(to), 1))
            .await?;
        trial.ensure(moved, "a reader could not be moved by its owner")?;
        let parked = event(trial, to, "bad");
        trial.ok("parking an event", open.park_in(name, &parked)).await
    })
}

/// The last event that was parked; where nothing was written in part, the reader is at it.
#[track_caller]
fn last_parked(trial: &Trial, store: Store<'_>, name: &str) -> impl Future<Output = Kept<Option<Position>>> {
    trial.asks(async move {
        let parked = store.parking.parked(name, None, usize::MAX);
        let parked = trial.ok("asking for parked events", parked).await?;
        Ok(parked.last().map(|last| last.position))
    })
}

/// The reader and the last event that was parked are at one place.
#[track_caller]
fn is_whole(trial: &Trial, store: Store<'_>, name: &str) -> impl Future<Output = Kept<Option<Position>>> {
    trial.asks(async move {
        let kept = trial.ok("getting a checkpoint", store.checkpoints.get(name)).await?;
        let position = kept.and_then(|kept| kept.position);
        let last = last_parked(trial, store, name).await?;
        trial.equal("the last event that was parked with a move", last, position)?;
        Ok(position)
    })
}

/// What is committed is there: moves, parked events, and the removal of parked events.
pub async fn t1_a_commit_keeps_all(trial: &Trial) -> Kept {
    let Some(store) = store(trial)? else {
        return Ok(());
    };
    let name = reader(trial, "a");
    let places = positions(trial, 4).await?;
    claim(trial, store.checkpoints, &name).await?;
    let mut from = None;
    for to in &places[..3] {
        let mut open = begin(trial, store).await?;
        write(trial, &mut open, &name, from, *to).await?;
        trial.ok("committing", open.commit()).await?;
        from = Some(*to);
        let newest = Some(checkpoint(from, 1));
        checkpoints::gives(trial, store.checkpoints, &name, newest, "after a commit").await?;
    }
    for (place, was_parked) in [(places[0], true), (places[3], false)] {
        let mut open = begin(trial, store).await?;
        let unparked = open.unpark_in(&name, place);
        let unparked = trial.ok("removing a parked event", unparked).await?;
        trial.equal("whether an event was parked", unparked, was_parked)?;
        match unparked {
            true => trial.ok("committing", open.commit()).await?,
            false => drop(open),
        }
    }
    let left = store.parking.parked(&name, None, usize::MAX);
    let left = trial.ok("asking for parked events", left).await?;
    let left: Vec<Position> = left.into_iter().map(|parked| parked.position).collect();
    trial.equal("the events that are parked after commits", &*left, &places[1..3])
}

/// Of a dropped transaction nothing is kept, and it hinders nobody.
pub async fn t1_a_dropped_transaction_leaves_nothing(trial: &Trial) -> Kept {
    let Some(store) = store(trial)? else {
        return Ok(());
    };
    let name = reader(trial, "a");
    let places = positions(trial, 2).await?;
    claim(trial, store.checkpoints, &name).await?;
    let kept = event(trial, places[0], "bad");
    let park = store.parking.park(&name, &kept);
    trial.ok("parking an event", park).await?;
    for _ in 0..2 {
        let mut open = begin(trial, store).await?;
        write(trial, &mut open, &name, None, places[1]).await?;
        let unparked = open.unpark_in(&name, kept.position);
        trial.ok("removing a parked event", unparked).await?;
        drop(open);
    }
    trial.grace().await;
    let before = Some(checkpoint(None, 1));
    checkpoints::gives(trial, store.checkpoints, &name, before, "after a dropped transaction").await?;
    let parked = std::slice::from_ref(&kept);
    parking::gives(trial, store.parking, &name, parked, "after a dropped transaction").await?;
    checkpoints::put(trial, store.checkpoints, &name, Some(places[1]), 1).await
}

/// A reader is moved by its newest owner, from where it is, and else not; then nothing is changed.
pub async fn t2_moves_are_for_the_owner(trial: &Trial) -> Kept {
    let Some(store) = store(trial)? else {
        return Ok(());
    };
    let (name, unknown) = (reader(trial, "a"), reader(trial, "unknown"));
    claim(trial, store.checkpoints, &name).await?;
    claim(trial, store.checkpoints, &name).await?;
    checkpoints::put(trial, store.checkpoints, &name, at(5), 2).await?;
    let moves = [
        (&name, at(5), 1),
        (&name, at(5), 3),
        (&name, at(5), 0),
        (&name, at(5), u64::MAX),
        (&name, at(4), 2),
        (&name, at(6), 2),
        (&name, None, 2),
        (&unknown, None, 1),
    ];
    for (reader, from, fence) in moves {
        let mut open = begin(trial, store).await?;
        let moved = trial
            .ok("moving a reader", open.move_in(reader, from, at(9), fence))
            .await?;
        trial.ensure(!moved, format!("a reader at 5 of 2 was moved from {from:?} by {fence}"))?;
        // It may fail, since nothing else was asked for.
        let _: Result<(), StoreError> = open.commit().await;
        let expected = Some(checkpoint(at(5), 2));
        checkpoints::gives(trial, store.checkpoints, &name, expected, "after a refused move").await?;
    }
    for (from, to) in [(at(5), at(3)), (at(3), None), (None, at(7))] {
        let mut open = begin(trial, store).await?;
        let moved = trial.ok("moving a reader", open.move_in(&name, from, to, 2)).await?;
        trial.ensure(moved, format!("a reader could not be moved from {from:?} to {to:?}"))?;
        trial.ok("committing", open.commit()).await?;
        let expected = Some(checkpoint(to, 2));
        checkpoints::gives(trial, store.checkpoints, &name, expected, "after a move").await?;
    }
    Ok(())
}

/// Many who move a reader from the same position at once: one is committed.
pub async fn t2_one_of_many_moves_is_kept(trial: &Trial) -> Kept {
    one_of_many_moves_is_kept(std::slice::from_ref(trial)).await
}

/// The same through both handles.
pub async fn t2_of_two_handles_one_move_is_kept(trial: &Trial) -> Kept {
    match trial.other()? {
        Some(other) => one_of_many_moves_is_kept(&[trial.clone(), other]).await,
        None => Ok(()),
    }
}

#[track_caller]
fn one_of_many_moves_is_kept(trials: &[Trial]) -> impl Future<Output = Kept> {
    trials[0].asserts(async move {
        let trial = &trials[0];
        let Some(store) = store(trial)? else {
            return Ok(());
        };
        let places = positions(trial, 4).await?;
        for round in 0..4 {
            let name = reader(trial, &format!("{round}"));
            claim(trial, store.checkpoints, &name).await?;
            let racers = trials.iter().cycle().zip(&places).map(|(trial, to)| {
                let (trial, name, to) = (trial.clone(), name.clone(), *to);
                async move { Ok(moves(&trial, &name, to).await?.then_some(to)) }
            });
            let kept: Vec<Option<Position>> = trial.race(racers).await?.into_iter().collect::<Kept<_>>()?;
            let kept: Vec<Position> = kept.into_iter().flatten().collect();
            trial.equal("how many moves from one position were committed", kept.len(), 1)?;
            let found = last_parked(trial, store, &name).await?;
            let seen = format!("{kept:?} were committed, and {found:?} was parked last");
            trial.ensure(found.is_some_and(|found| kept.contains(&found)), seen)?;
        }
        Ok(())
    })
}

/// Whether a move from the beginning was committed, with an event parked beside it.
#[track_caller]
fn moves(trial: &Trial, name: &str, to: Position) -> impl Future<Output = Kept<bool>> {
    trial.asks(async move {
        let Some(store) = store(trial)? else {
            return Ok(false);
        };
        let mut open = begin(trial, store).await?;
        trial.step_back().await;
        let parked = event(trial, to, "bad");
        let moved = async {
            let moved = open.move_in(name, None, Some(to), 1).await?;
            open.park_in(name, &parked).await?;
            Ok::<bool, StoreError>(moved)
        };
        match moved.await {
            Ok(true) => Ok(open.commit().await.is_ok()),
            _ => Ok(false),
        }
    })
}

/// While a move is under way somebody claims the reader: where the move is committed the claim comes after it, and else
/// the claim is all that happened.
pub async fn t2_a_claim_does_not_come_between(trial: &Trial) -> Kept {
    let Some(store) = store(trial)? else {
        return Ok(());
    };
    let to = positions(trial, 1).await?[0];
    for round in 0..4_u64 {
        let name = reader(trial, &format!("{round}"));
        claim(trial, store.checkpoints, &name).await?;
        let mut open = begin(trial, store).await?;
        write(trial, &mut open, &name, None, to).await?;
        let claiming = trial.ok("claiming beside a move", store.checkpoints.claim(&name));
        let ending = async {
            // The claim has time to come between.
            if round % 2 == 0 {
                trial.grace().await;
            }
            open.commit().await
        };
        let (claimed, ended) = futures::join!(claiming, ending);
        let position = ended.is_ok().then_some(to);
        let expected = checkpoint(position, 2);
        let what = format!("a claim beside a move that ended with {ended:?}");
        trial.equal(what, claimed?, expected)?;
        let found = last_parked(trial, store, &name).await?;
        trial.equal("the last event that was parked beside a claim", found, position)?;
        checkpoints::gives(
            trial,
            store.checkpoints,
            &name,
            Some(expected),
            "after a claim beside a move",
        )
        .await?;
    }
    Ok(())
}

/// A commit that nobody waits for to its end happens wholly or not at all, and the checkpoint tells which.
pub async fn t3_a_dropped_commit_is_whole_or_nothing(trial: &Trial) -> Kept {
    const POLLS: usize = 6;
    let Some(store) = store(trial)? else {
        return Ok(());
    };
    let places = positions(trial, 2).await?;
    for polls in 0..POLLS {
        let name = reader(trial, &format!("{polls}"));
        claim(trial, store.checkpoints, &name).await?;
        let mut open = begin(trial, store).await?;
        write(trial, &mut open, &name, None, places[0]).await?;
        let mut commit = open.commit();
        for _ in 0..polls {
            if poll!(&mut commit).is_ready() {
                break;
            }
            trial.step_back().await;
        }
        drop(commit);
        // It may still be under way, but it ends.
        trial.grace().await;
        let from = is_whole(trial, store, &name).await?;
        let mut open = begin(trial, store).await?;
        write(trial, &mut open, &name, from, places[1]).await?;
        trial.ok("committing after a dropped commit", open.commit()).await?;
    }
    Ok(())
}
