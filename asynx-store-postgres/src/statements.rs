use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use crate::names::Names;

/// The statements with the names of the tables filled in. Values are always bound.
pub(crate) struct Statements {
    pub(crate) append_batch: Sql,
    pub(crate) append_one: Sql,
    pub(crate) append_fenced: Sql,
    pub(crate) read: Sql,
    pub(crate) count: Sql,
    pub(crate) heads: Sql,
    pub(crate) load: Sql,
    pub(crate) log_page: Sql,
    pub(crate) log_page_of_streams: Sql,
    pub(crate) log_end: Sql,
    pub(crate) log_tail: Sql,
    pub(crate) log_count: Sql,
    pub(crate) watermark: Sql,
    pub(crate) delete: [Sql; 3],
    pub(crate) snapshot_put: Sql,
    pub(crate) snapshot_get: Sql,
    pub(crate) snapshot_fence: Sql,
    pub(crate) snapshot_delete: Sql,
    pub(crate) erase_head: Sql,
    pub(crate) erase_payloads: Sql,
    pub(crate) erase_rows: Sql,
    pub(crate) erase_pending: Sql,
    pub(crate) checkpoint_get: Sql,
    pub(crate) checkpoint_claim: Sql,
    pub(crate) checkpoint_put: Sql,
    pub(crate) checkpoint_remove: Sql,
    pub(crate) lease_acquire: Sql,
    pub(crate) lease_renew: Sql,
    pub(crate) lease_release: Sql,
    pub(crate) lease_held: Sql,
    pub(crate) park: Sql,
    pub(crate) parked: Sql,
    pub(crate) unpark: Sql,
    pub(crate) checkpoint_move: Sql,
    pub(crate) inline_changes: Sql,
    pub(crate) inline_noted: Sql,
    pub(crate) inline_lock: Sql,
    pub(crate) inline_any: Sql,
    pub(crate) inline_rest: Sql,
    pub(crate) inline_note: Sql,
    pub(crate) inline_remove: Sql,
    pub(crate) inline_change: Sql,
    pub(crate) tombstone: Sql,
}

/// One statement.
pub(crate) struct Sql(Arc<str>);

impl Sql {
    pub(crate) fn get(&self) -> SqlStr {
        // Nothing but identifiers was filled in, each quoted by `Names`.
        AssertSqlSafe(self.0.clone()).into_sql_str()
    }
}

impl Statements {
    pub(crate) fn new(names: &Names) -> Self {
        let sql = |text: &str| Sql(names.render(text).into());
        let batch = |fence: &str, fenced: &str| {
            let text = APPEND_BATCH.replace("{fence}", fence).replace("{fenced}", fenced);
            sql(&text)
        };
        let page = |text: &str| sql(&text.replace("{watermark}", WATERMARK));
        Self {
            append_batch: batch("", ""),
            append_fenced: batch(FENCE, FENCED),
            append_one: sql(APPEND_ONE),
            read: sql(READ),
            count: sql(COUNT),
            heads: sql(HEADS),
            load: sql(LOAD),
            log_page: page(LOG_PAGE),
            log_page_of_streams: page(LOG_PAGE_OF_STREAMS),
            log_end: page(LOG_END),
            log_tail: page(LOG_TAIL),
            log_count: page(LOG_COUNT),
            watermark: page(BLOCKER),
            delete: DELETE.map(sql),
            snapshot_put: sql(SNAPSHOT_PUT),
            snapshot_get: sql(SNAPSHOT_GET),
            snapshot_fence: sql(SNAPSHOT_FENCE),
            snapshot_delete: sql(SNAPSHOT_DELETE),
            erase_head: sql(ERASE_HEAD),
            erase_payloads: sql(ERASE_PAYLOADS),
            erase_rows: sql(ERASE_ROWS),
            erase_pending: sql(ERASE_PENDING),
            checkpoint_get: sql(CHECKPOINT_GET),
            checkpoint_claim: sql(CHECKPOINT_CLAIM),
            checkpoint_put: sql(CHECKPOINT_PUT),
            checkpoint_remove: sql(CHECKPOINT_REMOVE),
            lease_acquire: sql(LEASE_ACQUIRE),
            lease_renew: sql(LEASE_RENEW),
            lease_release: sql(LEASE_RELEASE),
            lease_held: sql(LEASE_HELD),
            park: sql(PARK),
            parked: sql(PARKED),
            unpark: sql(UNPARK),
            checkpoint_move: sql(CHECKPOINT_MOVE),
            inline_changes: sql(INLINE_CHANGES),
            inline_noted: sql(INLINE_NOTED),
            inline_lock: sql(INLINE_LOCK),
            inline_any: sql(INLINE_ANY),
            inline_rest: sql(INLINE_REST),
            inline_note: sql(INLINE_NOTE),
            inline_remove: sql(INLINE_REMOVE),
            inline_change: sql(INLINE_CHANGE),
            tombstone: sql(TOMBSTONE),
        }
    }
}

