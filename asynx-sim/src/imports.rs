//! Streams that are sent without waiting for answers, as an import does: the next version is on its way before the last
//! one is stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use asynx_core::StreamId;
use asynx_core::store::AppendError;
use asynx_lanes::{LaneOptions, Lanes};
use asynx_testkit::{Random, samples};
use futures::future::join_all;

use crate::run::Run;
use crate::stores::Transactions;

/// Imports a few streams through lanes, and holds the log against what was answered.
pub(crate) async fn import(run: &Arc<Run>) {
    let process = run.machine.process("import");
    let mut random = Random::seeded(run.machine.entropy());
    let store = Arc::new(Transactions::new(Arc::new(process.clone())));
    let options = LaneOptions::default()
        .with_lanes(1 + random.below(4) as usize)
        .with_max_events(1 + random.below(6) as usize);
    let appending = Arc::clone(&store);
    let lanes = Lanes::new(Arc::new(process), run.sabotaged_lanes(options), move |groups| {
        let store = Arc::clone(&appending);
        Box::pin(async move { store.append(&groups).await })
    });
    let streams = (0..=random.below(4)).filter_map(|number| StreamId::parse("import", &format!("I{number}")).ok());
    let length = 2 + random.below(6);
    let imports = streams.map(|stream| {
        let groups = (1..=length).map(|version| vec![samples::group(&stream, version, 1)]);
        let answers: Vec<_> = groups.map(|group| lanes.append(group)).collect();
        async move {
            let answers = join_all(answers).await.into_iter().flatten();
            (stream, answers.map(|answer| answer.stopped).collect::<Vec<_>>())
        }
    });
    let imports = join_all(imports.collect::<Vec<_>>()).await;
    let mut logged: BTreeMap<StreamId, Vec<u64>> = BTreeMap::new();
    for (_, stream, version) in store.log() {
        logged.entry(stream).or_default().push(version);
    }
    for (stream, answers) in imports {
        let versions = logged.remove(&stream).unwrap_or_default();
        if !versions.is_sorted() {
            let what = format!("{stream}: {versions:?}");
            run.history.wrong("the log has each stream in version order", what);
        }
        let stored = answers.iter().take_while(|stopped| stopped.is_none()).count();
        let refused = answers[stored..]
            .iter()
            .position(|stopped| !matches!(stopped, Some(AppendError::Conflict | AppendError::NotApplied(_))));
        let first_is_conflict = matches!(answers.get(stored), Some(Some(AppendError::Conflict)));
        if versions.len() != stored || refused.is_some() || first_is_conflict {
            let what = format!("{stream}: stored {versions:?}, answered {answers:?}");
            run.history
                .wrong("appends of one stream are made in the order of the calls", what);
        }
    }
}
