//! What handlers are given: what is stored, in order, each event once, and all that was accepted there.

use std::collections::BTreeMap;

use super::Violation;
use super::truth::Truth;
use crate::history::{Answer, Caller, Delivery, Recorded, Request, Tick};
use crate::scenario::wants;

pub(crate) fn check(recorded: &Recorded, truth: &Truth, wrong: &mut Vec<Violation>) {
    let mut lanes: BTreeMap<(usize, usize, &str), Vec<&Delivery>> = BTreeMap::new();
    for delivery in &recorded.deliveries {
        let lane = (delivery.life, delivery.subscription, delivery.ledger.as_str());
        lanes.entry(lane).or_default().push(delivery);
        let stream = truth.stream(&delivery.ledger);
        if let Err(what) = super::same_as_stored(stream, &delivery.seen, delivery.began) {
            let what = format!("{}: {what}", at(recorded, delivery.life, delivery.subscription));
            wrong.push(Violation::new(
                "handlers are given what is stored",
                &delivery.ledger,
                delivery.began,
                what,
            ));
        }
        let pattern = recorded.lives[delivery.life].subscriptions[delivery.subscription];
        if !wants(pattern, &delivery.seen.name) || delivery.seen.name.starts_with("asynx.") {
            let what = format!("{} is no {pattern}", delivery.seen.name);
            wrong.push(Violation::new(
                "handlers are given what they want",
                &delivery.ledger,
                delivery.began,
                what,
            ));
        }
    }
    for ((life, subscription, ledger), deliveries) in &lanes {
        for pair in deliveries.windows(2) {
            let (first, next) = (pair[0], pair[1]);
            let mut tell = |law, what: &str| {
                let (a, b) = (first.seen.version, next.seen.version);
                let what = format!("{}: version {b} {what} version {a}", at(recorded, *life, *subscription));
                wrong.push(Violation::new(law, ledger, next.began, what));
            };
            if next.seen.version <= first.seen.version {
                tell("deliveries come in order, each once", "after");
            }
            if first.ended.is_none_or(|ended| ended > next.began) {
                tell("deliveries of one aggregate do not overlap", "during");
            }
        }
    }
    accepted_are_delivered(recorded, truth, &lanes, wrong);
}

/// What a process accepted reaches each of its subscriptions, unless it died or was shut down; and who waits for the
/// handlers is answered after them.
fn accepted_are_delivered(
    recorded: &Recorded,
    truth: &Truth,
    lanes: &BTreeMap<(usize, usize, &str), Vec<&Delivery>>,
    wrong: &mut Vec<Violation>,
) {
    for call in &recorded.calls {
        let (Request::Send { attempt, wait, .. }, Answer::Event(seen)) = (&call.request, &call.answer) else {
            continue;
        };
        let ledger = call.request.ledger();
        let own = truth
            .stream(ledger)
            .at(seen.version)
            .is_some_and(|moment| moment.attempt == Some(*attempt));
        // Found by its key after all, the event may be one whose outcome was unknown for so long that it was given up.
        let doubtful = call.by != Caller::Probe && gave_up(recorded, call.life, ledger, call.called);
        if !own || doubtful {
            continue;
        }
        let life = &recorded.lives[call.life];
        let ended = call.ended.unwrap_or(Tick::MAX);
        for (subscription, pattern) in life.subscriptions.iter().enumerate() {
            if !wants(pattern, &seen.name) {
                continue;
            }
            let lane = lanes.get(&(call.life, subscription, ledger));
            let delivery = lane
                .into_iter()
                .flatten()
                .find(|delivery| delivery.seen.version == seen.version);
            let mut tell = |law, what: &str| {
                let what = format!(
                    "{}: version {} {what}",
                    at(recorded, call.life, subscription),
                    seen.version
                );
                wrong.push(Violation::new(law, ledger, ended, what));
            };
            let complete = life.killed.is_none() && life.shutting.is_none();
            match delivery {
                None if complete || super::was_orderly(recorded, call.life) => {
                    tell("what is accepted is delivered", "was never delivered");
                }
                Some(delivery)
                    if *wait
                        && !matches!(call.by, Caller::Handler(_))
                        && delivery.ended.is_none_or(|done| done > ended)
                        && life.shutting.is_none_or(|shutting| shutting > ended) =>
                {
                    tell(
                        "who waits for handlers is answered after them",
                        "was still being handled",
                    );
                }
                _ => {}
            }
        }
    }
}

/// Whether something of a ledger was told as unknown before.
fn gave_up(recorded: &Recorded, life: usize, ledger: &str, before: Tick) -> bool {
    use asynx_core::Error;
    recorded.calls.iter().any(|call| {
        call.life == life
            && call.request.ledger() == ledger
            && call.ended.is_some_and(|ended| ended < before)
            && matches!(
                &call.answer,
                Answer::Failed(Error::Unknown { .. } | Error::Ended { .. })
            )
    })
}

fn at(recorded: &Recorded, life: usize, subscription: usize) -> String {
    format!("{}/{subscription}", recorded.lives[life].name)
}