/// Appends groups, each wholly or not at all, in one statement and so in one transaction.
///
/// A group's head moves only if the base it follows on is in the statement's snapshot (`x.version = e.expected`) and
/// still is the head (`h.version = excluded.base`). The first makes transaction order agree with version order: whoever
/// stored the base had committed before this statement began, so its transaction is older. It also makes the look-up
/// of ids complete, which reads the same snapshot.
///
/// What is proposed for a head that should be there is a head of version 0: if it was deleted meanwhile, what follows on it
/// must not become the beginning of a stream.
///
/// An id is looked up by the index of ids, whatever the planner thinks of the stream's: `offset 0` keeps it from reading a
/// whole stream for one id, as a plan that was made while the tables were small would.
///
/// An append that does not know the newest change of the inline projections fails: it divides by zero, an error that
/// nothing else here gives and that shows no row to the server's log.
///
/// One ordered pass over the heads, so that appends of many processes take their locks in one order.
const APPEND_BATCH: &str = r#"
with e as materialized (
    select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::uuid[],
        $8::text[], $9::bigint[], $10::bytea[]) with ordinality
    as t(category, aggregate_id, expected, last, floor, version, event_id, event_name, occurred_at, record, ord)
),
w as materialized (
    select (select epoch / (inline_changes = $11::bigint)::integer from {log}) as epoch,
        pg_current_xact_id()::text::bigint as tx
),
dup as materialized (
    select e.ord, e.category, e.aggregate_id from e
    where exists (
        select from (select category, aggregate_id from {events} x where x.event_id = e.event_id offset 0) x
        where x.category = e.category and x.aggregate_id = e.aggregate_id
    )
),{fence}
moved as (
    insert into {heads} as h (category, aggregate_id, version, floor, base, next, next_floor)
    select category, aggregate_id, case expected when 0 then last else 0 end, case expected when 0 then floor else 0 end,
        expected, last, floor
    from e
    where version = last
        and not exists (select from dup d where d.category = e.category and d.aggregate_id = e.aggregate_id)
        and (expected = 0 or exists (
            select from {heads} x
            where x.category = e.category and x.aggregate_id = e.aggregate_id and x.version = e.expected
        )){fenced}
    order by category collate "C", aggregate_id collate "C"
    on conflict (category, aggregate_id) do update
        set version = excluded.next, floor = greatest(h.floor, excluded.next_floor),
            base = null, next = null, next_floor = null
        where h.version = excluded.base
    returning h.category, h.aggregate_id, h.version
),
ins as (
    insert into {events} (epoch, tx, seq, category, aggregate_id, version, event_id, event_name, occurred_at, record)
    select w.epoch, w.tx, e.ord, e.category, e.aggregate_id, e.version, e.event_id, e.event_name, e.occurred_at, e.record
    from e
    join moved m on m.category = e.category and m.aggregate_id = e.aggregate_id and m.version = e.last
    cross join w
    order by e.ord
)
select e.ord, true as applied, w.epoch, w.tx
from moved m
join e on e.category = m.category and e.aggregate_id = m.aggregate_id and e.version = m.version
cross join w
union all
select dup.ord, false, 0, 0 from dup
"#;

/// Keeps out appends that were begun under a lease which somebody else has by now. The lock lets the lease be renewed,
/// but not be given again: the generation is part of a unique index.
const FENCE: &str = r"
fence as materialized (
    select f.category from {leases} l
    join unnest($12::text[], $13::bigint[]) as f(category, token) on l.name = 'writer:' || f.category
    where l.token = f.token for key share of l
),";
const FENCED: &str = r"
        and (e.category <> all ($12::text[]) or e.category in (select category from fence))";

