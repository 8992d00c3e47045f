//! What a forget leaves, and when its handlers run.

use asynx_core::store::SnapshotStore;
use asynx_core::{SchemaVersion, Store, StreamId, Version};
use futures::FutureExt;

use super::Violation;
use super::truth::{Moment, Truth};
use crate::history::{Answer, Recorded, Request, Tick};
use crate::run::Run;

/// Nothing of a life that was forgotten can be read at the end.
pub(crate) fn nothing_is_left(run: &Run, recorded: &Recorded, truth: &Truth, wrong: &mut Vec<Violation>) {
    for (ledger, stream) in truth.streams() {
        let forgets = recorded.calls.iter().filter(|call| {
            matches!((&call.request, &call.answer), (Request::Forget(forgotten), Answer::Forgot) if forgotten == ledger)
        });
        let through = forgets.map(|call| {
            let through = forgotten_through(stream.between(call.called, call.ended.unwrap_or(Tick::MAX)));
            if through.is_none() {
                let what = "no tombstone was there".to_owned();
                let at = call.ended.unwrap_or(Tick::MAX);
                wrong.push(Violation::new("a forget writes a tombstone", ledger, at, what));
            }
            through.unwrap_or(0)
        });
        let through = through.max().unwrap_or(0);
        let left = readable(run, ledger, through);
        if !left.is_empty() {
            let what = format!("forgotten through version {through}, but there are {}", left.join(", "));
            wrong.push(Violation::new(
                "what is forgotten cannot be read",
                ledger,
                Tick::MAX,
                what,
            ));
        }
    }
}

/// Through which version a forget that was answered `Ok` must have erased: the life that it found, or what an earlier
/// forget had left behind.
fn forgotten_through(moments: &[Moment]) -> Option<u64> {
    let first = moments.first()?;
    let next = moments
        .iter()
        .map(|moment| moment.floor)
        .find(|floor| *floor > first.floor);
    match first.state {
        Some(_) => next,
        None => Some(first.floor).filter(|floor| *floor > 0).or(next),
    }
}

/// What can be read of a ledger at or below a version.
fn readable(run: &Run, ledger: &str, through: u64) -> Vec<String> {
    let Ok(stream) = StreamId::parse("ledger", ledger) else {
        return Vec::new();
    };
    let mut left = Vec::new();
    let events = run.store.read_from(&stream, Version::FIRST).now_or_never();
    for event in events.and_then(Result::ok).unwrap_or_default() {
        if event.version.get() <= through {
            left.push(format!("the event {}", event.version));
        }
    }
    let dedicated: &dyn SnapshotStore = &run.snapshots;
    for (name, store) in [("own", run.store.snapshots()), ("dedicated", Some(dedicated))] {
        let Some(store) = store else { continue };
        let got = store.get(&stream, SchemaVersion::FIRST).now_or_never();
        if let Some(Ok(Some(snapshot))) = got
            && snapshot.version.get() <= through
        {
            left.push(format!("the {name} snapshot {}", snapshot.version));
        }
    }
    left
}

/// In the process whose shard wrote a tombstone, forget handlers run after what came before it was handled, and
/// before what comes after it is.
pub(crate) fn handlers_run_in_between(run: &Run, recorded: &Recorded, truth: &Truth, wrong: &mut Vec<Violation>) {
    let handlers = run.scenario.forget_handlers.len();
    for call in &recorded.calls {
        let (Request::Forget(ledger), Some(ended)) = (&call.request, call.ended) else {
            continue;
        };
        if matches!(&call.answer, Answer::Killed | Answer::Dropped) {
            continue;
        }
        let between = truth.stream(ledger).between(call.called, ended);
        let mut tombstones = between
            .iter()
            .filter(|moment| moment.floor == moment.version && moment.life == call.life && moment.tick > call.called);
        let (Some(tombstone), None) = (tombstones.next(), tombstones.next()) else {
            continue;
        };
        if !answers_itself(&call.answer) {
            continue;
        }
        let runs = recorded.forget_runs.iter().filter(|run| {
            run.life == call.life && run.ledger == *ledger && run.tombstone == tombstone.version && run.began < ended
        });
        // Each handler once; more runs are of a forget that resumed this one.
        let runs = runs.take(handlers);
        let (Some(began), Some(done)) = (
            runs.clone().map(|run| run.began).min(),
            runs.map(|run| run.ended.unwrap_or(Tick::MAX)).max(),
        ) else {
            continue;
        };
        let own = recorded
            .deliveries
            .iter()
            .filter(|one| one.life == call.life && one.ledger == *ledger);
        for delivery in own {
            let version = delivery.seen.version;
            let overtaken = version < tombstone.version && delivery.ended.is_none_or(|ended| ended > began);
            let early = version > tombstone.version && delivery.began < done;
            if overtaken || early {
                let name = &recorded.lives[call.life].name;
                let what = format!(
                    "{name}: the tombstone is version {}, version {version} was handled {}",
                    tombstone.version,
                    if overtaken {
                        "after its cleaning up began"
                    } else {
                        "before it was cleaned up"
                    }
                );
                wrong.push(Violation::new(
                    "forget handlers run between two lives",
                    ledger,
                    delivery.began,
                    what,
                ));
            }
        }
    }
}

/// Whether the answer tells that this very call took the tombstone through the bus.
fn answers_itself(answer: &Answer) -> bool {
    use asynx_core::{Error, ForgetFailure};
    match answer {
        Answer::Forgot => true,
        Answer::Failed(Error::ForgetFailed { reason, .. }) => matches!(**reason, ForgetFailure::Handler(_)),
        _ => false,
    }
}
