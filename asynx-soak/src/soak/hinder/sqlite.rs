use std::time::Duration;

use anyhow::Result;
use asynx_testkit::Random;
use sqlx::{AssertSqlSafe, Executor as _, SqliteConnection};

use super::super::plan::{DOOMED, REFUSED};
use super::done::Done;
use super::hindrance::{Hinder, Stop};
use crate::database::Sqlite;

/// The longest transaction that writes: all others wait for it.
const WRITE: Duration = Duration::from_millis(300);
/// The longest transaction that reads: until its end the log that SQLite writes ahead only grows.
const READ: Duration = Duration::from_secs(3);
/// The longest pause between two of them.
const PAUSE: Duration = Duration::from_millis(800);

const PREPARE: &str = "
create table stranger (n integer primary key);
create trigger refused before insert on asynx_events when new.event_name in ('{doomed}', '{refused}')
begin select raise(abort, 'doomed'); end;
";

/// Refuses some events, and begins to have transactions beside those of the store.
pub(super) async fn start(sqlite: &Sqlite, seed: u64, hinder: &mut Hinder) -> Result<()> {
    let mut connection = sqlite.connect().await?;
    let prepare = PREPARE.replace("{doomed}", DOOMED).replace("{refused}", REFUSED);
    connection.execute(sqlx::raw_sql(AssertSqlSafe(prepare))).await?;
    let (writes, reads) = (sqlite.connect().await?, sqlite.connect().await?);
    let random = Random::seeded(seed);
    hinder.begin(|stop| write(writes, random, stop));
    let random = Random::seeded(seed.wrapping_add(1));
    hinder.begin(|stop| read(reads, random, stop));
    Ok(())
}

async fn write(mut connection: SqliteConnection, mut random: Random, mut stop: Stop) -> Result<Done> {
    let mut transactions = 0;
    while !stop.is_wanted() {
        stop.pause(part(PAUSE, &mut random)).await;
        // Others are in the way as well.
        if connection.execute("begin immediate").await.is_err() {
            continue;
        }
        connection.execute("insert into stranger default values").await?;
        stop.pause(part(WRITE, &mut random)).await;
        let end = if random.chance(0.7) { "commit" } else { "rollback" };
        connection.execute(end).await?;
        transactions += 1;
    }
    Ok(Done::transactions(transactions))
}

async fn read(mut connection: SqliteConnection, mut random: Random, mut stop: Stop) -> Result<Done> {
    let mut transactions = 0;
    while !stop.is_wanted() {
        connection.execute("begin").await?;
        connection.execute("select count(*) from stranger").await?;
        stop.pause(part(READ, &mut random)).await;
        connection.execute("commit").await?;
        transactions += 1;
        stop.pause(part(PAUSE, &mut random)).await;
    }
    Ok(Done::transactions(transactions))
}

/// Short ones are more frequent.
fn part(longest: Duration, random: &mut Random) -> Duration {
    longest.mul_f64((random.below(1_000) * random.below(1_000)) as f64 / 1e6)
}
