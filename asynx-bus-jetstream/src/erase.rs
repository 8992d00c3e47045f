use asynx_core::{Aggregate, BusError, Event};

use crate::JetStreamBusError;
use crate::shared::Shared;

impl<A: Aggregate> Shared<A> {
    /// Overwrites what the bus's streams hold of an aggregate's life that ended with this tombstone, what is parked of it
    /// included. Called again, it goes on.
    pub(crate) async fn erase(&self, tombstone: &Event<A>) -> Result<(), BusError> {
        self.try_erase(tombstone)
            .await
            .map_err(|error| BusError::NotHandedOver {
                reason: match std::error::Error::source(&error) {
                    Some(cause) => format!("{error}: {cause}"),
                    None => error.to_string(),
                },
            })
    }

    async fn try_erase(&self, tombstone: &Event<A>) -> Result<(), JetStreamBusError> {
        let (wire, id, version) = (&self.wire, &tombstone.aggregate_id, tombstone.version.get());
        wire.erase(&wire.events, &wire.names.events_of(id), version).await?;
        wire.erase(&wire.events, &wire.names.all_again_of(id), version).await?;
        wire.erase(&wire.parked, &wire.names.all_parked_of(id), version).await
    }
}
