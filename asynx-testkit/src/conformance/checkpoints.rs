//! C1-C6: checkpoints of readers.

use asynx_core::Position;
use asynx_core::store::{Checkpoint, Checkpoints};

use super::Trial;
use super::check::Kept;
use super::names::TRICKY;

pub(super) const fn at(number: u64) -> Option<Position> {
    Some(Position::new([0, 1, number]))
}

pub(super) const fn checkpoint(position: Option<Position>, fence: u64) -> Checkpoint {
    Checkpoint { position, fence }
}

/// The reader of this check with such an ending.
pub(super) fn reader(trial: &Trial, ending: &str) -> String {
    format!("{}-{ending}", trial.category())
}

#[track_caller]
pub(super) fn claim(
    trial: &Trial,
    checkpoints: &dyn Checkpoints,
    reader: &str,
) -> impl Future<Output = Kept<Checkpoint>> {
    trial.asks(async move { trial.ok("claiming a reader", checkpoints.claim(reader)).await })
}

#[track_caller]
pub(super) fn gives(
    trial: &Trial,
    checkpoints: &dyn Checkpoints,
    reader: &str,
    expected: Option<Checkpoint>,
    when: &str,
) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let found = trial.ok("getting a checkpoint", checkpoints.get(reader)).await?;
        trial.equal(format!("the checkpoint {when}"), found, expected)
    })
}

/// Puts with the newest fence, which must be kept.
#[track_caller]
pub(super) fn put(
    trial: &Trial,
    checkpoints: &dyn Checkpoints,
    reader: &str,
    position: Option<Position>,
    fence: u64,
) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let put = checkpoints.put(reader, position, fence);
        let kept = trial.ok("putting a checkpoint", put).await?;
        trial.ensure(kept, "a put with the newest fence was refused")?;
        let newest = Some(checkpoint(position, fence));
        gives(trial, checkpoints, reader, newest, "that was just put").await
    })
}

/// Neither a put nor a remove with this fence may change anything.
#[track_caller]
pub(super) fn is_refused(
    trial: &Trial,
    checkpoints: &dyn Checkpoints,
    reader: &str,
    fence: u64,
    why: &str,
) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let before = trial.ok("getting a checkpoint", checkpoints.get(reader)).await?;
        let put = checkpoints.put(reader, at(999), fence);
        let kept = trial.ok("putting a checkpoint", put).await?;
        trial.ensure(!kept, format!("a put with {why} was kept"))?;
        gives(trial, checkpoints, reader, before, &format!("after a put with {why}")).await?;
        let removed = trial.ok("removing a reader", checkpoints.remove(reader, fence)).await?;
        trial.ensure(!removed, format!("a remove with {why} succeeded"))?;
        gives(
            trial,
            checkpoints,
            reader,
            before,
            &format!("after a remove with {why}"),
        )
        .await
    })
}

/// What was put last is given with the newest fence, whatever position it is, at once and to everybody.
pub async fn c1_what_was_put_last_is_given(trial: &Trial) -> Kept {
    let Some(checkpoints) = trial.checkpoints()? else {
        return Ok(());
    };
    let name = reader(trial, "a");
    gives(trial, checkpoints, &name, None, "of a reader that was never claimed").await?;
    let claimed = claim(trial, checkpoints, &name).await?;
    trial.equal("the first claim", claimed, checkpoint(None, 1))?;
    let first = Some(checkpoint(None, 1));
    gives(trial, checkpoints, &name, first, "after the first claim").await?;
    let parts = [
        [0, 0, 0],
        [0, 0, 1],
        [1, 2, 3],
        [7, 0, 0],
        [i64::MAX as u64; 3],
        [u64::MAX; 3],
    ];
    for position in parts.map(Position::new) {
        put(trial, checkpoints, &name, Some(position), 1).await?;
    }
    let readers = (0..4).map(|_| {
        let (trial, name) = (trial.clone(), name.clone());
        async move {
            let Some(checkpoints) = trial.checkpoints()? else {
                return Ok(());
            };
            let newest = Some(checkpoint(Some(Position::new([u64::MAX; 3])), 1));
            gives(&trial, checkpoints, &name, newest, "that other tasks are given").await
        }
    });
    trial.race(readers).await?.into_iter().collect()
}

