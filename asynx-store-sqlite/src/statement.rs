use futures::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments, Either, Encode, Executor, SqlSafeStr, Sqlite, Type, query_with};

/// The values of a statement. Text never becomes part of one.
#[derive(Default, Clone)]
pub(crate) struct Values(SqliteArguments);

impl Values {
    pub(crate) fn with_room_for(count: usize) -> Self {
        let mut values = Self::default();
        values.0.reserve(count, 0);
        values
    }

    pub(crate) fn text(self, text: impl Into<String>) -> Self {
        self.add(text.into())
    }

    pub(crate) fn number(self, number: i64) -> Self {
        self.add(number)
    }

    pub(crate) fn blob(self, bytes: &[u8]) -> Self {
        self.add(bytes.to_vec())
    }

    pub(crate) fn optional_text(self, text: Option<String>) -> Self {
        self.add(text)
    }

    pub(crate) fn into_driver(self) -> SqliteArguments {
        self.0
    }

    fn add(mut self, value: impl Encode<'static, Sqlite> + Type<Sqlite>) -> Self {
        self.0.add(value).expect("numbers, texts and blobs can be encoded");
        self
    }
}

/// A text of several statements, one of which failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: sqlx::Error,
    /// How many statements had succeeded before it.
    pub(crate) after: usize,
}

/// Runs a text of one or several statements in one round trip to the connection's thread. The rows of each.
pub(crate) async fn run(
    connection: &mut SqliteConnection,
    sql: impl SqlSafeStr,
    values: Values,
) -> Result<Vec<Vec<SqliteRow>>, Failed> {
    let mut results = connection.fetch_many(query_with(sql, values.0));
    let (mut statements, mut rows) = (Vec::new(), Vec::new());
    loop {
        match results.try_next().await {
            Ok(Some(Either::Right(row))) => rows.push(row),
            Ok(Some(Either::Left(_))) => statements.push(std::mem::take(&mut rows)),
            Ok(None) => return Ok(statements),
            Err(error) => {
                let after = statements.len();
                return Err(Failed { error, after });
            }
        }
    }
}
