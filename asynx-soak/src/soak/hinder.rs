use std::time::Duration;

use anyhow::Result;
use asynx_testkit::Random;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::plan::{DOOMED, REFUSED, SLOW};
use crate::database::Postgres;

/// What stands in the way of appends and of readers: transactions that take their time.
pub(super) struct Hinder {
    tasks: JoinSet<Result<u64>>,
    stop: watch::Sender<bool>,
}

/// So many strangers have transactions on a table of their own.
const STRANGERS: u64 = 3;
/// The longest transaction of a stranger.
const LONGEST: Duration = Duration::from_secs(3);
/// The longest pause between two of them.
const PAUSE: Duration = Duration::from_millis(400);

/// The store's own statements are slowed down and refused by triggers; the heads of shared streams are moved late,
/// long after the transaction has its number.
const PREPARE: &str = "
create table {schema}.stranger (n bigint generated always as identity, at timestamptz default clock_timestamp());
create function {schema}.slow() returns trigger language plpgsql as $$
begin
    if new.event_name <> '{refused}' then perform pg_sleep(power(random(), 2)); end if;
    if new.event_name <> '{slow}' then raise exception 'doomed'; end if;
    return null;
end $$;
create trigger slow after insert on {schema}.events for each row
when (new.event_name in ('{slow}', '{doomed}', '{refused}')) execute function {schema}.slow();
create function {schema}.late() returns trigger language plpgsql as $$
begin
    if random() < 0.02 then perform pg_sleep(random() * 0.05); end if;
    return new;
end $$;
create trigger late before insert or update on {schema}.heads for each row
when (new.aggregate_id like 'shared-%') execute function {schema}.late();
";

const OLDEST: &str = "
select extract(epoch from clock_timestamp() - xact_start)::float8,
    format('process %s of %L, %s', pid, application_name, state)
from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid() order by xact_start limit 1
";

impl Hinder {
    pub(super) async fn start(postgres: &Postgres, seed: u64) -> Result<Self> {
        let prepare = PREPARE
            .replace("{slow}", SLOW)
            .replace("{doomed}", DOOMED)
            .replace("{refused}", REFUSED);
        postgres.run(&prepare).await?;
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        for stranger in 0..STRANGERS {
            let connection = postgres.connect().await?;
            let insert = postgres.fill("insert into {schema}.stranger default values");
            let random = Random::seeded(seed.wrapping_add(stranger));
            tasks.spawn(strange(connection, insert, random, stop.subscribe()));
        }
        Ok(Self { tasks, stop })
    }

    /// Ends the transactions of strangers; how many there were.
    pub(super) async fn stop(mut self) -> Result<u64> {
        self.stop.send_replace(true);
        let mut transactions = 0;
        while let Some(ended) = self.tasks.join_next().await {
            transactions += ended??;
        }
        Ok(transactions)
    }
}

/// Since when, in seconds, the oldest transaction that writes has been under way, which is the age of the log's watermark;
/// and whose it is.
pub(super) async fn oldest_writer(connection: &mut PgConnection) -> Result<(f64, String)> {
    match connection.fetch_optional(OLDEST).await? {
        Some(row) => Ok((row.try_get(0)?, row.try_get(1)?)),
        None => Ok((0.0, "nobody".to_owned())),
    }
}

/// One transaction after the other: some write and then do nothing, or something that lasts, some only read; some are
/// rolled back.
async fn strange(
    mut connection: PgConnection,
    insert: String,
    mut random: Random,
    mut stop: watch::Receiver<bool>,
) -> Result<u64> {
    let mut transactions = 0;
    while !*stop.borrow() {
        // Short ones are more frequent.
        let share = random.below(1_000) * random.below(1_000);
        let lasts = LONGEST * u32::try_from(share)? / 1_000_000;
        let writes = random.chance(0.8);
        connection.execute("begin isolation level repeatable read").await?;
        if writes {
            connection.execute(AssertSqlSafe(insert.clone())).await?;
            if random.chance(0.3) {
                connection.execute("savepoint part").await?;
                connection.execute(AssertSqlSafe(insert.clone())).await?;
            }
        } else {
            connection.execute("select count(*) from pg_class").await?;
        }
        if random.chance(0.5) {
            let sleeping = format!("select pg_sleep({})", lasts.as_secs_f64());
            connection.execute(AssertSqlSafe(sleeping)).await?;
        } else {
            pause(lasts, &mut stop).await;
        }
        let end = if random.chance(0.7) { "commit" } else { "rollback" };
        connection.execute(end).await?;
        transactions += 1;
        pause(PAUSE * u32::try_from(random.below(100))? / 100, &mut stop).await;
    }
    Ok(transactions)
}

async fn pause(lasts: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = sleep(lasts) => {}
        // Never an error that matters: it ends the pause too.
        _ = stop.wait_for(|stop| *stop) => {}
    }
}