/// The same for one event, whose plan is cheaper.
const APPEND_ONE: &str = r#"
with w as materialized (
    select (select epoch / (inline_changes = $9::bigint)::integer from {log}) as epoch,
        pg_current_xact_id()::text::bigint as tx,
        exists (
            select from (select category, aggregate_id from {events} where event_id = $5 offset 0) x
            where x.category = $1 and x.aggregate_id = $2
        ) as duplicate
),
moved as (
    insert into {heads} as h (category, aggregate_id, version, floor, base, next, next_floor)
    select $1, $2, case $3::bigint when 1 then 1 else 0 end, case $3::bigint when 1 then $4::bigint else 0 end,
        $3::bigint - 1, $3::bigint, $4::bigint
    from w
    where not w.duplicate and ($3::bigint = 1 or exists (
        select from {heads} where category = $1 and aggregate_id = $2 and version = $3::bigint - 1
    ))
    on conflict (category, aggregate_id) do update
        set version = excluded.next, floor = greatest(h.floor, excluded.next_floor),
            base = null, next = null, next_floor = null
        where h.version = excluded.base
    returning h.version
),
ins as (
    insert into {events} (epoch, tx, seq, category, aggregate_id, version, event_id, event_name, occurred_at, record)
    select w.epoch, w.tx, 1, $1, $2, $3, $5, $6, $7, $8 from w join moved on moved.version = $3::bigint
)
select w.epoch, w.tx, w.duplicate, exists (select from moved where version = $3::bigint) as applied from w
"#;

const READ: &str = r"
select version, epoch, tx, seq, record from {events}
where category = $1 and aggregate_id = $2 and version >= $3 and record is not null
order by version limit $4
";

/// Erased events are at the front, so the head tells the number of the others.
const COUNT: &str = r"
select greatest(version - greatest($3::bigint - 1, erased), 0) from {heads} where category = $1 and aggregate_id = $2
";

const HEADS: &str = r"
select q.ord, h.version, h.floor, h.erased, x.version as found, x.epoch, x.tx, x.seq, x.record
from unnest($1::text[], $2::text[], $3::uuid[]) with ordinality as q(category, aggregate_id, event_id, ord)
left join lateral (
    select version, floor, erased from {heads} h
    where h.category = q.category and h.aggregate_id = q.aggregate_id limit 1
) h on true
left join lateral (
    select version, epoch, tx, seq, record from (select * from {events} x where x.event_id = q.event_id offset 0) x
    where x.category = q.category and x.aggregate_id = q.aggregate_id limit 1
) x on true
";

/// For each stream a row of its head and snapshot (without a version), then its events.
const LOAD: &str = r"
with q as materialized (
    select t.ord, t.category, t.aggregate_id, t.from_version, t.most, h.version as head, h.floor,
        s.version as snapshot, s.document
    from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) with ordinality
        as t(category, aggregate_id, from_version, schema_version, most, ord)
    left join lateral (
        select version, floor from {heads} h
        where h.category = t.category and h.aggregate_id = t.aggregate_id limit 1
    ) h on true
    left join lateral (
        select version, document from {snapshots} s
        where s.category = t.category and s.aggregate_id = t.aggregate_id and s.schema_version = t.schema_version
            and t.from_version is null and s.version > coalesce(h.floor, 0)
        limit 1
    ) s on true
)
select ord, head, floor, snapshot, null::bigint as version, 0 as epoch, 0::bigint as tx, 0 as seq, document as bytes
from q
union all
select q.ord, null, null, null, e.version, e.epoch, e.tx, e.seq, e.record
from q cross join lateral (
    select version, epoch, tx, seq, record from {events} x
    where x.category = q.category and x.aggregate_id = q.aggregate_id and x.record is not null
        and x.version >= greatest(coalesce(q.from_version, q.snapshot + 1, 1), coalesce(q.floor, 0) + 1)
    order by x.version limit q.most
) e
";

