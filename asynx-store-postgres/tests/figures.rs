//! The watermark's age as a figure.

mod server;

use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use server::{Schema, connect, run};

#[tokio::test]
async fn the_age_of_the_watermark_is_told_when_it_is_asked_for() {
    let schema = Schema::new();
    let store = schema.store().await;
    let mut writing = connect().await;
    run(
        &mut writing,
        "begin; create temporary table t (n int); insert into t values (1)",
    )
    .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let recorder = DebuggingRecorder::new();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let watermark = store.watermark().await.unwrap();
    assert!(watermark.age() >= Duration::from_millis(50));
    let told: Vec<_> = recorder.snapshotter().snapshot().into_vec();
    let told: Vec<_> = told
        .iter()
        .map(|(key, _, _, value)| (key.key().name(), value))
        .collect();
    let age = DebugValue::Gauge(watermark.age().as_secs_f64().into());
    assert_eq!(told, [("asynx_watermark_age_seconds", &age)]);
    run(&mut writing, "rollback").await;
}
