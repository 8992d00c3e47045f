use std::sync::{Arc, Weak};

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use asynx_core::{Aggregate, Bus};
use futures::StreamExt;

use crate::JetStreamBusError;
use crate::letter::{self, Envelope};
use crate::shared::Shared;
use crate::wire::Wire;

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
        while let Some(Ok(message)) = messages.next().await {
            let Some(shared) = shared.upgrade() else { return };
            tries = 0;
            let Ok(sequence) = message.info().map(|info| info.stream_sequence) else {
                break;
            };
            give(&shared, &message, sequence);
            shared.saw(sequence);
            after = sequence;
        }
        wire.pause(tries).await;
        tries += 1;
    }
}

async fn listen(wire: &Wire, after: u64) -> Result<Ordered, JetStreamBusError> {
    let config = OrderedConfig {
        filter_subject: wire.names.events(),
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: after + 1,
        },
        ..OrderedConfig::default()
    };
    let failed = || JetStreamBusError::new("failed to read the bus's stream");
    let consumer = wire.events.create_consumer(config).await;
    let consumer = consumer.map_err(|error| failed().caused_by(error))?;
    consumer.messages().await.map_err(|error| failed().caused_by(error))
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
