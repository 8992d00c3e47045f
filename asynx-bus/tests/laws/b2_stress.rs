use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::Poll;

use asynx_bus::InProcessBus;
use asynx_core::bus::{Handler, Pattern, Subscription, SubscriptionId, SubscriptionOptions, Target, handler};
use asynx_core::{Bus, Event};
use futures::future;
use proptest::prelude::*;

use crate::stage::{Stage, Thing, named};

const NAMES: [&str; 3] = ["OrderMade", "OrderPaid", "ItemAdded"];
/// Compiled once: in a test build that takes longer than a whole case.
static PATTERNS: LazyLock<[Pattern; 4]> =
    LazyLock::new(|| [".*", "Order.*", "ItemAdded", ".*d"].map(|text| Pattern::parse(text).unwrap()));
const AGGREGATES: [&str; 4] = ["a", "b", "c", "d"];

/// What a thread that publishes does next.
#[derive(Debug, Clone)]
enum Step {
    /// Of this aggregate (the thread's own), by this name.
    Publish(usize, usize),
    /// By this pattern, with this concurrency.
    Subscribe(usize, usize),
    /// One of those that this thread started.
    Unsubscribe(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..2usize, 0..NAMES.len()).prop_map(|(aggregate, name)| Step::Publish(aggregate, name)),
        2 => (0..4usize, 1..4usize).prop_map(|(pattern, concurrency)| Step::Subscribe(pattern, concurrency)),
        1 => any::<usize>().prop_map(Step::Unsubscribe),
    ]
}

/// A subscription that checks B2 while it runs and notes what it was given.
struct Watcher {
    id: SubscriptionId,
    pattern: usize,
    notes: Arc<Notes>,
    /// Of the subscribing thread's aggregates: the versions published before it, and those when it was unsubscribed.
    since: BTreeMap<&'static str, u64>,
    until: Option<BTreeMap<&'static str, u64>>,
}

#[derive(Default)]
struct Notes {
    concurrency: usize,
    running: AtomicUsize,
    of: Mutex<BTreeMap<String, Of>>,
    trouble: Mutex<Vec<String>>,
}

#[derive(Default)]
struct Of {
    running: bool,
    begun: Vec<u64>,
}

fn watching(notes: &Arc<Notes>, slowness: usize) -> Handler<Thing> {
    let notes = Arc::clone(notes);
    handler(move |event: Event<Thing>| {
        let notes = Arc::clone(&notes);
        async move {
            if notes.running.fetch_add(1, Ordering::SeqCst) >= notes.concurrency {
                notes.trouble.lock().unwrap().push("too many at a time".to_owned());
            }
            let aggregate = event.aggregate_id.to_string();
            let version = event.version.get();
            {
                let mut of = notes.of.lock().unwrap();
                let of = of.entry(aggregate.clone()).or_default();
                if std::mem::replace(&mut of.running, true) {
                    notes
                        .trouble
                        .lock()
                        .unwrap()
                        .push(format!("two of {aggregate} at a time"));
                }
                of.begun.push(version);
            }
            // Some wait, some do not.
            let_others_run((slowness + usize::try_from(version).unwrap()) % 4).await;
            notes.of.lock().unwrap().get_mut(&aggregate).unwrap().running = false;
            notes.running.fetch_sub(1, Ordering::SeqCst);
        }
    })
}

