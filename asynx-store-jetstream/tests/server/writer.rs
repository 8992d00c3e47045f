use std::time::Duration;

use asynx_core::store::{AppendError, NewEvent};
use asynx_core::{Store as _, StreamId, Version};
use asynx_store_jetstream::JetStreamStore;
use asynx_testkit::samples;

/// Appends as asynx does: what is unknown is appended again until its outcome is known.
pub(crate) struct Writer {
    pub(crate) store: JetStreamStore,
    pub(crate) stream: StreamId,
    /// What is stored, by its answers.
    pub(crate) stored: Vec<NewEvent>,
    /// How often an outcome was unknown at first.
    pub(crate) unknown: usize,
}

impl Writer {
    pub(crate) fn new(store: &JetStreamStore, category: &str, id: &str) -> Self {
        Self {
            store: store.clone(),
            stream: StreamId::parse(category, id).expect("valid names"),
            stored: Vec::new(),
            unknown: 0,
        }
    }

    /// Appends so many events in one group. Nobody else may write to the stream.
    pub(crate) async fn append(&mut self, count: u64) {
        let mut group = samples::group(&self.stream, self.stored.len() as u64 + 1, count);
        let mut may_be_stored = false;
        while !group.events.is_empty() {
            let outcome = self.store.append_batch(std::slice::from_ref(&group)).await.remove(0);
            self.stored.extend(group.events.drain(..outcome.applied.len()));
            match outcome.stopped {
                None => assert!(group.events.is_empty()),
                Some(AppendError::Unknown(_)) => {
                    self.unknown += 1;
                    may_be_stored = true;
                }
                Some(AppendError::NotApplied(error)) if error.is_transient() => {}
                // It came through after all.
                Some(AppendError::Conflict) if may_be_stored => {
                    self.stored.push(group.events.remove(0));
                    continue;
                }
                Some(error) => panic!("version {} of {}: {error:?}", group.events[0].version, self.stream),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The stream must hold just what was answered, each event once.
    pub(crate) async fn check(&self) {
        let found = loop {
            match self.store.read_from(&self.stream, Version::FIRST).await {
                Ok(found) => break found,
                Err(error) if error.is_transient() => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(error) => panic!("reading {}: {error}", self.stream),
            }
        };
        let found: Vec<_> = found.into_iter().map(|event| (event.version, event.record)).collect();
        let expected: Vec<_> = self
            .stored
            .iter()
            .map(|event| (event.version, event.record.clone()))
            .collect();
        assert_eq!(found.len(), expected.len(), "events of {}", self.stream);
        assert!(
            found == expected,
            "{} holds other events than were answered",
            self.stream
        );
    }
}
