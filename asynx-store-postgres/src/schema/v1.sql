-- Which numbering of transactions is in force: transaction numbers begin anew when a dump is restored elsewhere.
create table {log} (
    only_row boolean primary key default true check (only_row),
    epoch integer not null default 0
);
insert into {log} default values;

-- How far each stream has come. Appends move it by compare-and-set.
create table {heads} (
    category text collate "C" not null,
    aggregate_id text collate "C" not null,
    version bigint not null,
    -- The newest tombstone, and up to where everything is erased.
    floor bigint not null default 0,
    erased bigint not null default 0,
    -- What an append proposes; without meaning afterwards.
    base bigint,
    next bigint,
    next_floor bigint,
    primary key (category, aggregate_id)
) with (fillfactor = 50);
create index on {heads} (category, aggregate_id) where floor > erased;

create table {events} (
    -- The place in the log: the transaction that stored the event, and its place in there.
    epoch integer not null,
    tx bigint not null,
    seq integer not null,
    category text collate "C" not null,
    aggregate_id text collate "C" not null,
    version bigint not null,
    event_id uuid not null,
    event_name text collate "C" not null,
    -- Microseconds since 1970, UTC.
    occurred_at bigint not null,
    -- Null once it was erased.
    record bytea,
    primary key (category, aggregate_id, version)
);
create unique index on {events} (epoch, tx, seq);
create index on {events} (event_id);

-- The row of schema version 0 is a fence: no snapshot at or below its version is taken any more.
create table {snapshots} (
    category text collate "C" not null,
    aggregate_id text collate "C" not null,
    schema_version bigint not null,
    version bigint not null,
    document bytea,
    primary key (category, aggregate_id, schema_version)
);

-- How far readers of the log have come.
create table {checkpoints} (
    reader text collate "C" primary key,
    position text collate "C",
    fence bigint not null,
    -- False once the reader was removed, until it is claimed again.
    live boolean not null default true,
    moved_at timestamptz not null default now()
);

-- Who is the only one to do something, such as to write a category.
create table {leases} (
    name text collate "C" primary key,
    token bigint not null,
    holder text collate "C" not null,
    expires_at timestamptz not null,
    -- What changes a key waits for those who hold a key share lock: a lease is given when the appends of the last are over.
    unique (name, token)
);

-- The events that readers of the log could not handle.
create table {parked} (
    reader text collate "C" not null,
    epoch integer not null,
    tx bigint not null,
    seq integer not null,
    category text collate "C" not null,
    aggregate_id text collate "C" not null,
    version bigint not null,
    event_id uuid not null,
    event_name text collate "C" not null,
    error text not null,
    attempts bigint not null,
    -- Microseconds since 1970, UTC.
    parked_at bigint not null,
    primary key (reader, epoch, tx, seq)
);

-- For people with psql. Positions are ordered by epoch, tx, seq.
create view {events_json} as
select
    epoch || '-' || tx || '-' || seq as position,
    category,
    aggregate_id,
    version,
    event_name,
    to_timestamp(occurred_at / 1000000.0) as occurred_at,
    event_id,
    epoch,
    tx,
    seq,
    convert_from(record, 'UTF8')::json as record
from {events};
