use std::collections::BTreeSet;

use asynx_core::StoreError;
use sqlx::{Connection as _, PgConnection};

use super::{BEGIN, STEPS, run};
use crate::error::store_error;
use crate::names::Names;

/// One line for each column, index, constraint and view of our tables in a schema.
const SHAPE: &str = "
select 'column ' || substr(c.relname, $2) || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || case when a.attnotnull then ' not null' else '' end
    || case when l.collname in ('default', 'C') then ' collate ' || l.collname else '' end
    || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
left join pg_collation l on l.oid = a.attcollation
where c.relnamespace = $1::oid and c.relkind in ('r', 'p', 'v') and substr(c.relname, $2) = any ($3) and c.relname like $4
union all
select case when i.indisunique then 'unique ' else '' end || 'index on ' || substr(c.relname, $2) || ' ('
    || (select string_agg(pg_get_indexdef(i.indexrelid, k, true), ', ' order by k)
        from generate_series(1, i.indnatts) k) || ')'
    || coalesce(' where ' || pg_get_expr(i.indpred, i.indrelid), '')
    || case when i.indisvalid then '' else ' (invalid)' end
from pg_class c join pg_index i on i.indrelid = c.oid
where c.relnamespace = $1::oid and substr(c.relname, $2) = any ($3) and c.relname like $4
union all
select 'check on ' || substr(c.relname, $2) || ' ' || pg_get_constraintdef(k.oid)
from pg_class c join pg_constraint k on k.conrelid = c.oid and k.contype not in ('p', 'u', 'n')
where c.relnamespace = $1::oid and substr(c.relname, $2) = any ($3) and c.relname like $4
union all
select 'trigger on ' || substr(c.relname, $2) || ' ' || t.tgname
from pg_class c join pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal
where c.relnamespace = $1::oid and substr(c.relname, $2) = any ($3) and c.relname like $4
";

const OURS: [&str; 9] = [
    "migrations",
    "log",
    "heads",
    "events",
    "snapshots",
    "checkpoints",
    "leases",
    "parked",
    "events_json",
];

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
        .bind(&OURS[..])
        .bind(pattern)
        .fetch_all(connection)
        .await
        .map_err(store_error)?;
    Ok(lines.into_iter().collect())
}
