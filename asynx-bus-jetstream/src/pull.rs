//! How a durable subscription is given its events by the server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::{Config, Stream};
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, Info, PriorityPolicy};
use async_nats::jetstream::context::{ConsumerInfoError, ConsumerInfoErrorKind};
use async_nats::jetstream::{AckKind, Message};
use asynx_core::{Aggregate, Bus, Event};
use futures::StreamExt;
use futures::future::{Either, select};

use crate::JetStreamBusError;
use crate::durable::{Durable, give_back};
use crate::hands::Hand;
use crate::letter::{self, Envelope};
use crate::wire::Wire;

/// The one group of a consumer, of which one process at a time is given events.
const GROUP: &str = "one";
/// For how long a process that asks for nothing stays the one.
const PINNED: Duration = Duration::from_secs(6);
/// How long one question for events stands.
pub(crate) const EXPIRES: Duration = Duration::from_secs(2);
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(900);
/// How often it is looked whether everything under way is in these hands.
const LOOK: Duration = Duration::from_millis(100);

/// Pulls events until it is aborted.
pub(crate) async fn run<A: Aggregate>(durable: Arc<Durable<A>>) {
    let (mut tries, mut taking) = (0, Taking::default());
    loop {
        let pulled = match consumer(&durable).await {
            Ok(consumer) => pull(&durable, &consumer, &mut taking).await,
            Err(error) => Err(error),
        };
        match pulled {
            Ok(()) => tries = 0,
            Err(error) => {
                durable.trouble(&error);
                tries += 1;
            }
        }
        durable.wire.pause(tries).await;
    }
}

/// Has another process take its place at once, where this one has it.
pub(crate) async fn unpin(wire: &Wire, name: &str) {
    // Where it was another's, that one is pinned again, or a third: both ask for events all the time.
    let _ = wire.events.unpin_consumer(&wire.names.consumer(name), GROUP).await;
}

async fn consumer<A: Aggregate>(durable: &Durable<A>) -> Result<Consumer<Config>, JetStreamBusError> {
    let wire = &durable.wire;
    let name = wire.names.consumer(&durable.name);
    match wire.events.get_consumer::<Config>(&name).await {
        Ok(consumer) if consumer.cached_info().config.priority_policy == PriorityPolicy::PinnedClient => {
            return Ok(consumer);
        }
        Ok(_) => {
            return Err(JetStreamBusError::new(format!(
                "the consumer {name} of the bus's stream is not one of this bus: remove it"
            )));
        }
        Err(error) if !is_missing(&error) => {
            return Err(JetStreamBusError::new(format!("failed to find the consumer {name}")).caused_by(error));
        }
        Err(_) => {}
    }
    let config = Config {
        durable_name: Some(name.clone()),
        description: Some(format!("subscriber {} of asynx", durable.name)),
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: durable.start,
        },
        ack_policy: AckPolicy::Explicit,
        ack_wait: wire.options.ack_wait,
        max_ack_pending: i64::try_from(wire.options.in_hand).unwrap_or(i64::MAX).max(1),
        filter_subjects: vec![wire.names.events(), wire.names.again(&durable.name)],
        priority_policy: PriorityPolicy::PinnedClient,
        priority_groups: vec![GROUP.to_owned()],
        priority_timeout: PINNED,
        ..Config::default()
    };
    // Or another process made it just now, and it is found next time.
    let made = wire.events.create_consumer_strict(config).await;
    made.map_err(|error| JetStreamBusError::new(format!("failed to make the consumer {name}")).caused_by(error))
}

fn is_missing(error: &async_nats::Error) -> bool {
    let error = error.downcast_ref::<ConsumerInfoError>();
    error.is_some_and(|error| error.kind() == ConsumerInfoErrorKind::NotFound)
}

/// Takes what comes, until something breaks.
async fn pull<A: Aggregate>(
    durable: &Durable<A>,
    consumer: &Consumer<Config>,
    taking: &mut Taking<A>,
) -> Result<(), JetStreamBusError> {
    let failed = || JetStreamBusError::new(format!("failed to read as subscriber {}", durable.name));
    let batch = durable.wire.options.in_hand.clamp(1, 1024);
    let asked = consumer.stream().group(GROUP).max_messages_per_batch(batch);
    let messages = asked.expires(EXPIRES).heartbeat(HEARTBEAT).messages().await;
    let mut messages: Stream = messages.map_err(|error| failed().caused_by(error))?;
    // Not begun anew with each message: where they keep coming it would never end.
    let mut look = durable.wire.runtime.sleep(LOOK);
    loop {
        let message = match taking.is_settled {
            true => messages.next().await,
            false => match select(messages.next(), &mut look).await {
                Either::Left((message, _)) => message,
                Either::Right(_) => {
                    look = durable.wire.runtime.sleep(LOOK);
                    taking.settle(durable, consumer).await;
                    continue;
                }
            },
        };
        match message {
            Some(Ok(message)) => taking.take(durable, consumer, message).await?,
            Some(Err(error)) => return Err(failed().caused_by(error)),
            None => return Ok(()),
        }
    }
}

