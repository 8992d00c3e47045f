use std::path::{Path, PathBuf};

use asynx_core::StoreError;

/// The one path of a database file, whatever links lead there: locks and logs lie beside it.
pub(crate) fn located(path: &Path) -> Result<PathBuf, StoreError> {
    let refused = |why: &str| StoreError::permanent(format!("{:?} cannot hold a store: {why}", path.display()));
    if path == Path::new(":memory:") {
        return Err(refused("for a store in memory call `SqliteStore::in_memory`"));
    }
    if path.to_str().is_none() {
        return Err(refused("SQLite wants paths in UTF-8"));
    }
    if path.is_dir() {
        return Err(refused("it is a directory, give a file in it"));
    }
    let Some(name) = path.file_name() else {
        return Err(refused("it names no file"));
    };
    if let Ok(existing) = path.canonicalize() {
        return Ok(existing);
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let directory = directory.canonicalize().map_err(|error| {
        refused(&format!(
            "its directory {:?} is not there, make it first",
            directory.display()
        ))
        .caused_by(error)
    })?;
    Ok(directory.join(name))
}
