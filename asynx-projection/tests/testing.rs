//! The fixture for projections gives what an engine would give.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use asynx_core::Aggregate;
use asynx_core::store::LogEvent;
use asynx_projection::testing::Given;
use asynx_projection::{Batch, Entry, HandlerError, Projection, TransactionalProjection, Typed, Untyped};
use asynx_store_memory::{MemoryStore, MemoryTransaction};
use asynx_testkit::scenario::Events;
use futures::executor::block_on;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    text: String,
}

impl Aggregate for Note {
    const CATEGORY: &'static str = "note";
}

fn note(text: &str) -> Note {
    Note { text: text.to_owned() }
}

fn given() -> Given<Note> {
    Given::new()
        .events(
            Events::of("a")
                .state("Noted", note("one"))
                .state("Changed", note("two")),
        )
        .events(
            Events::of("b")
                .state("Noted", note("three"))
                .forgotten()
                .state("Noted", note("four")),
        )
}

/// What was handed over, a line for each batch.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("nothing panics").clone()
    }

    fn batch(&self, batch: &Batch<'_, Entry<Note>>) -> String {
        let entries = batch.iter().map(|entry| match entry {
            Entry::Event(event) => {
                let before = event.previous.as_ref().map_or("-", |note| &*note.text);
                let position = event.position.map_or(0, |position| position.parts()[2]);
                format!("{position}:{} {before}>{}", event.aggregate_id, event.aggregate.text)
            }
            Entry::Forgotten(gone) => format!("{}:{} gone", gone.position.parts()[2], gone.aggregate_id),
            other => format!("{other:?}"),
        });
        let entries: Vec<String> = entries.collect();
        let replayed = if batch.is_replayed() { " (replayed)" } else { "" };
        entries.join(", ") + replayed
    }
}

#[async_trait::async_trait]
impl Projection for Seen {
    type Decode = Typed<Note>;

    async fn handle(&self, batch: Batch<'_, Entry<Note>>) -> Result<(), HandlerError> {
        self.0.lock().expect("nothing panics").push(self.batch(&batch));
        Ok(())
    }
}

#[async_trait::async_trait]
impl TransactionalProjection<MemoryTransaction> for Seen {
    type Decode = Typed<Note>;

    async fn handle(
        &self,
        transaction: &mut MemoryTransaction,
        batch: Batch<'_, Entry<Note>>,
    ) -> Result<(), HandlerError> {
        let (seen, line) = (self.clone(), self.batch(&batch));
        transaction.change(move || seen.0.lock().expect("nothing panics").push(line));
        Ok(())
    }
}

fn handed(given: Given<Note>) -> Vec<String> {
    let seen = Seen::default();
    block_on(given.hand_to(&seen)).expect("it is handled");
    seen.lines()
}

const ALL: &str = "1:a ->one, 2:a one>two, 3:b ->three, 4:b gone, 5:b ->four";

#[test]
fn all_comes_in_one_batch_in_the_order_of_the_log() {
    assert_eq!(handed(given()), [ALL]);
}

#[test]
fn batches_are_as_large_as_asked_for_and_each_comes_twice() {
    let by_three = given().by(NonZeroUsize::new(3).expect("not 0"));
    let (first, second) = ("1:a ->one, 2:a one>two, 3:b ->three", "4:b gone, 5:b ->four");
    assert_eq!(handed(by_three.clone()), [first, second]);
    assert_eq!(handed(by_three.twice()), [first, first, second, second]);
}

#[test]
fn after_an_erasure_the_old_life_comes_without_payload() {
    let erased = "1:a ->one, 2:a one>two, 3:b gone, 4:b gone, 5:b ->four";
    assert_eq!(handed(given().erased()), [erased]);
}

#[test]
fn a_replay_is_told() {
    assert_eq!(handed(given().replayed()), [format!("{ALL} (replayed)")]);
}

#[test]
fn of_two_transactions_the_first_is_rolled_back() {
    let (store, seen) = (MemoryStore::new(), Seen::default());
    block_on(given().twice().hand_to_in(&store, &seen)).expect("it is handled");
    assert_eq!(seen.lines(), [ALL]);
}

/// Counts the records that are there.
#[derive(Default)]
struct Records(Mutex<Vec<bool>>);

#[async_trait::async_trait]
impl Projection for Records {
    type Decode = Untyped;

    async fn handle(&self, batch: Batch<'_, LogEvent>) -> Result<(), HandlerError> {
        let there = batch.iter().map(|event| event.record.is_some());
        self.0.lock().expect("nothing panics").extend(there);
        Ok(())
    }
}

#[test]
fn one_that_reads_the_log_as_it_is_gets_records() {
    for (given, expected) in [
        (given(), [true; 5]),
        (given().erased(), [true, true, false, false, true]),
    ] {
        let records = Records::default();
        block_on(given.hand_to(&records)).expect("it is handled");
        assert_eq!(*records.0.lock().expect("nothing panics"), expected);
    }
}

/// Can do nothing with a note.
struct Refuses;

#[async_trait::async_trait]
impl Projection for Refuses {
    type Decode = Typed<Note>;

    async fn handle(&self, _: Batch<'_, Entry<Note>>) -> Result<(), HandlerError> {
        Err(HandlerError::permanent("no notes are wanted"))
    }
}

#[test]
fn an_error_is_answered() {
    let refused = block_on(given().hand_to(&Refuses)).expect_err("it refuses");
    assert_eq!(refused.to_string(), "no notes are wanted");
}
