//! Streams that would lose events, or that the store could not work with, are refused when it is opened.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod server;

use asynx_core::Store as _;
use asynx_store_jetstream::{JetStreamOptions, JetStreamStore, Storage};
use serde_json::{Value, json};
use server::{Opens as _, Servers, TOKIO};

/// What the store itself would make.
fn good() -> Value {
    json!({
        "name": "asynx",
        "subjects": ["asynx.anchor", "asynx.e.>", "asynx.f.>", "asynx.r.>"],
        "retention": "limits",
        "discard": "new",
        "storage": "file",
        "num_replicas": 1,
        "allow_direct": true,
        "allow_atomic": true,
    })
}

async fn ask(client: &async_nats::Client, what: &str, config: &Value) {
    let answer = client.request(format!("$JS.API.STREAM.{what}"), config.to_string().into());
    let answer: Value = serde_json::from_slice(&answer.await.unwrap().payload).unwrap();
    assert!(answer.get("error").is_none(), "{what}: {answer}");
}

async fn open(url: &str, options: JetStreamOptions) -> Result<JetStreamStore, String> {
    let opened = JetStreamStore::connect_with(url, options).await;
    opened.map_err(|error| {
        assert!(!error.is_transient(), "{error:?}");
        error.to_string()
    })
}

#[test]
fn each_configuration_that_drops_events_is_refused_and_says_why() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        drop(servers.store(JetStreamOptions::new().with_stream("ready")).await);
        let client = async_nats::connect(servers.url()).await.unwrap();
        let hour = 3_600_000_000_000_i64;
        let bad: &[(&str, &[(&str, Value)])] = &[
            ("max_age", &[("max_age", json!(hour))]),
            (
                "max_msgs would",
                &[("max_msgs", json!(1000)), ("discard", json!("old"))],
            ),
            (
                "max_bytes",
                &[("max_bytes", json!(1_000_000)), ("discard", json!("old"))],
            ),
            ("max_msgs_per_subject", &[("max_msgs_per_subject", json!(10))]),
            ("retention", &[("retention", json!("workqueue"))]),
            ("retention", &[("retention", json!("interest"))]),
            ("memory", &[("storage", json!("memory"))]),
            ("allow_direct", &[("allow_direct", json!(false))]),
            ("allow_atomic", &[("allow_atomic", json!(false))]),
            ("deny_purge", &[("deny_purge", json!(true))]),
            ("no_ack", &[("no_ack", json!(true))]),
            (
                "persist_mode",
                &[("persist_mode", json!("async")), ("allow_atomic", json!(false))],
            ),
            ("subjects", &[("subjects", json!(["asynx.e.>"]))]),
            ("sources", &[("sources", json!([{ "name": "KV_ready-state" }]))]),
            (
                "subject_transform",
                &[("subject_transform", json!({ "src": "asynx.e.>", "dest": "other.>" }))],
            ),
        ];
        for (why, changes) in bad {
            let mut config = good();
            for (key, value) in *changes {
                config[*key] = value.clone();
            }
            if *why == "no_ack" {
                config["allow_atomic"] = json!(false);
            }
            ask(&client, "CREATE.asynx", &config).await;
            let refused = open(&servers.url(), JetStreamOptions::new()).await.unwrap_err();
            let names_it = match *why {
                "sources" => "other streams",
                why => why,
            };
            assert!(refused.contains(names_it), "{why}: {refused}");
            assert!(refused.contains("stream asynx"), "{refused}");
            ask(&client, "DELETE.asynx", &json!({})).await;
        }
        ask(&client, "CREATE.asynx", &good()).await;
        open(&servers.url(), JetStreamOptions::new()).await.unwrap();
        // Full is refused, not made room for: that drops nothing.
        let mut full = good();
        full["max_msgs"] = json!(1000);
        ask(&client, "UPDATE.asynx", &full).await;
        open(&servers.url(), JetStreamOptions::new()).await.unwrap();
    });
}

#[test]
fn options_that_a_stream_does_not_fit_are_refused() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let memory = JetStreamOptions::new()
            .with_stream("memory")
            .with_storage(Storage::Memory);
        drop(servers.store(memory.clone()).await);
        let url = servers.url();
        open(&url, memory.clone()).await.unwrap();
        let refused = open(&url, memory.clone().with_storage(Storage::File))
            .await
            .unwrap_err();
        assert!(refused.contains("memory only"), "{refused}");
        let refused = open(&url, memory.with_replicas(3)).await.unwrap_err();
        assert!(refused.contains("1 replicas, not 3"), "{refused}");
        let refused = open(&url, JetStreamOptions::new().without_create()).await.unwrap_err();
        assert!(refused.contains("no stream asynx"), "{refused}");
        for name in ["", "a.b", "a b", &"n".repeat(33)] {
            let refused = open(&url, JetStreamOptions::new().with_stream(name)).await.unwrap_err();
            assert!(refused.contains("stream name"), "{refused}");
        }
        let refused = open(&url, JetStreamOptions::new().with_subject_prefix("a.*"))
            .await
            .unwrap_err();
        assert!(refused.contains("subject prefix"), "{refused}");
        let refused = JetStreamStore::connect("nats://127.0.0.1:1").await.unwrap_err();
        assert!(refused.is_transient(), "{refused:?}");
    });
}

#[test]
fn a_full_stream_refuses_what_is_new_for_good_and_keeps_what_is_old() {
    use asynx_core::store::AppendError;
    use asynx_core::{StreamId, Version};
    use asynx_testkit::samples;

    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let store = servers.store(JetStreamOptions::new().with_max_bytes(20_000)).await;
        let stream = StreamId::parse("full", "a").unwrap();
        let mut stored = 0;
        let refused = loop {
            match store
                .append(&stream, samples::carrying(stored + 1, &"x".repeat(1_000)))
                .await
            {
                Ok(_) => stored += 1,
                Err(refused) => break refused,
            }
            assert!(stored < 100);
        };
        assert!(
            matches!(&refused, AppendError::NotApplied(error) if !error.is_transient()),
            "{refused:?}"
        );
        assert!(stored > 5);
        assert_eq!(
            store.read_from(&stream, Version::FIRST).await.unwrap().len() as u64,
            stored
        );
        let group = samples::group(&stream, stored + 1, 40);
        let outcome = store.append_batch(&[group]).await.remove(0);
        stored += outcome.applied.len() as u64;
        let refused = outcome.stopped.unwrap();
        assert!(
            matches!(&refused, AppendError::NotApplied(error) if !error.is_transient()),
            "{refused:?}"
        );
        assert_eq!(
            store.read_from(&stream, Version::FIRST).await.unwrap().len() as u64,
            stored
        );
        let refused = store.append(&stream, samples::tombstone(stored + 1)).await.unwrap_err();
        assert!(
            matches!(&refused, AppendError::NotApplied(error) if !error.is_transient()),
            "{refused:?}"
        );
        let large = samples::carrying(stored + 1, &"x".repeat(2_000_000));
        let refused = store.append(&stream, large).await.unwrap_err();
        assert!(refused.to_string().contains("max_payload"), "{refused}");
        assert!(
            matches!(&refused, AppendError::NotApplied(error) if !error.is_transient()),
            "{refused:?}"
        );
    });
}
