//! What cannot work is refused at the start.

mod common;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use asynx::store::MemoryStore;
use asynx_core::Store;
use asynx_projection::{
    Detached, Engine, EngineError, OnPoison, ProjectionOptions, SubscribeOptions, Typed, Untyped, subscribe,
};
use asynx_testkit::ThreadRuntime;
use common::{Model, engine, quick, runtime};
use futures::StreamExt;

const NONE: Duration = Duration::ZERO;

#[test]
fn options_that_cannot_work_are_named() {
    let store = MemoryStore::new();
    let engine = engine(&store);
    let wrong = |options: ProjectionOptions, name: &str| {
        let model = Model::default();
        let error = engine
            .run("balances", options, Typed::new, Detached(model))
            .unwrap_err();
        assert!(
            matches!(error, EngineError::Option { option, .. } if option == name),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(name), "{error}");
    };
    wrong(quick().with_version(0), "version");
    wrong(quick().with_batch_bytes(0), "batch_bytes");
    wrong(quick().with_timeout(NONE), "timeout");
    wrong(quick().with_store_timeout(NONE), "store_timeout");
    wrong(quick().with_attempts(0), "attempts");
    wrong(quick().with_backoff(NONE, Duration::from_secs(1)), "backoff");
    wrong(quick().with_backoff(Duration::from_secs(1), NONE), "max_backoff");
    wrong(quick().with_poll_interval(NONE), "poll_interval");
    wrong(quick().with_lease_time(NONE), "lease_time");
    wrong(quick().with_partitions(NonZeroUsize::new(2_000).unwrap()), "partitions");
    assert!(engine.statuses().is_empty(), "nothing was begun");
    let sound = quick().with_on_poison(OnPoison::Halt);
    engine
        .run("balances", sound, Typed::new, Detached(Model::default()))
        .unwrap();
    ThreadRuntime.block_on(engine.stop(Duration::from_secs(10)));
}

#[test]
fn a_holder_without_a_name_is_refused() {
    for holder in ["", "a\0b", &"a".repeat(101)] {
        let built = Engine::builder(MemoryStore::new(), runtime())
            .with_holder(holder)
            .build();
        assert!(matches!(built, Err(EngineError::Holder { .. })), "{built:?}");
    }
}

#[test]
fn a_subscription_that_could_read_nothing_says_so() {
    ThreadRuntime.block_on(async {
        for wrong in ["max_events", "max_bytes", "poll_interval"] {
            let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
            let mut options = SubscribeOptions::default();
            match wrong {
                "max_events" => options.max_events = 0,
                "max_bytes" => options.max_bytes = 0,
                _ => options.poll_interval = NONE,
            }
            let mut events = subscribe(store, runtime(), Untyped, options);
            let error = events.next().await.unwrap().unwrap_err();
            let said = format!("{error:?}");
            assert!(said.contains(wrong), "{said}");
            assert!(events.next().await.is_none());
        }
    });
}