/// Who takes another's place first waits until everything that one had under way has come back: an event of which the one
/// before is still in other hands would overtake it.
/// It outlives a connection: what it holds is in hand, and comes from the server no more.
struct Taking<A> {
    pin: Option<String>,
    is_settled: bool,
    held: BTreeMap<u64, Event<A>>,
}

impl<A> Default for Taking<A> {
    fn default() -> Self {
        Self {
            pin: None,
            is_settled: true,
            held: BTreeMap::new(),
        }
    }
}

impl<A: Aggregate> Taking<A> {
    async fn take(
        &mut self,
        durable: &Durable<A>,
        consumer: &Consumer<Config>,
        message: Message,
    ) -> Result<(), JetStreamBusError> {
        let pin = message
            .headers
            .as_ref()
            .and_then(|headers| headers.get_last("Nats-Pin-Id"));
        let pin = pin.map(|pin| pin.as_str().to_owned());
        let is_new = pin.is_some() && pin != self.pin;
        if is_new {
            self.pin = pin;
            self.is_settled = false;
        }
        if let Some((sequence, event)) = read(durable, message).await? {
            match self.is_settled {
                true => drop(durable.lanes.publish(event)),
                false => drop(self.held.insert(sequence, event)),
            }
        }
        if is_new {
            self.settle(durable, consumer).await;
        }
        Ok(())
    }

    async fn settle(&mut self, durable: &Durable<A>, consumer: &Consumer<Config>) {
        let Ok(info) = consumer.get_info().await else { return };
        if self.is_anothers_turn(&info) {
            // Who waits for these while they wait for his would wait for ever.
            let held = std::mem::take(&mut self.held);
            let held = held.values().filter_map(|event| durable.hands.remove(event.id));
            return give_back(held.collect()).await;
        }
        // All that is in hand now was in hand when the server answered.
        if info.num_ack_pending > durable.hands.count(durable.wire.runtime.now()) {
            return;
        }
        self.is_settled = true;
        for event in std::mem::take(&mut self.held).into_values() {
            let _ = durable.lanes.publish(event);
        }
    }
}

impl<A> Taking<A> {
    fn is_anothers_turn(&self, info: &Info) -> bool {
        let pinned = info
            .priority_groups
            .iter()
            .find_map(|group| group.pinned_client_id.as_ref());
        pinned.is_some() && pinned != self.pin.as_ref()
    }
}

/// Takes a message in hand; `None` where there is nothing to handle.
async fn read<A: Aggregate>(
    durable: &Durable<A>,
    message: Message,
) -> Result<Option<(u64, Event<A>)>, JetStreamBusError> {
    let odd = |error| JetStreamBusError::new("the server gave a message without its place").caused_by(error);
    let info = message.info().map_err(odd)?;
    let (sequence, delivered) = (info.stream_sequence, info.delivered);
    let wire = &durable.wire;
    let (message, acker) = message.split();
    let skip = async |acker: &async_nats::jetstream::message::Acker| {
        let _ = acker.ack().await;
    };
    let envelope = match Envelope::read(message.headers.as_ref(), sequence) {
        Ok(envelope) => envelope,
        Err(error) => {
            durable.trouble(&error);
            let _ = acker.ack_with(AckKind::Term).await;
            return Ok(None);
        }
    };
    if !durable.pattern.matches(&envelope.name) {
        skip(&acker).await;
        return Ok(None);
    }
    let opened = letter::open(&message.payload, &envelope);
    let hand = Hand {
        sequence,
        acker: Arc::new(acker),
        envelope,
        payload: message.payload,
        given: u32::try_from(delivered - 1).unwrap_or(0),
        since: wire.runtime.now(),
        is_running: false,
    };
    match opened {
        Ok(event) => Ok(durable.hands.take(hand).then_some((sequence, event))),
        Err(error) => {
            durable.trouble(&error);
            let parked = wire.park_unread(&durable.name, &hand, &error).await;
            if parked.is_ok() {
                skip(&hand.acker).await;
            }
            parked.map(|()| None)
        }
    }
}
