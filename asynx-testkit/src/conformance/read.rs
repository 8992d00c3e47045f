//! S7-S9: reading.

use asynx_core::Version;
use asynx_core::store::AppendError;
use bytes::Bytes;

use super::Trial;
use super::check::Kept;
use crate::samples;

/// Events of all sizes come back in order, with their bytes, and with positions where there is a log.
pub async fn s7_reads_give_the_bytes_in_order(trial: &Trial) -> Kept {
    let has_log = trial.log()?.is_some();
    let stream = trial.stream("a");
    let sizes = [0, 1, 100, 10_000, 1_000_000, 3];
    let text = |size: usize| "0123456789".repeat(size / 10 + 1)[..size].to_owned();
    let events: Vec<_> = (1..)
        .zip(sizes)
        .map(|(version, size)| samples::carrying(version, &text(size)))
        .collect();
    for event in &events {
        trial.append(&stream, event.clone()).await?;
    }
    trial.holds(&stream, &events).await?;
    for event in trial.read(&stream).await? {
        let seen = format!("version {} has the position {:?}", event.version, event.position);
        trial.ensure(event.position.is_some() == has_log, seen)?;
    }
    Ok(())
}

/// A stream that was never appended to is empty for every read.
pub async fn s7_an_unknown_stream_is_empty(trial: &Trial) -> Kept {
    let stream = trial.stream("never");
    trial.holds(&stream, &[]).await?;
    let range = trial.store().read_range(&stream, Version::FIRST, 10);
    trial.equal(
        "a range of an unknown stream",
        trial.ok("reading a range", range).await?,
        Vec::new(),
    )?;
    trial.equal("the count of an unknown stream", trial.count(&stream).await?, 0)?;
    trial.equal(
        "the head of an unknown stream",
        trial.head(&stream, None).await?,
        Default::default(),
    )?;
    trial.equal(
        "the load of an unknown stream",
        trial.load(&stream).await?,
        Default::default(),
    )
}

/// An append beyond the version after the head would leave a gap, so it is refused.
pub async fn s7_appends_leave_no_gaps(trial: &Trial) -> Kept {
    let fits = |error: &AppendError| matches!(error, AppendError::Conflict | AppendError::NotApplied(_));
    let stream = trial.stream("a");
    let answer = trial.store().append(&stream, samples::event(2)).await;
    trial.refused("version 2 of an unknown stream", answer, fits)?;
    let events = trial.fill(&stream, 1, 2).await?;
    for version in [4, 100] {
        let answer = trial.store().append(&stream, samples::event(version)).await;
        trial.refused("an append that leaves a gap", answer, fits)?;
    }
    trial.holds(&stream, &events).await
}

/// Readers beside writers always see a stream from its first event to some version, without gaps.
pub async fn s7_readers_beside_writers_see_no_gaps(trial: &Trial) -> Kept {
    let stream = trial.stream("a");
    let racers = (0..4).map(|racer| {
        let (trial, stream) = (trial.clone(), stream.clone());
        async move {
            if racer == 0 {
                for version in (1..=40).step_by(2) {
                    trial.batch(&[samples::group(&stream, version, 2)]).await?;
                    trial.step_back().await;
                }
                return Ok(());
            }
            loop {
                let versions: Vec<u64> = trial
                    .read(&stream)
                    .await?
                    .iter()
                    .map(|event| event.version.get())
                    .collect();
                let expected: Vec<u64> = (1..=versions.len() as u64).collect();
                trial.equal("versions read beside a writer", &versions, &expected)?;
                if versions.len() >= 40 {
                    return Ok(());
                }
                trial.step_back().await;
            }
        }
    });
    trial.race(racers).await?.into_iter().collect()
}

/// Every beginning and every count, also beyond the end.
pub async fn s8_reads_keep_their_bounds(trial: &Trial) -> Kept {
    const EVENTS: u64 = 7;
    let stream = trial.stream("a");
    trial.fill(&stream, 1, EVENTS).await?;
    let last = Version::new(i64::MAX as u64).expect("the highest version");
    for from in (1..=EVENTS + 2).filter_map(Version::new).chain([last]) {
        let expected: Vec<u64> = (from.get()..=EVENTS).collect();
        let read = trial.ok("reading", trial.store().read_from(&stream, from)).await?;
        let versions: Vec<u64> = read.iter().map(|event| event.version.get()).collect();
        trial.equal(format!("`read_from({from})` of {EVENTS}"), &versions, &expected)?;
        let count = trial.ok("counting", trial.store().count(&stream, from)).await?;
        trial.equal(format!("`count({from})` of {EVENTS}"), count, expected.len() as u64)?;
        for count in (0..=EVENTS as usize + 1).chain([usize::MAX]) {
            let range = trial.store().read_range(&stream, from, count);
            let range = trial.ok("reading a range", range).await?;
            let versions: Vec<u64> = range.iter().map(|event| event.version.get()).collect();
            let expected: Vec<u64> = expected.iter().copied().take(count).collect();
            trial.equal(format!("`read_range({from}, {count})` of {EVENTS}"), versions, expected)?;
        }
    }
    Ok(())
}

/// The caller's buffers are dropped, or overwritten where they are its own, and other events are appended: what was
/// stored and what was read stay as they were.
pub async fn s9_buffers_are_not_shared(trial: &Trial) -> Kept {
    let stream = trial.stream("a");
    let mut originals = Vec::new();
    for version in 1..=6 {
        let mut event = samples::carrying(version, "abcdefgh");
        originals.push(event.record.to_vec());
        event.record = Bytes::from(event.record.to_vec());
        let buffer = event.record.clone();
        trial.append(&stream, event).await?;
        overwrite(buffer);
    }
    let first = trial.read(&stream).await?;
    for (event, original) in first.iter().zip(&originals) {
        let seen = format!("version {} changed after its append", event.version);
        trial.ensure(event.record == original[..], seen)?;
    }
    for event in first {
        overwrite(event.record);
    }
    for (event, original) in trial.read(&stream).await?.iter().zip(&originals) {
        let seen = format!("version {} changed after it was read", event.version);
        trial.ensure(event.record == original[..], seen)?;
    }
    Ok(())
}

/// Writes over a buffer where nobody else holds it.
fn overwrite(buffer: Bytes) {
    if let Ok(mut mine) = buffer.try_into_mut() {
        mine.fill(b'#');
    }
}
