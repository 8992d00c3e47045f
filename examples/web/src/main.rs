//! The service as a program: a store, a port, and an orderly end.

mod arguments;

use std::error::Error;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use asynx::store::{MemoryStore, PostgresStore, SqliteStore};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use web::{App, router};

use crate::arguments::{Arguments, Kind};

/// How long requests that are under way may take once the service is to end.
const GRACE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("error: {error}");
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

async fn run() -> Result<(), Box<dyn Error>> {
    let Arguments { port, kind, url } = Arguments::parse(std::env::args().skip(1))?;
    // Before anything else, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let app = match kind {
        Kind::Memory => App::start(MemoryStore::new(), App::options()).await?,
        Kind::Sqlite => {
            let file = url.unwrap_or_else(|| "web.db".to_owned());
            App::start(SqliteStore::open(&file).await?, App::options()).await?
        }
        Kind::Postgres => {
            let url = url.ok_or("PostgreSQL needs a URL: --url postgres://user:password@localhost/database")?;
            App::start(PostgresStore::connect(&url).await?, App::options()).await?
        }
    };
    say(&format!("listening on http://{}", listener.local_addr()?));

    let serving = axum::serve(listener, router(app.clone())).with_graceful_shutdown(app.stopped());
    let ending = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        say("ending: no more requests are taken");
        app.stop();
        tokio::time::sleep(GRACE).await;
    };
    let in_time = tokio::select! {
        served = serving => served.map(|()| true)?,
        () = ending => false,
    };
    // What was sent is carried out, also for those who were cut off.
    app.finish(GRACE).await?;
    if !in_time {
        return Err(format!("some requests did not end within {GRACE:?}").into());
    }
    say("ended");
    Ok(())
}

/// `println!` would panic where nobody reads any more; a service serves on.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
