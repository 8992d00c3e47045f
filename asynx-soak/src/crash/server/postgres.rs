use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use asynx_testkit::Random;
use sqlx::{Executor as _, PgConnection, Row as _};
use tokio::time::sleep;

use crate::clock::Stopwatch;
use crate::database::Postgres;

/// What `cargo xtask crash` waits for, on stdout.
const RESTART: &str = "please restart the server";
/// How long a restart may take.
const PATIENCE: Duration = Duration::from_secs(90);
const TICK: Duration = Duration::from_millis(50);
/// How long a storm lasts.
const STORM: Duration = Duration::from_secs(2);

/// Makes trouble on the server of PostgreSQL.
pub(in crate::crash) struct PostgresServer {
    postgres: Postgres,
    side: PgConnection,
}

impl PostgresServer {
    pub(super) async fn of(postgres: &Postgres) -> Result<Self> {
        Ok(Self {
            side: postgres.connect().await?,
            postgres: postgres.clone(),
        })
    }

    /// Terminates connections of the stores for a while: all of them, or some.
    pub(super) async fn storm(&mut self, random: &mut Random) -> Result<()> {
        let watch = Stopwatch::start();
        while watch.elapsed() < STORM {
            let share = if random.chance(0.5) { 1.0 } else { 0.4 };
            sqlx::query(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                 where application_name = $1 and random() < $2",
            )
            .bind(self.postgres.application_name())
            .bind(share)
            .execute(&mut self.side)
            .await?;
            sleep(Duration::from_millis(random.below(150))).await;
        }
        Ok(())
    }

    /// Has the server killed and started anew.
    pub(super) async fn restart(&mut self) -> Result<()> {
        let before = started(&mut self.side).await?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "{RESTART}").and_then(|()| stdout.flush())?;
        let watch = Stopwatch::start();
        while watch.elapsed() < PATIENCE {
            sleep(TICK).await;
            let Ok(mut side) = self.postgres.connect().await else {
                continue;
            };
            if started(&mut side).await.is_ok_and(|now| now != before) {
                self.side = side;
                return Ok(());
            }
        }
        bail!("the server was not restarted; run this by `cargo xtask crash`, or give --restarts 0")
    }
}

async fn started(side: &mut PgConnection) -> Result<String> {
    let row = side.fetch_one("select pg_postmaster_start_time()::text").await;
    Ok(row
        .context("failed to ask the server when it was started")?
        .try_get(0)?)
}
