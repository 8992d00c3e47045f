//! L2, L4, L5 with appends that are under way for as long as the check wants, where the fixture can stage them.

use asynx_core::Position;
use asynx_core::store::EventLog;

use super::check::Kept;
use super::log::{at_least, own};
use super::log_follow::Followed;
use super::{SlowTransactions, Trial};
use crate::samples;

#[track_caller]
fn staged(trial: &Trial) -> Kept<Option<(&dyn EventLog, &dyn SlowTransactions)>> {
    let log = trial.log();
    let slow = trial.slow_transactions();
    trial.asked(log.and_then(|log| Ok(log.zip(slow?))))
}

/// Reads to the present end a few times.
#[track_caller]
fn follow_a_while(trial: &Trial, log: &dyn EventLog, followed: &mut Followed) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        for _ in 0..3 {
            while !followed.go_on(trial, log, 2).await? {}
            trial.pause().await;
        }
        Ok(())
    })
}

/// Two appends are under way while others begin and end; a reader goes as far as it may; then the two are committed
/// in the other order. Nothing is skipped and nothing comes twice.
pub async fn l2_late_commits_are_not_skipped(trial: &Trial) -> Kept {
    let Some((log, slow)) = staged(trial)? else {
        return Ok(());
    };
    let mut followed = Followed::default();
    trial.append(&trial.stream("before"), samples::event(1)).await?;
    let first = slow.append(&samples::group(&trial.stream("first"), 1, 2)).await;
    trial.append(&trial.stream("between"), samples::event(1)).await?;
    follow_a_while(trial, log, &mut followed).await?;
    let second = slow.append(&samples::group(&trial.stream("second"), 1, 2)).await;
    trial.append(&trial.stream("after"), samples::event(1)).await?;
    trial.append(&trial.stream("before"), samples::event(2)).await?;
    follow_a_while(trial, log, &mut followed).await?;
    second.commit().await;
    follow_a_while(trial, log, &mut followed).await?;
    trial.append(&trial.stream("second"), samples::event(3)).await?;
    follow_a_while(trial, log, &mut followed).await?;
    first.commit().await;
    let all = at_least(trial, log, own(trial), 9).await?;
    followed
        .pass(trial, log, all.last().map(|event| event.position))
        .await?;
    trial.equal("the number of events in the log", all.len(), 9)?;
    followed.missed_nothing(trial, log, &all).await
}

/// What was answered before a slow append began is given while that is under way.
pub async fn l4_younger_writes_hold_nobody_back(trial: &Trial) -> Kept {
    let Some((log, slow)) = staged(trial)? else {
        return Ok(());
    };
    let position = trial.append(&trial.stream("a"), samples::event(1)).await?;
    let held = slow.append(&samples::group(&trial.stream("slow"), 1, 1)).await;
    Followed::default().pass(trial, log, position).await?;
    held.roll_back().await;
    Ok(())
}

/// However a slow append ends, what it held back is given soon after.
pub async fn l4_readers_wait_no_longer_than_the_blocker(trial: &Trial) -> Kept {
    let Some((log, slow)) = staged(trial)? else {
        return Ok(());
    };
    let mut stored = 0;
    for (round, end) in ["commit", "roll back", "drop"].into_iter().enumerate() {
        let held = slow.append(&samples::group(&trial.stream(end), 1, 1)).await;
        let position: Option<Position> = trial
            .append(&trial.stream("a"), samples::event(round as u64 + 1))
            .await?;
        stored += 1;
        match end {
            "commit" => {
                held.commit().await;
                stored += 1;
            }
            "roll back" => held.roll_back().await,
            _ => drop(held),
        }
        Followed::default().pass(trial, log, position).await?;
        at_least(trial, log, own(trial), stored).await?;
    }
    Ok(())
}

/// A slow append that fails is never given, and its version is free again.
pub async fn l5_rolled_back_appends_are_not_given(trial: &Trial) -> Kept {
    let Some((log, slow)) = staged(trial)? else {
        return Ok(());
    };
    let mut followed = Followed::default();
    let stream = trial.stream("a");
    for version in 1..=3 {
        let held = slow.append(&samples::group(&stream, version, 2)).await;
        trial.append(&trial.stream("b"), samples::event(version)).await?;
        follow_a_while(trial, log, &mut followed).await?;
        held.roll_back().await;
        trial.append(&stream, samples::event(version)).await?;
    }
    let all = at_least(trial, log, own(trial), 6).await?;
    followed
        .pass(trial, log, all.last().map(|event| event.position))
        .await?;
    trial.equal("the number of events beside rolled-back ones", all.len(), 6)?;
    followed.missed_nothing(trial, log, &all).await
}
