use asynx_core::StoreError;
use asynx_core::store::AppendError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// What a failed call means.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    let (transient, message) = explain(&error);
    let said = if transient {
        StoreError::transient(message)
    } else {
        StoreError::permanent(message)
    };
    said.caused_by(error)
}

/// What a failed append means: nothing was sent yet.
pub(crate) fn not_sent(error: sqlx::Error) -> AppendError {
    AppendError::NotApplied(store_error(error))
}

/// What a failed append means: the statement was sent, unless it could not even be encoded.
pub(crate) fn append_error(error: sqlx::Error) -> AppendError {
    if matches!(error, sqlx::Error::Encode(_)) {
        return not_sent(error);
    }
    match database(&error) {
        // The server refused the statement and rolled it back.
        Some(refused) if refused.severity() == PgSeverity::Error => AppendError::NotApplied(store_error(error)),
        // A backend that was ended may have committed before; a connection that broke tells nothing.
        _ => AppendError::Unknown(store_error(error)),
    }
}

/// Whether the server refused a statement, and so rolls its transaction back.
pub(crate) fn is_refusal(error: &sqlx::Error) -> bool {
    database(error).is_some_and(|refused| refused.severity() == PgSeverity::Error)
}

/// Whether it may go away.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    explain(error).0
}

/// Whether an append did not know the newest change of the inline projections.
pub(crate) fn is_outdated(error: &sqlx::Error) -> bool {
    database(error).is_some_and(|refused| refused.code() == "22012")
}

fn database(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    match error {
        sqlx::Error::Database(error) => error.try_downcast_ref::<PgDatabaseError>(),
        _ => None,
    }
}

/// Whether it may go away, and what to do.
fn explain(error: &sqlx::Error) -> (bool, String) {
    if let Some(refused) = database(error) {
        return explain_code(refused);
    }
    match error {
        sqlx::Error::PoolTimedOut => (
            true,
            "no connection to PostgreSQL was free in time; allow more readers, or look for what holds them".to_owned(),
        ),
        sqlx::Error::PoolClosed => (false, "the store was closed".to_owned()),
        // How a certificate is refused.
        sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::InvalidData => {
            (false, format!("PostgreSQL cannot be reached by TLS: {io}"))
        }
        sqlx::Error::Io(io) => (true, format!("the connection to PostgreSQL failed: {io}")),
        sqlx::Error::Tls(tls) => (false, format!("PostgreSQL cannot be reached by TLS: {tls}")),
        sqlx::Error::Configuration(wrong) => (false, format!("the URL of PostgreSQL is wrong: {wrong}")),
        sqlx::Error::Encode(wrong) => (false, format!("this cannot be sent to PostgreSQL: {wrong}")),
        sqlx::Error::Protocol(wrong) => (true, format!("the connection to PostgreSQL failed: {wrong}")),
        other => (
            false,
            format!("PostgreSQL gave an answer that was not expected: {other}"),
        ),
    }
}

fn explain_code(error: &PgDatabaseError) -> (bool, String) {
    let (code, said) = (error.code(), error.message());
    let table = error
        .table()
        .map(|table| format!(" (table {table})"))
        .unwrap_or_default();
    match code {
        "40001" | "40P01" | "55P03" => (true, format!("another transaction was in the way: {said}")),
        "57014" => (
            true,
            format!("PostgreSQL took too long: {said}; raise the statement timeout if that is to be expected"),
        ),
        "57P01" | "57P02" | "57P05" | "25P03" => (true, format!("PostgreSQL ended the connection: {said}")),
        "57P03" => (true, format!("PostgreSQL takes no connections now: {said}")),
        "25006" => (
            true,
            format!("PostgreSQL only reads: {said}; it is a standby, so connect to the primary"),
        ),
        "42501" => (
            false,
            format!("the role lacks a privilege: {said}{table}; grant it, or let another role make the tables"),
        ),
        "3D000" => (false, format!("{said}: create the database first")),
        "28P01" | "28000" => (false, format!("PostgreSQL refused the role or its password: {said}")),
        "42P01" | "3F000" => (
            false,
            format!(
                "the tables of asynx are not there: {said}; open the store with Migrate::AtOpen, or run its schema"
            ),
        ),
        "42703" | "42883" | "42804" => (
            false,
            format!(
                "the tables of asynx are not as they should be: {said}; PostgresStore::check_schema tells what differs"
            ),
        ),
        "26000" | "42P05" => (
            true,
            format!(
                "statements of other sessions are in the way: {said}; a pooler between here and PostgreSQL has to be in \
                 session mode"
            ),
        ),
        "22021" | "22P05" => (
            false,
            format!("the database cannot keep this text: {said}; its encoding has to be UTF8"),
        ),
        "23505" => (
            false,
            format!("what is stored contradicts itself: {said}{table}; was a table restored without the others?"),
        ),
        _ => match &code[..code.len().min(2)] {
            "08" => (true, format!("the connection to PostgreSQL failed: {said}")),
            "53" if code == "53100" => (true, format!("PostgreSQL's disk is full: {said}; free some space")),
            "53" => (true, format!("PostgreSQL is short of resources: {said}")),
            "58" => (true, format!("PostgreSQL's system failed: {said}")),
            _ => (false, format!("PostgreSQL refused: {said} ({code}){table}")),
        },
    }
}
