use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A directory that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let name = format!("asynx-sqlite-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a directory for temporary files");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The database.
    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("store.db")
    }

    /// What SQLite keeps beside it.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        self.0.join(format!("store.db{ending}"))
    }

    /// Removes the lock files of leases.
    pub(crate) fn remove_locks(&self) {
        let entries = std::fs::read_dir(&self.0).expect("the folder can be read");
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().contains("-lease-") {
                std::fs::remove_file(entry.path()).expect("a lock file can be removed");
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
