//! The write path of asynx: shards, cache, group commit, conflicts, forget, shutdown.