/// Claim after claim the fence rises by one, and the position stays.
pub async fn c2_each_claim_raises_the_fence(trial: &Trial) -> Kept {
    let Some(checkpoints) = trial.checkpoints()? else {
        return Ok(());
    };
    let name = reader(trial, "a");
    for fence in 1..=3 {
        let claimed = claim(trial, checkpoints, &name).await?;
        trial.equal("a claim before any put", claimed, checkpoint(None, fence))?;
    }
    put(trial, checkpoints, &name, at(7), 3).await?;
    for fence in 4..=6 {
        let claimed = claim(trial, checkpoints, &name).await?;
        let expected = checkpoint(at(7), fence);
        trial.equal("a claim after a put", claimed, expected)?;
        gives(trial, checkpoints, &name, Some(expected), "after a claim").await?;
    }
    put(trial, checkpoints, &name, at(8), 6).await
}

/// Of many claims at the same moment each has a fence of its own, one above the other, and the last one may write.
pub async fn c2_claims_at_once_have_fences_of_their_own(trial: &Trial) -> Kept {
    claims_have_fences_of_their_own(std::slice::from_ref(trial)).await
}

/// Eight claims at once, spread over handles.
#[track_caller]
pub(super) fn claims_have_fences_of_their_own(trials: &[Trial]) -> impl Future<Output = Kept> {
    trials[0].asserts(async move {
        let trial = &trials[0];
        let Some(checkpoints) = trial.checkpoints()? else {
            return Ok(());
        };
        for round in 0..4 {
            let name = reader(trial, &format!("{round}"));
            let claims = (0..8).map(|racer| {
                let (trial, name) = (trials[racer % trials.len()].clone(), name.clone());
                async move {
                    match trial.checkpoints()? {
                        Some(checkpoints) => claim(&trial, checkpoints, &name).await,
                        None => Ok(checkpoint(None, 0)),
                    }
                }
            });
            let claims: Vec<_> = trial.race(claims).await?.into_iter().collect::<Kept<_>>()?;
            let mut fences: Vec<u64> = claims.iter().map(|claimed| claimed.fence).collect();
            fences.sort_unstable();
            trial.equal("the fences of eight claims at once", fences, (1..=8).collect())?;
            is_refused(trial, checkpoints, &name, 7, "the fence of the last claim but one").await?;
            put(trial, checkpoints, &name, at(round), 8).await?;
        }
        Ok(())
    })
}

/// Puts and removes with another fence than the newest, or of an unknown reader, change nothing.
pub async fn c3_other_fences_are_refused(trial: &Trial) -> Kept {
    let Some(checkpoints) = trial.checkpoints()? else {
        return Ok(());
    };
    let (name, unknown) = (reader(trial, "a"), reader(trial, "unknown"));
    for fence in [0, 1, u64::MAX] {
        is_refused(trial, checkpoints, &unknown, fence, "a fence of an unknown reader").await?;
    }
    let first = claim(trial, checkpoints, &name).await?.fence;
    is_refused(trial, checkpoints, &name, first - 1, "a fence before the first").await?;
    put(trial, checkpoints, &name, at(1), first).await?;
    let second = claim(trial, checkpoints, &name).await?.fence;
    is_refused(trial, checkpoints, &name, first, "an old fence").await?;
    put(trial, checkpoints, &name, at(2), second).await?;
    is_refused(trial, checkpoints, &name, first, "an old fence").await?;
    for higher in [second + 1, i64::MAX as u64, u64::MAX] {
        is_refused(trial, checkpoints, &name, higher, "a fence that nobody was given").await?;
    }
    put(trial, checkpoints, &name, at(3), second).await
}

/// While an owner puts, another claims: what the claim answers is what stays, and each put says whether it was before.
pub async fn c3_a_put_is_before_the_claim_or_refused(trial: &Trial) -> Kept {
    let Some(checkpoints) = trial.checkpoints()? else {
        return Ok(());
    };
    let name = reader(trial, "a");
    let mut owned = claim(trial, checkpoints, &name).await?;
    for round in 0..20 {
        let putting = at(1 + round);
        let racers = (0..3).map(|racer| {
            let (trial, name, fence) = (trial.clone(), name.clone(), owned.fence);
            async move {
                let Some(checkpoints) = trial.checkpoints()? else {
                    return Ok((None, false));
                };
                match racer {
                    0 => Ok((Some(claim(&trial, checkpoints, &name).await?), false)),
                    _ => {
                        let put = checkpoints.put(&name, putting, fence);
                        Ok((None, trial.ok("putting a checkpoint", put).await?))
                    }
                }
            }
        });
        let answers: Vec<_> = trial.race(racers).await?.into_iter().collect::<Kept<_>>()?;
        let kept = answers.iter().any(|(_, kept)| *kept);
        let position = if kept { putting } else { owned.position };
        let claimed = answers.into_iter().find_map(|(claimed, _)| claimed).unwrap_or(owned);
        let what = format!("a claim beside two puts, one of which was kept: {kept}");
        trial.equal(what, claimed, checkpoint(position, owned.fence + 1))?;
        gives(
            trial,
            checkpoints,
            &name,
            Some(claimed),
            "after a claim beside two puts",
        )
        .await?;
        owned = claimed;
    }
    // What was refused must not be kept later either.
    trial.grace().await;
    gives(trial, checkpoints, &name, Some(owned), "a while after refused puts").await
}