/// A page of what comes after a position and is final: below the oldest transaction that is under way. The watermark
/// and the rows are of one snapshot.
///
/// The first row says where the log ends: the watermark, and as its version the first transaction that has not begun. Then come
/// the events that are wanted, $4 at most. Where they are fewer, a row without a version names the last of the $5 rows
/// that were looked at, if there are so many: a filter that wants little does not make one statement long. That look is made only
/// then, since the statement ends with $4 events.
///
/// The rows come in the order of the inner query, and their bytes are counted by who reads them: to sort them, or to add up their
/// sizes here, would be a quarter to a third of the whole cost.
const LOG_PAGE: &str = r"
with w as materialized ({watermark})
select * from (
    select w.epoch, w.xmin as tx, 0 as seq, null as category, null as aggregate_id, w.xmax as version, null::uuid as event_id,
        null as event_name, null::bigint as occurred_at, null::bytea as record
    from w
    union all
    select * from (
        select epoch, tx, seq, category, aggregate_id, version, event_id, event_name, occurred_at, record
        from {events}
        where (epoch, tx, seq) > ($1::integer, $2::bigint, $3::integer)
            and (epoch, tx, seq) < ((select epoch from w), (select xmin from w), 0)
        order by epoch, tx, seq limit $5::bigint
    ) looked_at
    where (cardinality($6::text[]) = 0 or category = any ($6::text[]))
        and (cardinality($7::text[]) = 0 or event_name = any ($7::text[]))
    union all
    select * from (
        select epoch, tx, seq, null, null, null::bigint, null::uuid, null, null::bigint, null::bytea
        from {events}
        where (epoch, tx, seq) > ($1::integer, $2::bigint, $3::integer)
            and (epoch, tx, seq) < ((select epoch from w), (select xmin from w), 0)
        order by epoch, tx, seq limit 1 offset $5::bigint - 1
    ) last
) page
limit $4::bigint + 1
";

/// The same where the streams are known, with at most $4 events and $10 bytes; each row ends with what holds for the whole
/// page, and a page without events is one row. In a stream positions rise with versions, so where to begin is searched for by
/// halves: low is always before it, and high is not once both have met.
const LOG_PAGE_OF_STREAMS: &str = r"
with w as materialized ({watermark}),
wanted as materialized (
    select x.*
    from unnest($8::text[], $9::text[]) as q(category, aggregate_id)
    join {heads} h on h.category = q.category and h.aggregate_id = q.aggregate_id
    cross join lateral (
        with recursive search(low, high) as (
            select 0::bigint, h.version
            union all
            select coalesce(probe.before, low), case when probe.before is null then (low + high + 1) / 2 - 1 else high end
            from search cross join lateral (
                select (
                    select case when (epoch, tx, seq) <= ($1::integer, $2::bigint, $3::integer) then version end
                    from {events}
                    where category = q.category and aggregate_id = q.aggregate_id and version >= (low + high + 1) / 2
                    order by version limit 1
                ) as before
            ) probe
            where high - low > 64
        )
        select low from search order by high - low limit 1
    ) start
    cross join lateral (
        select * from {events} x
        where x.category = q.category and x.aggregate_id = q.aggregate_id and x.version > start.low
            and (x.epoch, x.tx, x.seq) > ($1::integer, $2::bigint, $3::integer)
            and (x.epoch, x.tx, x.seq) < ((select epoch from w), (select xmin from w), 0)
            and (cardinality($6::text[]) = 0 or x.category = any ($6::text[]))
            and (cardinality($7::text[]) = 0 or x.event_name = any ($7::text[]))
        order by x.version limit $5::bigint
    ) x
    order by x.epoch, x.tx, x.seq limit $4::bigint + 1
),
sized as (
    select *, row_number() over in_order as number, sum(coalesce(octet_length(record), 0)) over in_order as total
    from wanted
    window in_order as (order by epoch, tx, seq rows unbounded preceding)
)
select p.epoch, p.tx, p.seq, p.category, p.aggregate_id, p.version, p.event_id, p.event_name, p.occurred_at, p.record,
    w.epoch, w.xmin, w.xmax, (select count(*) from wanted)
from w
left join (select * from sized where number <= $4::bigint and (number = 1 or total <= $10::bigint)) p on true
order by p.number
";

const WATERMARK: &str = r"
    select (select epoch from {log}) as epoch,
        pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xmin,
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint as xmax
";

const LOG_END: &str = r"
select w.epoch, w.xmin, exists (select from {events}) from ({watermark}) w
";

