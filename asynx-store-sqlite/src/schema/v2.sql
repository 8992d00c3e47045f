-- The projections that are run in the transactions of appends. An append of their categories by a process that does not
-- run them would leave them behind.
CREATE TABLE asynx_inline (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    categories TEXT NOT NULL            -- a list as JSON; an empty one stands for all
) STRICT, WITHOUT ROWID;

-- Counts the changes of that table. An append that does not know the newest one is refused.
CREATE TABLE asynx_inline_changes (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    changes INTEGER NOT NULL
) STRICT;
INSERT INTO asynx_inline_changes (only_row, changes) VALUES (1, 0);
