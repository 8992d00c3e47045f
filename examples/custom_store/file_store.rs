//! A durable store on plain files: the five methods that make a [`Store`], and nothing else.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use asynx::store::{AppendError, NewEvent, StoredEvent};
use asynx::{Position, Store, StoreError, StreamId, Version};

use crate::folder::{Folder, file_of, sync, unless_missing};

/// Events in a folder. Clones share it, and so may other processes.
#[derive(Debug, Clone)]
pub struct FileStore(Arc<Folder>);

impl FileStore {
    /// Opens a folder, or makes it; its parent must be there. Blocks: to be called while a program starts.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let folder = Folder::open(path).map_err(|error| failed(format!("{} cannot be used", path.display()), error))?;
        Ok(Self(Arc::new(folder)))
    }

    /// Runs a call on a thread that may block, of a pool that needs no runtime.
    ///
    /// This is what keeps S10: a call is one closure. Who drops the future before a thread took the closure drops it
    /// too; once it runs, it runs to its end.
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
        appended.await.map(|()| None)
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.read_range(stream, from, usize::MAX).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let events = self.call(stream, move |folder, stream| read(folder, stream, from, count));
        events
            .await
            .map_err(|error| failed(format!("{stream} cannot be read"), error))
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        let head = self.call(stream, head).await;
        let head = head.map_err(|error| failed(format!("{stream} cannot be counted"), error))?;
        Ok((head + 1).saturating_sub(from.get()))
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        let deleted = self.call(stream, delete).await;
        deleted.map_err(|error| failed(format!("{stream} cannot be deleted"), error))
    }
}

fn append(folder: &Folder, stream: &StreamId, event: &NewEvent) -> Result<(), AppendError> {
    let failed = |error| {
        failed(
            format!("version {} of {stream} cannot be written", event.version),
            error,
        )
    };
    // S4: until the link nobody can see anything; from then on nobody can tell.
    let not_applied = |error| AppendError::NotApplied(failed(error));
    let unknown = |error| AppendError::Unknown(failed(error));

    let _lock = folder.share().map_err(not_applied)?;
    let path = folder.path_of(stream);
    // S1: what would leave a gap does not follow on the head.
    let follows = match event.version.previous() {
        None => folder.make(&path).map(|()| true),
        Some(previous) => file_of(&path, previous).try_exists(),
    };
    if !follows.map_err(not_applied)? {
        return Err(AppendError::Conflict);
    }
    let unfinished = folder.write(&event.record).map_err(not_applied)?;
    // The moment that decides. A link never replaces a file: of all that try, one succeeds (S1); and what it makes
    // visible is whole, and on the disk already.
    let linked = fs::hard_link(&unfinished, file_of(&path, event.version));
    // This name has served. Where it cannot be removed, a later start does it.
    let _ = fs::remove_file(&unfinished);
    let is_taken = matches!(&linked, Err(error) if error.kind() == ErrorKind::AlreadyExists);
    if !is_taken {
        linked.map_err(unknown)?;
    }
    // S2: now the new name must be on the disk too. Also where another has it: that may be this very event, appended
    // once more because its answer was lost, and a conflict tells asynx that it is stored.
    sync(&path).map_err(unknown)?;
    if is_taken { Err(AppendError::Conflict) } else { Ok(()) }
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
    // What is read will be acted upon, and who appended it may have died before the name was on the disk.
    unless_missing(sync(&path))?;
    Ok(events)
}

/// The newest version, 0 where there is none. There are no gaps, so it is found bit by bit: no folder is listed.
fn head(folder: &Folder, stream: &StreamId) -> io::Result<u64> {
    let _lock = folder.share()?;
    let path = folder.path_of(stream);
    let mut head = 0;
    for bit in (0..63).rev() {
        let version = Version::new(head | 1 << bit).expect("63 bits, and not all of them 0");
        if file_of(&path, version).try_exists()? {
            head = version.get();
        }
    }
    unless_missing(sync(&path))?;
    Ok(head)
}

/// One rename: a crash leaves the stream whole, or gone. Nobody else is in it meanwhile.
fn delete(folder: &Folder, stream: &StreamId) -> io::Result<()> {
    let lock = folder.lock()?;
    lock.lock()?;
    let (path, unfinished) = (folder.path_of(stream), folder.unfinished());
    unless_missing(fs::rename(&path, &unfinished))?;
    // Also where nothing was there: an earlier delete may have failed between the two.
    unless_missing(path.parent().map_or(Ok(()), sync))?;
    unless_missing(fs::remove_dir_all(unfinished))
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
