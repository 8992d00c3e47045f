-- One line for each table of a schema, and for what belongs to it; of a view, a sign of its definition.
-- $1 the schema, $2 where names go on after the prefix, $3 the names after it, $4 a pattern for the prefix.
with t as materialized (
    select c.*, substr(c.relname, $2) as name
    from pg_class c
    where c.relnamespace = $1::oid and c.relkind in ('r', 'p', 'v')
        and substr(c.relname, $2) = any ($3) and c.relname like $4
)
select 'table ' || name from t where relkind <> 'v'
union all
select 'view ' || name || ' '
    || left(md5(replace(pg_get_viewdef(oid), relnamespace::regnamespace::text || '.', '')), 8)
from t where relkind = 'v'
union all
select 'column ' || name || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || case when a.attnotnull then ' not null' else '' end
    || coalesce(' collate ' || l.collname, '')
    || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
from t
join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
left join pg_collation l on l.oid = a.attcollation
where relkind <> 'v'
union all
select case when i.indisunique then 'unique ' else '' end || 'index on ' || name || ' ('
    || (select string_agg(pg_get_indexdef(i.indexrelid, k, true), ', ' order by k)
        from generate_series(1, i.indnatts) k) || ')'
    || coalesce(' where ' || pg_get_expr(i.indpred, i.indrelid), '')
    || case when i.indisvalid then '' else ' (invalid)' end
from t join pg_index i on i.indrelid = t.oid
union all
select 'check on ' || name || ' ' || pg_get_constraintdef(k.oid)
from t join pg_constraint k on k.conrelid = t.oid and k.contype not in ('p', 'u', 'n')
union all
select 'trigger on ' || name || ' ' || g.tgname from t join pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal
union all
select 'rule on ' || name || ' ' || r.rulename from t join pg_rewrite r on r.ev_class = t.oid and relkind <> 'v'
union all
select 'row level security on ' || name from t where relrowsecurity
union all
select 'option of ' || name || ' ' || option from t, unnest(reloptions) option where option like 'fillfactor=%'
union all
select 'unlogged table ' || name || ', which a crash empties' from t where relpersistence = 'u'
