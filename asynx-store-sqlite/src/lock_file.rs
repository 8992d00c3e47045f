use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A file that is locked as long as this lives. The operating system frees it when its process dies, however it dies.
///
/// It is never removed: whoever opened it just before would lock a file that nobody else can see.
pub(crate) struct LockFile {
    path: PathBuf,
    file: File,
}

/// Somebody who removes the file at just this moment does not do it so often.
const TRIES: usize = 8;

impl LockFile {
    /// Locks a file, which is made where it is missing. `None` where somebody else has locked it, in whatever process.
    pub(crate) fn try_lock(path: &Path) -> io::Result<Option<Self>> {
        for _ in 0..TRIES {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let locked = Self {
                path: path.to_owned(),
                file,
            };
            if locked.is_in_place() {
                return Ok(Some(locked));
            }
        }
        Ok(None)
    }

    /// Whether the file that is locked is still the one that others find at its path.
    #[cfg(unix)]
    pub(crate) fn is_in_place(&self) -> bool {
        use std::os::unix::fs::MetadataExt;

        let mine = self.file.metadata().map(|file| (file.dev(), file.ino()));
        let found = std::fs::metadata(&self.path).map(|file| (file.dev(), file.ino()));
        matches!((mine, found), (Ok(mine), Ok(found)) if mine == found)
    }

    /// Whether there still is a file at its path. What is open cannot be replaced there.
    #[cfg(not(unix))]
    pub(crate) fn is_in_place(&self) -> bool {
        self.path.exists() && self.file.metadata().is_ok()
    }
}