/// The owner may put a lower position than before, the same again, and none.
pub async fn c4_positions_may_go_back(trial: &Trial) -> Kept {
    let Some(checkpoints) = trial.checkpoints()? else {
        return Ok(());
    };
    let name = reader(trial, "a");
    let fence = claim(trial, checkpoints, &name).await?.fence;
    let epochs = [[2, 0, 0], [1, 9, 9]].map(|parts| Some(Position::new(parts)));
    for position in [
        at(5),
        at(5),
        at(3),
        at(9),
        None,
        None,
        at(1),
        epochs[0],
        epochs[1],
        None,
    ] {
        put(trial, checkpoints, &name, position, fence).await?;
    }
    let claimed = claim(trial, checkpoints, &name).await?;
    trial.equal("a claim after `None` was put", claimed, checkpoint(None, fence + 1))
}

/// A removed reader is unknown, its last owner included, and the next claim goes on from its fence.
pub async fn c5_a_removed_reader_keeps_its_fence(trial: &Trial) -> Kept {
    let Some(checkpoints) = trial.checkpoints()? else {
        return Ok(());
    };
    let name = reader(trial, "a");
    let mut last = 0;
    for round in 1..=3 {
        let claimed = claim(trial, checkpoints, &name).await?;
        trial.equal("a claim of a removed reader", claimed, checkpoint(None, last + 1))?;
        let newest = claim(trial, checkpoints, &name).await?.fence;
        put(trial, checkpoints, &name, at(round), newest).await?;
        let removed = trial.ok("removing a reader", checkpoints.remove(&name, newest)).await?;
        trial.ensure(removed, "a remove with the newest fence was refused")?;
        gives(trial, checkpoints, &name, None, "after a remove").await?;
        for fence in [newest, newest - 1, newest + 1, 0] {
            is_refused(trial, checkpoints, &name, fence, "any fence after a remove").await?;
        }
        last = newest;
    }
    let claimed = claim(trial, checkpoints, &name).await?;
    is_refused(trial, checkpoints, &name, last, "a fence from before a remove").await?;
    gives(trial, checkpoints, &name, Some(claimed), "claimed after a remove").await
}

/// Readers whose names differ in one byte, in case, in blanks or in what a pattern would match are different ones, and
/// neither claims nor puts nor removes of one change another.
pub async fn c6_readers_are_told_apart(trial: &Trial) -> Kept {
    let Some(checkpoints) = trial.checkpoints()? else {
        return Ok(());
    };
    let prefix = reader(trial, "").len();
    let long = |last: &str| "x".repeat(255 - prefix - last.len()) + last;
    let endings = TRICKY.iter().map(|ending| (*ending).to_owned());
    let endings = endings.chain([String::new(), long("a"), long("b"), long("🦀")]);
    let mut names: Vec<String> = endings.map(|ending| reader(trial, &ending)).collect();
    // Shorter than any prefix would be.
    let short = format!("{:x}", trial.id().as_uuid().as_u128());
    names.extend([short.clone(), format!("{short} ")]);
    let mut owned = Vec::new();
    for (n, name) in (1..).zip(&names) {
        for _ in 0..n % 3 {
            claim(trial, checkpoints, name).await?;
        }
        let fence = claim(trial, checkpoints, name).await?.fence;
        trial.equal(format!("the fence of {name:?}"), fence, n % 3 + 1)?;
        put(trial, checkpoints, name, at(n), fence).await?;
        owned.push(checkpoint(at(n), fence));
    }
    for (name, owned) in names.iter().zip(&owned) {
        gives(trial, checkpoints, name, Some(*owned), "beside other readers").await?;
    }
    for (name, owned) in names.iter().zip(&owned).step_by(2) {
        let removed = checkpoints.remove(name, owned.fence);
        let removed = trial.ok("removing a reader", removed).await?;
        trial.ensure(removed, format!("{name:?} could not be removed"))?;
    }
    for (n, (name, owned)) in names.iter().zip(owned).enumerate() {
        let left = (n % 2 == 1).then_some(owned);
        gives(trial, checkpoints, name, left, "after every other reader was removed").await?;
    }
    Ok(())
}