const LOG_COUNT: &str = r"
with w as materialized ({watermark})
select count(*) from (
    select from {events}
    where (epoch, tx, seq) > ($1::integer, $2::bigint, $3::integer)
        and (epoch, tx, seq) < ((select epoch from w), (select xmin from w), 0)
        and (cardinality($5::text[]) = 0 or category = any ($5::text[]))
        and (cardinality($6::text[]) = 0 or event_name = any ($6::text[]))
        and (cardinality($7::text[]) = 0
            or (category, aggregate_id) in (select * from unnest($7::text[], $8::text[])))
    limit $4
) e
";

/// The newest event that is final, and whether there are newer ones.
const LOG_TAIL: &str = r"
with w as materialized ({watermark})
select final.epoch, final.tx, final.seq,
    exists (select from {events} where (epoch, tx, seq) >= ((select epoch from w), (select xmin from w), 0))
from (select) one left join lateral (
    select epoch, tx, seq from {events}
    where (epoch, tx, seq) < ((select epoch from w), (select xmin from w), 0)
    order by epoch desc, tx desc, seq desc limit 1
) final on true
";

/// Who holds the watermark: the number of a transaction that runs is known by its last 32 bits.
const BLOCKER: &str = r"
select w.epoch, w.xmin, b.pid, b.gid, b.database, b.role, b.application_name, b.state,
    (extract(epoch from clock_timestamp() - b.since) * 1000000)::bigint as age
from ({watermark}) w left join lateral (
    select pid, null::text as gid, datname::text as database, usename::text as role, application_name, state,
        xact_start as since
    from pg_stat_activity where backend_xid::text::bigint = w.xmin & 4294967295
    union all
    select null, gid, database::text, owner::text, null, 'prepared', prepared
    from pg_prepared_xacts where transaction::text::bigint = w.xmin & 4294967295
    limit 1
) b on true
";

const DELETE: [&str; 3] = [
    "delete from {heads} where category = $1 and aggregate_id = $2",
    "delete from {events} where category = $1 and aggregate_id = $2",
    "delete from {snapshots} where category = $1 and aggregate_id = $2",
];

/// Locks the stream's fence, so that puts and deletes of one stream come one after the other.
const SNAPSHOT_PUT: &str = r"
with fence as (
    insert into {snapshots} as s (category, aggregate_id, schema_version, version) values ($1, $2, 0, 0)
    on conflict (category, aggregate_id, schema_version) do update set version = s.version
    returning version
)
insert into {snapshots} as s (category, aggregate_id, schema_version, version, document)
select $1, $2, $3, $4::bigint, $5 from fence where fence.version < $4::bigint
on conflict (category, aggregate_id, schema_version) do update
    set version = excluded.version, document = excluded.document
    where s.version <= excluded.version
";

const SNAPSHOT_GET: &str = r"
select version, document from {snapshots}
where category = $1 and aggregate_id = $2 and schema_version = $3 and schema_version > 0
";

const SNAPSHOT_FENCE: &str = r"
insert into {snapshots} as s (category, aggregate_id, schema_version, version) values ($1, $2, 0, $3)
on conflict (category, aggregate_id, schema_version) do update set version = greatest(s.version, excluded.version)
";

const SNAPSHOT_DELETE: &str = r"
delete from {snapshots} where category = $1 and aggregate_id = $2 and schema_version > 0 and version <= $3
";

/// Locks the head; its floor must cover what is erased.
const ERASE_HEAD: &str = r"
update {heads} set erased = greatest(erased, least($3::bigint, floor)) where category = $1 and aggregate_id = $2
returning floor
";

const ERASE_PAYLOADS: &str = r"
update {events} set record = null
where category = $1 and aggregate_id = $2 and version <= $3 and record is not null
";

/// The tombstone's row stays (E6).
const ERASE_ROWS: &str = r"
with gone as (delete from {events} where category = $1 and aggregate_id = $2 and version < $3)
update {events} set record = null where category = $1 and aggregate_id = $2 and version = $3
";

const ERASE_PENDING: &str = r"
select aggregate_id, floor from {heads} where category = $1 and floor > erased order by aggregate_id
";

const CHECKPOINT_GET: &str = "select position, fence from {checkpoints} where reader = $1 and live";

const CHECKPOINT_CLAIM: &str = r"
insert into {checkpoints} as c (reader, fence) values ($1, 1)
on conflict (reader) do update set fence = c.fence + 1, live = true, moved_at = now()
returning position, fence
";

