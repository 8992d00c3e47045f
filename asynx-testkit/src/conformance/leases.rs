//! G1-G5: leases by name.

use std::time::Duration;

use asynx_core::store::{HeldLease, Leases};

use super::Trial;
use super::check::Kept;
use super::names::TRICKY;

/// Outlives the check.
fn long(trial: &Trial) -> Duration {
    trial.parts.patience * 2
}

/// Long enough to do something meanwhile, short enough to be waited for.
fn short(trial: &Trial) -> Duration {
    trial.parts.patience / 60
}

/// The lease of this check with such an ending.
fn name(trial: &Trial, ending: &str) -> String {
    format!("{}-{ending}", trial.category())
}

#[track_caller]
fn acquire(
    trial: &Trial,
    leases: &dyn Leases,
    name: &str,
    holder: &str,
    time: Duration,
) -> impl Future<Output = Kept<Option<u64>>> {
    trial.asks(async move {
        let acquired = leases.acquire(name, holder, time, trial.parts.runtime.now());
        trial.ok("acquiring a lease", acquired).await
    })
}

/// Takes a lease that is free.
#[track_caller]
fn take(trial: &Trial, leases: &dyn Leases, name: &str, time: Duration) -> impl Future<Output = Kept<u64>> {
    trial.asks(async move {
        let token = acquire(trial, leases, name, "somebody", time).await?;
        token.ok_or_else(|| trial.broken("a lease that is free was refused"))
    })
}

/// Waits until a lease is free. The trial's patience bounds it.
#[track_caller]
fn take_freed(trial: &Trial, leases: &dyn Leases, name: &str, time: Duration) -> impl Future<Output = Kept<u64>> {
    trial.asks(async move {
        loop {
            if let Some(token) = acquire(trial, leases, name, "the next one", time).await? {
                return Ok(token);
            }
            trial.pause().await;
        }
    })
}

#[track_caller]
fn renew(
    trial: &Trial,
    leases: &dyn Leases,
    name: &str,
    token: u64,
    time: Duration,
) -> impl Future<Output = Kept<bool>> {
    trial.asks(async move {
        let renewed = leases.renew(name, token, time, trial.parts.runtime.now());
        trial.ok("renewing a lease", renewed).await
    })
}

#[track_caller]
fn release(trial: &Trial, leases: &dyn Leases, name: &str, token: u64) -> impl Future<Output = Kept<bool>> {
    trial.asks(async move { trial.ok("releasing a lease", leases.release(name, token)).await })
}

/// Nobody may have it now.
#[track_caller]
fn is_refused(trial: &Trial, leases: &dyn Leases, name: &str, when: &str) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let second = acquire(trial, leases, name, "another one", long(trial)).await?;
        trial.equal(format!("a second lease {when}"), second, None)
    })
}

/// A held lease is given to nobody, its holder included, however many ask; other names are free.
pub async fn g1_a_held_lease_is_refused(trial: &Trial) -> Kept {
    let Some(leases) = trial.leases()? else {
        return Ok(());
    };
    let (held, free) = (name(trial, "a"), name(trial, "b"));
    one_of_eight_is_given_it(std::slice::from_ref(trial), &held).await?;
    is_refused(trial, leases, &held, "while the first is held").await?;
    take(trial, leases, &free, long(trial)).await.map(drop)
}

/// Eight ask at once, spread over handles.
#[track_caller]
pub(super) fn one_of_eight_is_given_it(trials: &[Trial], name: &str) -> impl Future<Output = Kept> {
    trials[0].asserts(async move {
        let trial = &trials[0];
        let askers = (0..8).map(|asker| {
            let (trial, name) = (trials[asker % trials.len()].clone(), name.to_owned());
            async move {
                match trial.leases()? {
                    Some(leases) => acquire(&trial, leases, &name, "one of eight", long(&trial)).await,
                    None => Ok(None),
                }
            }
        });
        let given: Vec<_> = trial.race(askers).await?.into_iter().collect::<Kept<_>>()?;
        let given = given.into_iter().flatten().count();
        trial.equal("the leases given to eight who asked at once", given, 1)
    })
}

/// A lease is free once it was released, and once its time has passed, but not before.
pub async fn g2_a_lease_ends_with_its_time(trial: &Trial) -> Kept {
    let Some(leases) = trial.leases()? else {
        return Ok(());
    };
    let (released, passing) = (name(trial, "a"), name(trial, "b"));
    for _ in 0..2 {
        let token = take(trial, leases, &released, long(trial)).await?;
        let gone = release(trial, leases, &released, token).await?;
        trial.ensure(gone, "a held lease could not be released")?;
    }
    take(trial, leases, &passing, short(trial)).await?;
    let began = trial.parts.runtime.now();
    take_freed(trial, leases, &passing, long(trial)).await?;
    let passed = trial.parts.runtime.now().as_micros() - began.as_micros();
    // Clocks are read before and after the store's own.
    let time = i64::try_from(short(trial).as_micros()).unwrap_or(i64::MAX) / 2;
    trial.ensure(
        passed >= time,
        format!("a lease of {:?} was free after {passed} µs", short(trial)),
    )
}

