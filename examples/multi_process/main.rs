//! Two processes sell the seats of one concert, on one PostgreSQL server, at the same time. No seat is sold twice, and
//! none stays empty. What one process sells, the other one sees.

mod concert;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;

use asynx::projection::{Entry, SubscribeOptions, Typed, subscribe};
use asynx::runtime::TokioRuntime;
use asynx::store::{PostgresOptions, PostgresStore};
use asynx::{Asynx, SendError};
use asynx_examples::say;
use futures::StreamExt;
use futures::future::join_all;

use crate::concert::{Announce, Book, Concert, SoldOut};

const SEATS: u32 = 100;
/// How many customers each of the two processes has: more than half of the seats, so that they get in each other's way.
const CUSTOMERS: u32 = 80;
const USAGE: &str = "usage: multi_process --url postgres://user:password@localhost/database";

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = match arguments[..] {
        ["--url", url] => run(url).await,
        // One of the two processes that it starts.
        ["sell", url, concert, seller] => sell(url, concert, seller).await,
        _ => Err(USAGE.into()),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(url: &str) -> Result<()> {
    let store = open(url).await?;
    let concerts = Asynx::<Concert>::builder().store(store.clone()).build().await?;
    // Each run has a concert of its own.
    let mut number = 1;
    while concerts.exists(format!("concert {number}")).await? {
        number += 1;
    }
    let concert = format!("concert {number}");
    let announced = concerts
        .send(Announce {
            concert: concert.clone(),
            seats: SEATS,
        })
        .await?;
    say!("Step 1: A concert with {SEATS} seats, and two processes with {CUSTOMERS} customers each...");
    let mut sellers = [start(url, &concert, "first")?, start(url, &concert, "second")?];

    say!("Step 2: Both sell at the same time...");
    for seller in &mut sellers {
        seller.stdin.take().ok_or("no stdin")?.write_all(b"go\n")?;
    }
    let (mut sold, mut refused) = (0, 0);
    for mut seller in sellers {
        let mut said = String::new();
        BufReader::new(seller.stdout.take().ok_or("no stdout")?).read_line(&mut said)?;
        let counts: Vec<u32> = said.split_whitespace().flat_map(str::parse).collect();
        let [here, not] = counts[..] else {
            return Err("a process failed: see above".into());
        };
        (sold, refused) = (sold + here, refused + not);
        seller.wait()?;
    }
    say!("        {sold} customers have a seat, {refused} were told that it is sold out");

    say!("Step 3: What the log says of it, in this third process...");
    let options = SubscribeOptions::default().after(announced.position);
    let runtime = Arc::new(TokioRuntime::current()?);
    let mut log = subscribe(Arc::new(store), runtime, Typed::<Concert>::new(), options);
    let mut by_seller: BTreeMap<String, u32> = BTreeMap::new();
    for expected in 1..=SEATS {
        let (_, entry) = log.next().await.ok_or("the log has ended")??;
        let Entry::Event(event) = &*entry else {
            return Err("a concert was forgotten".into());
        };
        // Each event has sold the next seat.
        if event.aggregate_id.as_str() != concert || event.aggregate.sold != expected {
            return Err(format!("seat {expected} was to be sold, found {}", event.aggregate.sold).into());
        }
        *by_seller
            .entry(event.metadata.user.clone().unwrap_or_default())
            .or_default() += 1;
    }
    say!("        seats 1 to {SEATS} were sold, each once, in this order");
    let sellers: Vec<String> = by_seller.into_keys().collect();
    say!("        sellers: {}", sellers.join(" and "));
    Ok(())
}

/// Begins when it is told to, and prints how many customers have a seat and how many have none.
async fn sell(url: &str, concert: &str, seller: &str) -> Result<()> {
    let concerts = Asynx::<Concert>::builder().store(open(url).await?).build().await?;
    concerts.preload(concert).await?;
    std::io::stdin().read_line(&mut String::new())?;
    let selling = (1..=CUSTOMERS).map(|customer| book(&concerts, concert, seller, customer));
    let (mut sold, mut refused) = (0, 0);
    for booked in join_all(selling).await {
        match booked? {
            true => sold += 1,
            false => refused += 1,
        }
    }
    say!("{sold} {refused}");
    Ok(())
}

/// Books until there is an answer. Whether another process was faster is of no interest here: the command is run again
/// on the newer state by itself, a few times; only then is it told, and sent again.
async fn book(concerts: &Asynx<Concert>, concert: &str, seller: &str, customer: u32) -> Result<bool> {
    loop {
        let command = Book {
            concert: concert.to_owned(),
        };
        let sending = concerts
            .send(command)
            .idempotency_key(format!("{seller} {customer}"))
            .user(seller);
        match sending.await {
            Ok(_) => return Ok(true),
            Err(SendError::Rejected(SoldOut)) => return Ok(false),
            Err(SendError::Failed(error)) if error.is_transient() => {}
            Err(SendError::Failed(error)) => return Err(error.into()),
        }
    }
}

fn start(url: &str, concert: &str, seller: &str) -> Result<Child> {
    let mut process = Command::new(std::env::current_exe()?);
    process.args(["sell", url, concert, seller]);
    Ok(process.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
}

/// Tables of its own, beside whatever else is in the database.
async fn open(url: &str) -> Result<PostgresStore> {
    let options = PostgresOptions::new().with_schema("asynx_example_seats");
    Ok(PostgresStore::connect_with(url, options).await?)
}