const CHECKPOINT_PUT: &str = r"
update {checkpoints} set position = $2, moved_at = now() where reader = $1 and fence = $3 and live
";

const CHECKPOINT_REMOVE: &str = r"
update {checkpoints} set position = null, live = false, moved_at = now() where reader = $1 and fence = $2 and live
";

/// Without naming a key: beside a unique key that is not named, rows that are inserted at once fail instead of conflicting.
/// Who finds a row that its snapshot does not have was asking while another was given the lease.
const LEASE_ACQUIRE: &str = r"
with taken as (
    update {leases}
    set token = token + 1, holder = $2, expires_at = clock_timestamp() + $3::bigint * interval '1 microsecond'
    where name = $1 and expires_at <= clock_timestamp()
    returning token
), created as (
    insert into {leases} (name, token, holder, expires_at)
    select $1, 1, $2, clock_timestamp() + $3::bigint * interval '1 microsecond' where not exists (select from taken)
    on conflict do nothing
    returning token
)
select token from taken union all select token from created
";

const LEASE_RENEW: &str = r"
update {leases} set expires_at = clock_timestamp() + $3::bigint * interval '1 microsecond'
where name = $1 and token = $2 and expires_at > clock_timestamp()
";

const LEASE_RELEASE: &str = r"
update {leases} set expires_at = '-infinity' where name = $1 and token = $2 and expires_at > '-infinity'
";

/// The names with a prefix are a range.
const LEASE_HELD: &str = r"
select name, holder from {leases}
where name >= $1 and left(name, length($1)) = $1 and expires_at > clock_timestamp() order by name
";

const PARK: &str = r"
insert into {parked} (reader, epoch, tx, seq, category, aggregate_id, version, event_id, event_name, error, attempts,
    parked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (reader, epoch, tx, seq) do update
    set error = excluded.error, attempts = excluded.attempts, parked_at = excluded.parked_at
";

const PARKED: &str = r"
select epoch, tx, seq, category, aggregate_id, version, event_id, event_name, error, attempts, parked_at from {parked}
where reader = $1 and (epoch, tx, seq) > ($2::integer, $3::bigint, $4::integer) order by epoch, tx, seq limit $5
";

const UNPARK: &str = "delete from {parked} where reader = $1 and epoch = $2 and tx = $3 and seq = $4";

/// Locks the row until the transaction's end.
const CHECKPOINT_MOVE: &str = r"
update {checkpoints} set position = $3, moved_at = now()
where reader = $1 and fence = $4 and live and position is not distinct from $2
";

const INLINE_CHANGES: &str = "select inline_changes from {log}";

/// One statement, so that the rows are those of the count.
const INLINE_NOTED: &str = r"
select l.inline_changes, i.name, i.version, i.categories from {log} l left join {inline} i on true order by i.name
";

/// Waits for the appends and erasures that are under way, and keeps others from beginning until the transaction's end.
const INLINE_LOCK: &str = "lock table {heads} in share mode";

const INLINE_ANY: &str =
    "select exists (select from {heads} where cardinality($1::text[]) = 0 or category = any ($1::text[]))";

/// What comes after a position, whatever is under way: for who holds the lock, under which nothing of ours is.
const INLINE_REST: &str = r"
select epoch, tx, seq, category, aggregate_id, version, event_id, event_name, occurred_at, record
from {events}
where (epoch, tx, seq) > ($1::integer, $2::bigint, $3::integer)
    and (cardinality($4::text[]) = 0 or category = any ($4::text[]))
order by epoch, tx, seq limit $5
";

const INLINE_NOTE: &str = r"
insert into {inline} (name, version, categories) values ($1, $2, $3)
on conflict (name) do update set version = excluded.version, categories = excluded.categories, since = now()
";

const INLINE_REMOVE: &str = "delete from {inline} where name = $1 returning version";

const INLINE_CHANGE: &str = "update {log} set inline_changes = inline_changes + 1";

/// The newest tombstone of a stream that has not begun to live again.
const TOMBSTONE: &str = r"
select e.epoch, e.tx, e.seq, e.category, e.aggregate_id, e.version, e.event_id, e.event_name, e.occurred_at,
    null::bytea as record
from {heads} h join {events} e using (category, aggregate_id, version)
where h.category = $1 and h.aggregate_id = $2 and h.version = h.floor
";
