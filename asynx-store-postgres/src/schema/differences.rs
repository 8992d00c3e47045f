use std::collections::BTreeSet;

use asynx_core::StoreError;
use sqlx::{Connection as _, PgConnection};

use super::{BEGIN, STEPS, run};
use crate::error::store_error;
use crate::names::{Names, TABLES};

const SHAPE: &str = include_str!("shape.sql");

/// Makes the right tables in the session's temporary schema, compares, and rolls back.
pub(crate) async fn differences(connection: &mut PgConnection, names: &Names) -> Result<Vec<String>, StoreError> {
    let mut transaction = connection.begin().await.map_err(store_error)?;
    let right = names.temporary();
    let sql = format!("{BEGIN};\n{}", STEPS.join("\n;"));
    // The view would be made of temporary tables, which PostgreSQL takes for granted here.
    run(&mut transaction, &right.render(&sql)).await?;
    let live = "select coalesce((select oid from pg_namespace where nspname = $1), 0::oid)::bigint";
    let live: i64 = sqlx::query_scalar(live)
        .bind(names.schema())
        .fetch_one(&mut *transaction)
        .await
        .map_err(store_error)?;
    let temporary: i64 = sqlx::query_scalar("select pg_my_temp_schema()::bigint")
        .fetch_one(&mut *transaction)
        .await
        .map_err(store_error)?;
    let wanted = shape(&mut transaction, temporary, names).await?;
    let found = shape(&mut transaction, live, names).await?;
    transaction.rollback().await.map_err(store_error)?;
    let missing = wanted.difference(&found).map(|line| format!("missing: {line}"));
    let unknown = found.difference(&wanted).map(|line| format!("not of asynx: {line}"));
    Ok(missing.chain(unknown).collect())
}

async fn shape(connection: &mut PgConnection, schema: i64, names: &Names) -> Result<BTreeSet<String>, StoreError> {
    let prefix = names.prefix();
    let pattern: String = prefix.chars().flat_map(|c| ['\\', c]).chain(['%']).collect();
    let lines: Vec<String> = sqlx::query_scalar(SHAPE)
        .bind(schema)
        .bind(i32::try_from(prefix.chars().count()).unwrap_or(0) + 1)
        .bind(&TABLES[..])
        .bind(pattern)
        .fetch_all(connection)
        .await
        .map_err(store_error)?;
    Ok(lines.into_iter().collect())
}
