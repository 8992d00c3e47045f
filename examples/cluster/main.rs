//! Two instances of a service on a cluster of three nodes of NATS JetStream. The node that leads is killed while orders flow;
//! nothing is lost, nothing happens twice, and the service goes on as soon as another node leads.

mod instance;
mod nodes;
mod order;
mod program;
mod proof;
mod report;
mod said;
mod service;
mod stream;

use std::error::Error;
use std::future::ready;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use asynx::store::JetStreamStore;
use asynx::{Asynx, Event};
use asynx_examples::say;
use tokio::signal::ctrl_c;
use tokio::time::{sleep, timeout};

use crate::instance::{ITEMS, ORDERS, order_id};
use crate::nodes::Nodes;
use crate::order::Order;
use crate::report::{Items, Phase, Report};
use crate::service::{INSTANCES, Service};
use crate::stream::Stream;

/// How many items are added in all.
const TOTAL: usize = INSTANCES.len() * ITEMS;
/// After how many answers the node is killed, and after how many it is started again.
const KILL: usize = TOTAL / 4;
const START: usize = TOTAL * 3 / 4;
/// How long the cluster may take to come together.
const PATIENCE: Duration = Duration::from_secs(30);
const USAGE: &str = "usage: cluster [--nats-server PATH]";

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = match arguments[..] {
        [] => start(None).await,
        ["--nats-server", program] => start(Some(program)).await,
        // One of the instances that it starts.
        ["instance", name, urls] => instance::run(name, urls).await,
        _ => Err(USAGE.into()),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("error: {error}");
            // What lies behind it, too.
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

async fn start(program: Option<&str>) -> Result<()> {
    let program = program::find(program.map(Into::into))?;
    // Whatever comes, the nodes end and their files go.
    tokio::select! {
        ran = run(&program) => ran,
        _ = ctrl_c() => Err("interrupted".into()),
    }
}

async fn run(program: &Path) -> Result<()> {
    say!("Step 1: Three nodes form a cluster, and each is to keep every event...");
    let mut nodes = Nodes::start(program)?;
    let urls = nodes.urls();
    let store = open_store(&nodes).await?;
    let stream = Stream::connect(&urls).await?;

    say!("Step 2: Two instances of a service add {ITEMS} items each, both to the same {ORDERS} orders...");
    let mut service = Service::start(&urls).await?;
    service.begin().await?;
    service.until("answers", KILL, Report::answers).await?;
    let leader = nodes.find(&stream.leader().await?)?;
    nodes.kill(leader)?;
    service.report.phase = Phase::NodeGone;
    say!("        {KILL} are answered: the node that leads was killed");
    service
        .until("answers, one node is gone", START, Report::answers)
        .await?;
    nodes.start_again(leader)?;
    service.report.phase = Phase::NodeBack;
    say!("        {START} are answered: it was started again");
    service.until("answers", TOTAL, Report::answers).await?;
    say!("        {TOTAL} are answered");
    let given = service.until("events given to whom they are for", TOTAL, Report::given);
    match given.await {
        Ok(()) => say!("        every event was given to whom it is for"),
        // The proof below tells what is lost.
        Err(error) => eprintln!("error: {error}"),
    }
    stream.whole().await?;
    say!("        the node that was killed has every event as well");

    let report = service.end().await?;
    proof::show(&report, &read(store).await?)
}

/// As soon as the nodes have found each other. The streams are made then.
async fn open_store(nodes: &Nodes) -> Result<JetStreamStore> {
    let opening = async {
        loop {
            match instance::open_store(&nodes.urls()).await {
                Ok(store) => return Ok(store),
                Err(error) if !error.is_transient() => return Err(error.into()),
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    };
    match timeout(PATIENCE, opening).await {
        Ok(opened) => opened,
        Err(_) => Err(format!("the nodes form no cluster; they said last:\n{}", nodes.last_words()).into()),
    }
}

/// The items of all events, read by this process, which has added none.
async fn read(store: JetStreamStore) -> Result<Items> {
    let orders = Asynx::<Order>::builder().store(store).build().await?;
    let mut stored = Items::default();
    for number in 0..ORDERS {
        let note = |event: Event<Order>| {
            stored.note(event.aggregate.newest());
            ready(())
        };
        orders.replay(order_id(number), .., note).await?;
    }
    Ok(stored)
}
