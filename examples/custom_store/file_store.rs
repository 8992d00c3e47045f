//! A durable store on plain files: the five methods that make a [`Store`], and nothing else.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use asynx::store::{AppendError, NewEvent, StoredEvent};
use asynx::{Position, Store, StoreError, StreamId, Version};

use crate::folder::{Folder, file_of, sync, unless};

/// Events in a folder. Clones share it, and so may other processes.
#[derive(Debug, Clone)]
pub struct FileStore(Arc<Folder>);

impl FileStore {
    /// Opens a folder, or makes it; its parent must be there. Blocks: to be called while a program starts.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let folder = told(Folder::open(path), path.display(), "used")?;
        Ok(Self(Arc::new(folder)))
    }

    /// S10: a call is one closure, on a thread that may block. Once it runs, it runs to its end.
    async fn call<T: Send + 'static>(
        &self,
        stream: &StreamId,
        work: impl FnOnce(&Folder, &StreamId) -> T + Send + 'static,
    ) -> T {
        let (folder, stream) = (Arc::clone(&self.0), stream.clone());
        blocking::unblock(move || work(&folder, &stream)).await
    }
}

#[async_trait]
impl Store for FileStore {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        let appended = self.call(stream, move |folder, stream| append(folder, stream, &event));
        appended.await
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.read_range(stream, from, usize::MAX).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let events = self.call(stream, move |folder, stream| read(folder, stream, from, count));
        told(events.await, stream, "read")
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        let head = told(self.call(stream, head).await, stream, "counted")?;
        Ok((head + 1).saturating_sub(from.get()))
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        told(self.call(stream, delete).await, stream, "deleted")
    }
}

fn append(folder: &Folder, stream: &StreamId, event: &NewEvent) -> Result<Option<Position>, AppendError> {
    let version = event.version;
    let failed = |error| failed(format!("version {version} of {stream} cannot be written"), error);
    // S4: until the link nobody can see anything; from then on nobody can tell.
    let not_applied = |error| AppendError::NotApplied(failed(error));
    let _lock = folder.share().map_err(not_applied)?;
    let path = folder.path_of(stream);
    // S1: what would leave a gap does not follow on the head.
    let follows = match version.previous() {
        None => folder.make(&path).map(|()| true),
        Some(previous) => file_of(&path, previous).try_exists(),
    };
    if !follows.map_err(not_applied)? {
        return Err(AppendError::Conflict);
    }
    let unfinished = folder.write(&event.record).map_err(not_applied)?;
    // The moment that decides: a link never replaces a file (S1), and this one is whole and on the disk already.
    let linked = fs::hard_link(&unfinished, file_of(&path, version));
    let _ = fs::remove_file(&unfinished);
    let taken = matches!(&linked, Err(error) if error.kind() == ErrorKind::AlreadyExists);
    // S2: the name must be there for good, too. Also another's: it may be this very event, whose answer was lost.
    let named = unless(ErrorKind::AlreadyExists, linked).and_then(|()| sync(&path));
    named.map_err(|error| AppendError::Unknown(failed(error)))?;
    if taken { Err(AppendError::Conflict) } else { Ok(None) }
}

fn read(folder: &Folder, stream: &StreamId, from: Version, count: usize) -> io::Result<Vec<StoredEvent>> {
    let _lock = folder.share()?;
    let path = folder.path_of(stream);
    let mut events = Vec::new();
    // S7: in order and without gaps, since it ends at the first version that is not there.
    for version in (from.get()..).map_while(Version::new).take(count) {
        match fs::read(file_of(&path, version)) {
            Ok(bytes) => events.push(StoredEvent {
                version,
                position: None,
                record: bytes.into(),
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
    }
    // S2: who appended may have died before the name was on the disk; what is read must not go again.
    unless(ErrorKind::NotFound, sync(&path)).map(|()| events)
}

/// The newest version, 0 where there is none. There are no gaps, so it is found bit by bit: no folder is listed.
fn head(folder: &Folder, stream: &StreamId) -> io::Result<u64> {
    let _lock = folder.share()?;
    let path = folder.path_of(stream);
    let mut head = 0;
    for version in (0..63).rev().map(|bit| 1 << bit) {
        let version = Version::new(head | version).expect("63 bits, and not all of them 0");
        if file_of(&path, version).try_exists()? {
            head = version.get();
        }
    }
    unless(ErrorKind::NotFound, sync(&path)).map(|()| head)
}

/// One rename: a crash leaves the stream whole, or gone (S12). Nobody else is in it meanwhile.
fn delete(folder: &Folder, stream: &StreamId) -> io::Result<()> {
    let lock = folder.lock()?;
    lock.lock()?;
    let (path, unfinished) = (folder.path_of(stream), folder.unfinished());
    unless(ErrorKind::NotFound, fs::rename(&path, &unfinished))?;
    // Also where nothing was there: an earlier delete may have failed between the two.
    unless(ErrorKind::NotFound, path.parent().map_or(Ok(()), sync))?;
    unless(ErrorKind::NotFound, fs::remove_dir_all(unfinished))
}

fn told<T>(done: io::Result<T>, what: impl std::fmt::Display, how: &str) -> Result<T, StoreError> {
    done.map_err(|error| failed(format!("{what} cannot be {how}"), error))
}

/// What somebody has to mend first is permanent. The rest may pass: too many open files, an interruption.
fn failed(message: String, cause: io::Error) -> StoreError {
    use ErrorKind::*;
    let error = match cause.kind() {
        PermissionDenied | ReadOnlyFilesystem | StorageFull | QuotaExceeded | FileTooLarge | InvalidFilename
        | NotFound | NotADirectory | IsADirectory | Unsupported => StoreError::permanent(message),
        _ => StoreError::transient(message),
    };
    error.caused_by(cause)
}
