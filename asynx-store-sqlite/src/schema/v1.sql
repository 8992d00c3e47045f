-- One row per stream: how far it has come. 0 stands for none.
CREATE TABLE asynx_streams (
    stream INTEGER PRIMARY KEY,
    category TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    version INTEGER NOT NULL,           -- the newest event; never falls
    floor INTEGER NOT NULL DEFAULT 0,   -- the newest tombstone: the present life begins after it
    erased INTEGER NOT NULL DEFAULT 0,  -- no payload is left up to here; below the floor: an erasure is pending
    fence INTEGER NOT NULL DEFAULT 0    -- no snapshot is taken up to here
) STRICT;
CREATE UNIQUE INDEX asynx_streams_by_name ON asynx_streams (category, aggregate_id);
CREATE INDEX asynx_streams_pending ON asynx_streams (category) WHERE floor > erased;

-- The log. AUTOINCREMENT: a position is never given twice, also when its event was deleted.
CREATE TABLE asynx_events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    stream INTEGER NOT NULL,
    version INTEGER NOT NULL,
    event_id BLOB NOT NULL,
    event_name TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,       -- microseconds since 1970, UTC
    record BLOB                         -- JSON text; NULL once it was erased
) STRICT;
CREATE UNIQUE INDEX asynx_events_by_version ON asynx_events (stream, version);
-- The id comes first: new ids are ordered by time, so they all go to the end of the index.
CREATE UNIQUE INDEX asynx_events_by_id ON asynx_events (event_id, stream);

CREATE TABLE asynx_snapshots (
    stream INTEGER NOT NULL,
    schema_version INTEGER NOT NULL,
    version INTEGER NOT NULL,           -- the newest event in it
    document BLOB NOT NULL,             -- JSON text
    PRIMARY KEY (stream, schema_version)
) STRICT;

-- How far readers of the log have come. A row outlives its reader, so that no fence comes again.
CREATE TABLE asynx_checkpoints (
    reader TEXT PRIMARY KEY,
    fence INTEGER NOT NULL,
    known INTEGER NOT NULL,             -- 0 once it was removed
    position TEXT
) STRICT, WITHOUT ROWID;

-- Leases of sole writers. Who holds one is told by the lock on the file `<database>-lease-<lease>`.
CREATE TABLE asynx_leases (
    lease INTEGER PRIMARY KEY,
    category TEXT NOT NULL UNIQUE,
    generation INTEGER NOT NULL
) STRICT;

-- Leases by name. A row outlives its lease, so that no token comes again.
CREATE TABLE asynx_named_leases (
    name TEXT PRIMARY KEY,
    token INTEGER NOT NULL,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL              -- microseconds since 1970, UTC; 0 once it was given back
) STRICT, WITHOUT ROWID;

-- The events that readers of the log could not handle.
CREATE TABLE asynx_parked (
    reader TEXT NOT NULL,
    position INTEGER NOT NULL,
    category TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    event_id BLOB NOT NULL,
    event_name TEXT NOT NULL,
    error TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    parked_at INTEGER NOT NULL,         -- microseconds since 1970, UTC
    PRIMARY KEY (reader, position)
) STRICT, WITHOUT ROWID;

-- For people.
CREATE VIEW asynx_events_json AS
SELECT
    e.position,
    s.category,
    s.aggregate_id,
    e.version,
    e.event_name,
    strftime('%Y-%m-%dT%H:%M:%S', e.occurred_at / 1000000, 'unixepoch')
        || printf('.%06dZ', e.occurred_at % 1000000) AS occurred_at,
    lower(
        substr(hex(e.event_id), 1, 8) || '-' || substr(hex(e.event_id), 9, 4) || '-' || substr(hex(e.event_id), 13, 4)
        || '-' || substr(hex(e.event_id), 17, 4) || '-' || substr(hex(e.event_id), 21)
    ) AS event_id,
    CAST(e.record AS TEXT) AS record
FROM asynx_events AS e
JOIN asynx_streams AS s ON s.stream = e.stream;
