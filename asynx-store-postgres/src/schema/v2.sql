-- The projections that are run in the transactions of appends. An append of their categories by a process that does not
-- run them would leave them behind.
create table {inline} (
    name text collate "C" primary key,
    version bigint not null,
    categories text[] collate "C" not null,
    since timestamptz not null default now()
);

-- Counts the changes of that table. An append shows the count that it knows, and is refused where that is not the newest.
alter table {log} add column inline_changes bigint not null default 0;