/// Each lease has a new token, and with another one nothing can be done.
pub async fn g3_other_tokens_are_refused(trial: &Trial) -> Kept {
    let Some(leases) = trial.leases()? else {
        return Ok(());
    };
    let (name, unknown) = (name(trial, "a"), name(trial, "unknown"));
    let mut old = Vec::new();
    for round in 0..4 {
        let time = if round == 1 { short(trial) } else { long(trial) };
        let token = take_freed(trial, leases, &name, time).await?;
        trial.ensure(!old.contains(&token), format!("the token {token} was given twice"))?;
        for other in old.iter().copied().chain([0, token + 1, i64::MAX as u64, u64::MAX]) {
            let renewed = renew(trial, leases, &name, other, long(trial)).await?;
            trial.ensure(!renewed, format!("a lease was renewed with {other}, not {token}"))?;
            let released = release(trial, leases, &name, other).await?;
            trial.ensure(!released, format!("a lease was released with {other}, not {token}"))?;
        }
        if round != 1 {
            is_refused(trial, leases, &name, "after releases with other tokens").await?;
            let released = release(trial, leases, &name, token).await?;
            trial.ensure(released, "a lease could not be released with its token")?;
            let renewed = renew(trial, leases, &name, token, long(trial)).await?;
            trial.ensure(!renewed, "a released lease was renewed")?;
        }
        old.push(token);
    }
    let renewed = renew(trial, leases, &unknown, 1, long(trial)).await?;
    trial.ensure(!renewed, "a lease that never was was renewed")
}

/// A renewed lease is held for the new time; one whose time has passed cannot be renewed.
pub async fn g4_a_renewal_keeps_it(trial: &Trial) -> Kept {
    let Some(leases) = trial.leases()? else {
        return Ok(());
    };
    let (kept, shortened) = (name(trial, "a"), name(trial, "b"));
    // On a slow machine the time of a lease may be over when it is renewed.
    loop {
        let began = trial.parts.runtime.now();
        let token = take_freed(trial, leases, &kept, short(trial)).await?;
        let renewed = renew(trial, leases, &kept, token, long(trial)).await?;
        let took = trial.parts.runtime.now().as_micros() - began.as_micros();
        if renewed {
            break;
        }
        let in_time = took < i64::try_from(short(trial).as_micros()).unwrap_or(i64::MAX) / 2;
        trial.ensure(!in_time, "a held lease could not be renewed")?;
    }
    let token = take(trial, leases, &shortened, long(trial)).await?;
    let renewed = renew(trial, leases, &shortened, token, short(trial)).await?;
    trial.ensure(renewed, "a held lease could not be renewed for less")?;
    trial.parts.runtime.sleep(short(trial) * 2).await;
    is_refused(trial, leases, &kept, "after the first time of a renewed one").await?;
    let renewed = renew(trial, leases, &shortened, token, long(trial)).await?;
    trial.ensure(!renewed, "a lease was renewed whose time had passed")?;
    take(trial, leases, &shortened, long(trial)).await.map(drop)
}

/// Leases whose names differ in one byte, in case or in what a pattern would match are different ones, and are given by
/// their prefixes, in the order of their bytes.
pub async fn g5_held_goes_by_the_prefix(trial: &Trial) -> Kept {
    let Some(leases) = trial.leases()? else {
        return Ok(());
    };
    let mut expected = Vec::new();
    for (n, ending) in TRICKY.iter().enumerate() {
        let name = name(trial, ending);
        let holder = format!("holder {n} {ending}");
        let token = acquire(trial, leases, &name, &holder, long(trial)).await?;
        let token = token.ok_or_else(|| trial.broken(format!("{name:?} was refused beside others")))?;
        match n % 4 {
            3 => drop(release(trial, leases, &name, token).await?),
            2 => drop(renew(trial, leases, &name, token, Duration::from_micros(1)).await?),
            _ => expected.push(HeldLease { name, holder }),
        }
    }
    trial.pause().await;
    expected.sort_by(|a, b| a.name.cmp(&b.name));
    for ending in TRICKY.iter().copied().chain(["", "none has it"]) {
        let prefix = name(trial, ending);
        let held = leases.held(&prefix, trial.parts.runtime.now());
        let held = trial.ok("asking for held leases", held).await?;
        let expected = expected.iter().filter(|lease| lease.name.starts_with(&prefix));
        let expected: Vec<HeldLease> = expected.cloned().collect();
        trial.equal(format!("the leases held of {prefix:?}"), held, expected)?;
    }
    Ok(())
}

/// Of eight who ask through both handles one is given it; a lease that one handle took is known to the other, which may
/// release it.
pub async fn g1_a_lease_of_another_handle_is_refused(trial: &Trial) -> Kept {
    let Some(other) = trial.other()? else {
        return Ok(());
    };
    let (Some(here), Some(there)) = (trial.leases()?, other.leases()?) else {
        return Ok(());
    };
    let (raced, held) = (name(trial, "a"), name(trial, "b"));
    one_of_eight_is_given_it(&[trial.clone(), other.clone()], &raced).await?;
    let token = take(trial, here, &held, long(trial)).await?;
    is_refused(&other, there, &held, "while it is held elsewhere").await?;
    let known = there.held(&held, trial.parts.runtime.now());
    let known = trial.ok("asking for held leases", known).await?;
    trial.equal("the leases known to another handle", known.len(), 1)?;
    let released = release(&other, there, &held, token).await?;
    trial.ensure(released, "a lease could not be released elsewhere")?;
    take(trial, here, &held, long(trial)).await.map(drop)
}