async fn let_others_run(mut times: usize) {
    future::poll_fn(|cx| {
        if times == 0 {
            return Poll::Ready(());
        }
        times -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Publishes events of two aggregates of its own; by name and version what was published.
fn act(
    bus: &InProcessBus<Thing>,
    own: &[&'static str],
    steps: &[Step],
) -> (Vec<Watcher>, Vec<(&'static str, u64, usize)>) {
    let mut published = Vec::new();
    let mut versions: BTreeMap<&str, u64> = own.iter().map(|aggregate| (*aggregate, 0)).collect();
    let mut watchers: Vec<Watcher> = Vec::new();
    for step in steps {
        match *step {
            Step::Publish(aggregate, name) => {
                let aggregate = own[aggregate];
                let version = versions.get_mut(aggregate).unwrap();
                *version += 1;
                let event = named(NAMES[name], &format!("{aggregate}{version}"));
                bus.publish(event).unwrap();
                published.push((aggregate, *version, name));
            }
            Step::Subscribe(pattern, concurrency) => {
                let notes = Arc::new(Notes {
                    concurrency,
                    ..Notes::default()
                });
                let options = SubscriptionOptions {
                    concurrency: NonZeroUsize::new(concurrency).unwrap(),
                    ..SubscriptionOptions::default()
                };
                let target = Target::Handler(watching(&notes, pattern + concurrency));
                let subscription = Subscription {
                    pattern: PATTERNS[pattern].clone(),
                    target,
                    options,
                };
                let id = bus.subscribe(subscription).unwrap();
                watchers.push(Watcher {
                    id,
                    pattern,
                    notes,
                    since: versions.clone(),
                    until: None,
                });
            }
            Step::Unsubscribe(which) => {
                let count = watchers.len().max(1);
                if let Some(watcher) = watchers.get_mut(which % count)
                    && watcher.until.is_none()
                {
                    bus.unsubscribe(watcher.id).unwrap();
                    watcher.until = Some(versions.clone());
                }
            }
        }
    }
    (watchers, published)
}

fn check(watcher: &Watcher, published: &[(&'static str, u64, usize)]) {
    assert_eq!(*watcher.notes.trouble.lock().unwrap(), [""; 0]);
    assert_eq!(watcher.notes.running.load(Ordering::SeqCst), 0);
    let pattern = &PATTERNS[watcher.pattern];
    let of = watcher.notes.of.lock().unwrap();
    for aggregate in AGGREGATES {
        let begun: &[u64] = of.get(aggregate).map_or(&[], |of| &of.begun);
        let of_this = published.iter().filter(|(of, _, name)| {
            *of == aggregate && pattern.matches(&asynx_core::EventName::parse(NAMES[*name]).unwrap())
        });
        let mut expected: Vec<u64> = of_this.map(|(_, version, _)| *version).collect();
        let Some(since) = watcher.since.get(aggregate) else {
            // Another thread's aggregate: a run without holes, up to the end unless it was unsubscribed.
            let from = begun.first().map_or(expected.len(), |first| {
                expected.iter().position(|one| one == first).unwrap()
            });
            let ends = if watcher.until.is_some() {
                begun.len()
            } else {
                expected.len() - from
            };
            if watcher.until.is_some() || !begun.is_empty() {
                assert_eq!(begun, &expected[from..from + ends], "of {aggregate}");
            }
            continue;
        };
        expected.retain(|version| version > since);
        if let Some(until) = &watcher.until {
            expected.retain(|version| *version <= until[aggregate]);
            assert!(
                expected.starts_with(begun),
                "{begun:?} does not begin {expected:?} of {aggregate}"
            );
        } else {
            assert_eq!(begun, expected, "of {aggregate}");
        }
    }
}

fn every_event_once_and_in_order(stage: Stage, steps: &[Vec<Step>; 2]) {
    stage.run(async |stage| {
        let bus = &*stage.bus;
        let results = std::thread::scope(|scope| {
            let other = scope.spawn(|| act(bus, &AGGREGATES[2..], &steps[1]));
            [act(bus, &AGGREGATES[..2], &steps[0]), other.join().unwrap()]
        });
        bus.idle().await;
        let published: Vec<_> = results.iter().flat_map(|(_, published)| published.clone()).collect();
        for (watchers, _) in &results {
            watchers.iter().for_each(|watcher| check(watcher, &published));
        }
    });
}

fn steps() -> impl Strategy<Value = [Vec<Step>; 2]> {
    let steps = || {
        // A subscription from the start, that most runs would otherwise lack.
        prop::collection::vec(step(), 1..200).prop_map(|mut steps| {
            steps.insert(0, Step::Subscribe(0, 2));
            steps
        })
    };
    [steps(), steps()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_event_once_and_in_order_on_tokio(steps in steps()) {
        every_event_once_and_in_order(Stage::tokio(), &steps);
    }

    #[test]
    fn every_event_once_and_in_order_on_smol(steps in steps()) {
        every_event_once_and_in_order(Stage::smol(), &steps);
    }
}
