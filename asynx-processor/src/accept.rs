use asynx_core::store::{GroupOutcome, Head};
use asynx_core::{Aggregate, Error, Event, Record, catch};
use asynx_observe::Span;
use futures::FutureExt;

use crate::commit::refuse;
use crate::group::{Group, Item, Outcome};
use crate::sabotage::Sabotage;
use crate::shard::{Lookup, Shard};
use crate::work::{Answer, Work};

impl<A: Aggregate> Shard<A> {
    /// Keeps, publishes and answers what was appended, and tells the negative answers that it proves. What is left
    /// must run again.
    pub(crate) fn accept(&mut self, group: &mut Group<A>, outcome: &GroupOutcome) -> Vec<Item<A>> {
        let mut items = std::mem::take(&mut group.items);
        let applied = outcome.applied.len();
        if let Some(newest) = applied.checked_sub(1).and_then(|last| group.events.get(last)) {
            self.cache().put(group.id(), newest.after.clone());
        }
        for pending in group.events[..applied].iter().rev() {
            if pending.snapshot {
                self.shared.offer_snapshot(group.id(), &pending.after);
                break;
            }
        }
        let waits = |at, item: &Item<A>| item.work.tracked && item.outcome.is_of(at);
        let some_wait = items.iter().any(|item| item.work.tracked);
        let mut answers = self.spare.answers();
        for (at, (pending, position)) in group.events.iter().zip(&outcome.applied).enumerate() {
            let tracked = some_wait && items.iter().any(|item| waits(at, item));
            answers.push(self.publish(pending.event(group.id(), *position), tracked, &pending.span));
        }
        let mut left = Vec::new();
        for item in items.drain(..) {
            match item.outcome {
                Outcome::Event(at) | Outcome::SameAs(at) if at < applied => {
                    let answer = &mut answers[at];
                    item.work.run.accept(Answer {
                        event: answer.event.clone(),
                        delivery: answer.delivery.clone().filter(|_| item.work.tracked),
                        forgetting: answer.forgetting.take(),
                    });
                }
                // The state after `after` events was the newest at the moment when the append succeeded.
                Outcome::No { after, reason } if after <= applied && (applied > 0 || group.fresh) => {
                    if item.work.keyed {
                        let work = item.work;
                        let floor = group.after(after).floor;
                        self.lookups.push(Lookup { work, reason, floor });
                    } else {
                        refuse(item.work, reason);
                    }
                }
                outcome => left.push(Item {
                    work: item.work,
                    outcome,
                }),
            }
        }
        self.spare.keep_answers(answers);
        group.items = items;
        left
    }

    fn publish(&self, event: Event<A>, tracked: bool, span: &Span) -> Answer<A> {
        let mut answer = Answer {
            event,
            delivery: None,
            forgetting: None,
        };
        let event = &answer.event;
        let bus = &self.shared.bus;
        if event.event_name.is_tombstone() {
            let (bus, event) = (bus.clone(), event.clone());
            let mut forgetting = async move { bus.forget(event).await }.boxed();
            // Polled once here, so that the tombstone takes its place in the queues before a new life's events.
            answer.forgetting = Some(match catch(|| (&mut forgetting).now_or_never()) {
                Ok(None) => forgetting,
                Ok(Some(ended)) => std::future::ready(ended).boxed(),
                Err(panic) => std::future::ready(Err(not_handed_over(&panic))).boxed(),
            });
            return answer;
        }
        if self.shared.is_sabotaged(Sabotage::PublishBeforeAppend) {
            return answer;
        }
        let publish = || match tracked {
            false => bus.publish(event.clone()).map(|()| None),
            true => bus.publish_tracked(event.clone()).map(Some),
        };
        let published = span.publish(event).in_scope(|| catch(publish));
        match published {
            Ok(Ok(delivery)) => answer.delivery = delivery,
            Ok(Err(error)) => self.not_published(event, &error),
            Err(panic) => self.not_published(event, &not_handed_over(&panic)),
        }
        answer
    }

    fn not_published(&self, event: &Event<A>, error: &asynx_core::BusError) {
        self.shared.figures.publish_failures.add(1);
        self.shared.hooks.publish_failed(event, error);
    }

    /// Answers a command whose idempotency key was used before with the event that it stands for.
    pub(crate) fn answer_found(&self, work: Work<A>, head: Head) {
        let shared = self.shared.clone();
        let stream = shared.stream(&work.aggregate_id);
        let Some(found) = head.found else {
            return;
        };
        let version = found.version;
        let record = match &found.record {
            Some(bytes) if Some(version) > head.floor => Record::decode(bytes),
            _ => return work.run.fail(Error::Forgotten { stream, version }),
        };
        let record = match record {
            Ok(record) => record,
            Err(source) => {
                return work.run.fail(Error::Corrupt {
                    stream,
                    version,
                    source,
                });
            }
        };
        if record.event_name != work.event_name {
            return work.run.fail(Error::KeyReused {
                stream,
                event_name: record.event_name.to_string(),
                version,
            });
        }
        // Replaying up to that event may take a while: the shard goes on.
        self.shared.clone().tasks.spawn(&*self.shared.runtime, async move {
            match shared.event_at(&stream, version).await {
                Ok(event) => work.run.accept(Answer {
                    event,
                    delivery: None,
                    forgetting: None,
                }),
                // Forgotten between the look-up and now.
                Err(Error::NotFound { stream } | Error::VersionNotFound { stream, .. }) => {
                    work.run.fail(Error::Forgotten { stream, version });
                }
                Err(error) => work.run.fail(error),
            }
        });
    }
}

fn not_handed_over(panic: &asynx_core::Panic) -> asynx_core::BusError {
    asynx_core::BusError::NotHandedOver {
        reason: format!("the bus {panic}"),
    }
}
