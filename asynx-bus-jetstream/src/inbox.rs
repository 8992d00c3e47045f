use std::sync::{Arc, Weak};
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::{Config, Stream};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy};
use asynx_core::{Aggregate, Bus};
use futures::StreamExt;

use crate::JetStreamBusError;
use crate::letter::{self, Envelope};
use crate::pull::{EXPIRES, HEARTBEAT};
use crate::shared::Shared;
use crate::wire::Wire;

/// How many messages are asked for at a time.
const BATCH: usize = 500;
/// After what time the server forgets a consumer that nobody listens to any more.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// Gives the handlers of this process what is stored in the stream, in its order, whichever process published it.
///
/// It remembers how far it came: where a connection or a server went, it goes on from there.
pub(crate) async fn read<A: Aggregate>(shared: Weak<Shared<A>>, wire: Arc<Wire>, mut after: u64) {
    let mut tries = 0;
    loop {
        let Ok(mut messages) = listen(&wire, after).await else {
            wire.pause(tries).await;
            tries += 1;
            continue;
        };
        let mut given = 0;
        while let Some(Ok(message)) = messages.next().await {
            let Some(shared) = shared.upgrade() else { return };
            tries = 0;
            let Ok((sequence, number)) = place(&message) else { break };
            given += 1;
            if number != given {
                // One got lost on the way, and would not be given again.
                break;
            }
            give(&shared, &message, sequence);
            shared.saw(sequence);
            after = sequence;
        }
        wire.pause(tries).await;
        tries += 1;
    }
}

/// A consumer that lives in the memory of one server. Where that server goes, silence tells: there is a sign of life each
/// [`HEARTBEAT`]. The client's own ordered consumer waits for more than a minute there.
async fn listen(wire: &Wire, after: u64) -> Result<Stream, JetStreamBusError> {
    let config = Config {
        filter_subject: wire.names.events(),
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: after + 1,
        },
        ack_policy: AckPolicy::None,
        num_replicas: 1,
        memory_storage: true,
        inactive_threshold: FORGOTTEN,
        ..Config::default()
    };
    let failed = || JetStreamBusError::new("failed to read the bus's stream");
    let consumer = wire.events.create_consumer(config).await;
    let consumer = consumer.map_err(|error| failed().caused_by(error))?;
    let asked = consumer.stream().max_messages_per_batch(BATCH);
    let messages = asked.expires(EXPIRES).heartbeat(HEARTBEAT).messages().await;
    messages.map_err(|error| failed().caused_by(error))
}

/// Where a message is in the stream, and among what the consumer gave.
fn place(message: &Message) -> Result<(u64, u64), async_nats::Error> {
    let info = message.info()?;
    Ok((info.stream_sequence, info.consumer_sequence))
}

fn give<A: Aggregate>(shared: &Shared<A>, message: &Message, sequence: u64) {
    let trouble = |error| shared.wire.options.trouble(&error);
    let envelope = match Envelope::read(message.headers.as_ref(), sequence) {
        Ok(envelope) => envelope,
        Err(error) => return trouble(error),
    };
    // Others are read only where somebody wants them.
    if shared.arrived(envelope.id) || envelope.name.is_tombstone() || !shared.local.is_wanted(&envelope.name) {
        return;
    }
    match letter::open(&message.payload, &envelope) {
        // It is closed: this ends.
        Ok(event) => drop(shared.local.publish(event)),
        Err(error) => trouble(error),
    }
}
