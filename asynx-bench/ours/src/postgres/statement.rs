use std::time::{Duration, Instant};

use asynx::store::PostgresStore;
use bench_workload::{Arguments, Report, median, per_second};

use super::bare::Bare;

const BLOCK: Duration = Duration::from_millis(250);

#[derive(Clone, Copy)]
enum What {
    Append,
    Unnest,
}

/// The store's append in a bare loop, with so many in flight, and a bare insert of as many rows: by turns, on the same tables.
pub(crate) async fn statement(arguments: &Arguments, report: &mut Report) {
    let url = Arguments::database();
    let (lanes, batch) = (arguments.get("lanes", 2), arguments.get("batch", 256));
    let streams = 1_000_usize.div_ceil(lanes).max(batch);
    PostgresStore::connect(&url).await.unwrap().close().await;
    let mut bare = Vec::new();
    for number in 0..lanes {
        bare.push(Bare::connect(&url, number, streams).await);
    }
    let (mut appends, mut unnests) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    // The first block of each is the warm-up.
    while begun.elapsed() < arguments.seconds() || appends.len() < 3 {
        let rate;
        (bare, rate) = block(bare, batch, What::Append).await;
        appends.push(rate);
        let rate;
        (bare, rate) = block(bare, batch, What::Unnest).await;
        unnests.push(rate);
    }
    report.figure("append_per_s", median(&mut appends[1..]));
    report.figure("unnest_per_s", median(&mut unnests[1..]));
}

/// Events a second.
async fn block(bare: Vec<Bare>, batch: usize, what: What) -> (Vec<Bare>, f64) {
    let begun = Instant::now();
    let lanes = bare.into_iter().map(|mut bare| {
        tokio::spawn(async move {
            let mut events = 0;
            while begun.elapsed() < BLOCK {
                match what {
                    What::Append => bare.append(batch).await,
                    What::Unnest => bare.unnest(batch).await,
                }
                events += batch as u64;
            }
            (bare, events)
        })
    });
    let lanes: Vec<_> = lanes.collect();
    let (mut bare, mut events) = (Vec::new(), 0);
    for lane in lanes {
        let (done, sent) = lane.await.unwrap();
        bare.push(done);
        events += sent;
    }
    (bare, per_second(events, begun.elapsed()))
}
