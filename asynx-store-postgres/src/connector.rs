use std::io;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::Runtime;
use futures::future::{Either, select};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::PostgresOptions;

/// What no database, role or URL may set otherwise. The plans are made once, for index look-ups: a table that was small
/// when a plan was cached may be large later.
const PINNED: [(&str, &str); 12] = [
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
    ("synchronous_commit", "on"),
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("jit", "off"),
    ("search_path", "pg_catalog"),
    ("client_min_messages", "warning"),
    ("lock_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("transaction_timeout", "0"),
];

/// What the server calls us where nobody gave us a name.
const APPLICATION_NAME: &str = "asynx";
/// How many statements a connection keeps prepared: all that there are, whatever the URL says, which may be meant for a
/// pooler.
const STATEMENTS: usize = 64;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Makes connections that have the settings which the statements rely on.
#[derive(Clone)]
pub(crate) struct Connector {
    options: PgConnectOptions,
    pinned: Arc<str>,
    timeout: Duration,
    pub(crate) runtime: Arc<dyn Runtime>,
}

impl Connector {
    pub(crate) fn new(connect: PgConnectOptions, options: &PostgresOptions, runtime: Arc<dyn Runtime>) -> Self {
        Self {
            options: match connect.get_application_name() {
                Some(_) => connect,
                None => connect.application_name(APPLICATION_NAME),
            }
            .statement_cache_capacity(STATEMENTS),
            pinned: pinned(options.statement_timeout).into(),
            timeout: options.acquire_timeout,
            runtime,
        }
    }

    pub(crate) const fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Tries once.
    pub(crate) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let connecting = Box::pin(self.try_connect());
        match select(connecting, self.runtime.sleep(self.timeout)).await {
            Either::Left((connected, _)) => connected,
            Either::Right(_) => Err(self.silent()),
        }
    }

    /// Tries again where the server may only be starting.
    pub(crate) async fn connect_patiently(&self) -> Result<PgConnection, sqlx::Error> {
        let mut last = None;
        let trying = Box::pin(async {
            let mut pause = FIRST_PAUSE;
            loop {
                match self.try_connect().await {
                    Err(error) if may_be_starting(&error) => last = Some(error),
                    done => return done,
                }
                self.runtime.sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        });
        let tried = match select(trying, self.runtime.sleep(self.timeout)).await {
            Either::Left((connected, _)) => Some(connected),
            Either::Right(_) => None,
        };
        tried.unwrap_or_else(|| Err(last.unwrap_or_else(|| self.silent())))
    }

    pub(crate) async fn pin(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let pinned = sqlx::raw_sql(AssertSqlSafe(self.pinned.clone()));
        connection.execute(pinned).await.map(drop)
    }

    /// Whether a connection that was not used for a while is still there. What cuts silent connections does it silently
    /// as well.
    pub(crate) async fn is_alive(&self, connection: &mut PgConnection) -> bool {
        let ping = Box::pin(connection.ping());
        let patience = self.timeout.min(Duration::from_secs(1));
        matches!(
            select(ping, self.runtime.sleep(patience)).await,
            Either::Left((Ok(()), _))
        )
    }

    async fn try_connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        self.pin(&mut connection).await?;
        Ok(connection)
    }

    fn silent(&self) -> sqlx::Error {
        let message = format!("no answer within {:?}", self.timeout);
        sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, message))
    }
}

/// A setting that the server does not know is passed over: not every version has all. Commits that wait for even more
/// than ours do so still.
pub(crate) fn pinned(statement_timeout: Duration) -> String {
    let statement_timeout = statement_timeout.max(Duration::from_millis(1)).as_millis().to_string();
    let settings = PINNED.into_iter().chain([("statement_timeout", &*statement_timeout)]);
    let settings: Vec<String> = settings.map(|(name, value)| format!("('{name}', '{value}')")).collect();
    format!(
        "select set_config(name, case when setting = 'remote_apply' then setting else value end, false) \
         from (values {}) pinned (name, value) join pg_catalog.pg_settings using (name)",
        settings.join(", ")
    )
}

fn may_be_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(io) => io.kind() == io::ErrorKind::ConnectionRefused || io.kind() == io::ErrorKind::NotFound,
        // Starting or stopping; too many connections.
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P03" | "53300")),
        _ => false,
    }
}
