//! Long proofs of the durable stores of asynx, run by `cargo xtask soak` and `cargo xtask crash`.
//!
//! `soak` lets several processes append to one database and others follow its log, and compares what was acknowledged
//! with what was delivered. `crash` kills processes, connections and servers under load, and looks for what was
//! acknowledged. `fight` lets two processes fight for one aggregate, and holds every answer against the
//! stream. `projections` lets processes run projections that are killed and paused, and compares their tables with the log.
//! The processes are this program again, with the name of their role as command.

mod arguments;
mod bank;
mod clock;
mod crash;
mod database;
mod fight;
mod process;
mod project;
mod soak;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::arguments::Arguments;

const USAGE: &str = "usage:
  asynx-soak soak [--seconds N] [--store postgres|sqlite|jetstream|jetstream-1] [--seed S] [--sabotage NAME]
  asynx-soak crash [--rounds N] [--store postgres|sqlite|jetstream|jetstream-1|all] [--seed S]
                   [--sabotage NAME] [--beside N] [--storms N] [--restarts N] [--both N] [--patience SECONDS]
  asynx-soak fight [--seconds N] [--store postgres|sqlite|jetstream|jetstream-1] [--seed S] [--sabotage NAME]
  asynx-soak projections [--seconds N] [--store postgres|sqlite] [--seed S] [--sabotage NAME]

  soak   4 processes append for N seconds, by default 60, others read; the last line says what was found.
         JetStream is a cluster of three servers, or jetstream-1: its servers are killed, the leader among them, most of
         them at once, and connections are cut; what is unknown is appended again until it is known.
         Sabotages break the readers, to prove that it is found: no-watermark (PostgreSQL only: events are read as
         soon as they can be seen), skip, repeat, swap.
  crash  A process of clients is killed N times, by default 50; one of two --beside times (a fifth of N). The connections
         to PostgreSQL and JetStream are cut for a while --storms times (5), the server, or some of its servers, killed and
         started anew --restarts times (5). JetStream's are killed together with the process --both times (a fifth of N);
         `--store jetstream` is a cluster of three, and then one server.
         A call that takes longer than 75 s is unanswered.
         Sabotages break the clients: early (answers before it is stored), keyless (keys are not passed on), mute (one
         call is never answered).
  fight  Two processes fight for one account, for N seconds, by default 20. Built with the feature `sabotage`,
         no-freshness-check answers rejections by what may be outdated.
  projections
         4 processes append for N seconds, by default 60, and run projections, while they are killed and paused for
         longer than their leases; then the tables of the projections are compared with the log.
         Sabotages break the store that the engines see: checkpoint-first (it is committed before the handler's work),
         no-fence (whoever moves a checkpoint is taken for its newest owner), skipped-partition (who takes over a
         partition begins at the end of the log).

ASYNX_TEST_POSTGRES is the URL of the PostgreSQL server to use; `cargo xtask soak` and `cargo xtask crash` start one.
ASYNX_TEST_NATS_SERVER is the program nats-server, by default the one on PATH; these commands find or fetch it.";

#[tokio::main]
async fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    match run(&command, Arguments::new(words)).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: &str, arguments: Arguments) -> Result<ExitCode> {
    match command {
        "soak" => soak::run(arguments).await,
        "crash" => crash::run(arguments).await,
        soak::WRITER => soak::write(arguments).await,
        soak::READER => soak::read(arguments).await,
        "fight" => fight::run(arguments).await,
        crash::CLIENT => crash::client(arguments).await,
        fight::FIGHTER => fight::fighter(arguments).await,
        "projections" => project::run(arguments).await,
        project::WORKER => project::work(arguments).await,
        _ => bail!("`{command}` is no command\n{USAGE}"),
    }
}
