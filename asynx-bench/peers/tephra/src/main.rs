//! `bench-tephra send key=value ...`: tephra, embedded. Its log is synced for each group of appends.
//!
//! It has no aggregates: an order is what the events with its tag fold to, read for each command and guarded by a condition, as
//! its README shows.

use std::path::PathBuf;

use bench_workload::{Action, Arguments, Change, Order, Report, System, run};
use tephra::{
    AppendCondition, Event, EventType, Position, Query, QueryItem, SegmentConfig, SegmentSet, Tag, Tags,
    WriteCoordinator, WriteHandle, WriterConfig,
};

/// The same in all programs: that of the system makes threads wait for each other, which is none of theirs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() {
    let arguments = Arguments::read();
    assert_eq!(arguments.scenario, "send");
    let folder = Folder::new();
    let set = SegmentSet::open(&folder.0, SegmentConfig::new(256 << 20)).unwrap();
    let (coordinator, handle) = WriteCoordinator::start(set, WriterConfig::default()).unwrap();
    let measured = run(&Orders(handle), &arguments.load()).await;
    Report::open().figure("send_per_s", measured.per_second());
    coordinator.shutdown();
}

#[derive(Clone)]
struct Orders(WriteHandle);

impl Orders {
    /// The order, how many events it has, and up to where that was read.
    fn load(&self, query: &Query) -> (Order, u64, Position) {
        let (mut order, mut events) = (Order::default(), 0);
        let mut reads = self.0.read(query, Position::ZERO, None);
        while let Some(read) = reads.next() {
            let change: Change = serde_json::from_slice(read.unwrap().event.data()).unwrap();
            order.apply(change);
            events += 1;
        }
        (order, events, reads.watermark())
    }
}

fn tagged(id: &str) -> (Tags, Query) {
    let tags = Tags::new([Tag::new(format!("order:{id}")).unwrap()]).unwrap();
    (tags.clone(), Query::item(QueryItem::with_tags(tags)))
}

impl System for Orders {
    async fn send(&self, id: &str, action: Action) -> Option<u64> {
        let (tags, query) = tagged(id);
        let (order, events, read_to) = self.load(&query);
        let change = action.decide(id, (events > 0).then_some(&order)).unwrap();
        let payload = serde_json::to_vec(&change).unwrap();
        let event = Event::new(&EventType::new(change.name()).unwrap(), &tags, &payload).unwrap();
        let condition = AppendCondition::new(query).after(read_to);
        self.0.append_async(vec![event], Some(condition)).await.unwrap();
        Some(events + 1)
    }

    async fn state(&self, id: &str) -> Order {
        self.load(&tagged(id).1).0
    }
}

/// Gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("asynx-bench-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap_or_else(|error| panic!("failed to make {}: {error}", folder.display()));
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
