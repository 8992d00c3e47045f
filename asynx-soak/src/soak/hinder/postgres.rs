use std::time::Duration;

use anyhow::Result;
use asynx_testkit::Random;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

use super::super::plan::{DOOMED, REFUSED, SLOW};
use super::done::Done;
use super::hindrance::{Hinder, Stop};
use crate::database::Postgres;

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

/// Slows the store's own statements down, and begins to have transactions beside them.
pub(super) async fn start(postgres: &Postgres, seed: u64, hinder: &mut Hinder) -> Result<()> {
    let prepare = PREPARE
        .replace("{slow}", SLOW)
        .replace("{doomed}", DOOMED)
        .replace("{refused}", REFUSED);
    postgres.run(&prepare).await?;
    for stranger in 0..STRANGERS {
        let connection = postgres.connect().await?;
        let insert = postgres.fill("insert into {schema}.stranger default values");
        let random = Random::seeded(seed.wrapping_add(stranger));
        hinder.begin(|stop| strange(connection, insert, random, stop));
    }
    Ok(())
}

/// One transaction after the other: some write and then do nothing, or something that lasts, some only read; some are
/// rolled back.
async fn strange(mut connection: PgConnection, insert: String, mut random: Random, mut stop: Stop) -> Result<Done> {
    let mut transactions = 0;
    while !stop.is_wanted() {
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
            stop.pause(lasts).await;
        }
        let end = if random.chance(0.7) { "commit" } else { "rollback" };
        connection.execute(end).await?;
        transactions += 1;
        stop.pause(PAUSE * u32::try_from(random.below(100))? / 100).await;
    }
    Ok(Done::transactions(transactions))
}
