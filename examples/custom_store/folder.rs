//! What lies where on the disk, and how it gets there for good. For local file systems of Unix.

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use asynx::{StreamId, Version};

#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn open(path: &Path) -> io::Result<Self> {
        unless(ErrorKind::AlreadyExists, fs::create_dir(path))?;
        let folder = Self(fs::canonicalize(path)?);
        folder.0.parent().map_or(Ok(()), sync)?;
        let unfinished = folder.0.join("unfinished");
        folder.make(&unfinished)?;
        let lock = folder.lock()?;
        // What a crash left unfinished goes, unless others are at work: then it may be theirs.
        if lock.try_lock().is_ok() {
            fs::remove_dir_all(&unfinished)?;
            fs::create_dir(&unfinished)?;
        }
        Ok(folder)
    }

    /// To be locked: alone by who deletes, shared by who appends or reads.
    pub fn lock(&self) -> io::Result<File> {
        File::create(self.0.join("lock"))
    }

    /// The lock, shared until it is dropped.
    pub fn share(&self) -> io::Result<File> {
        self.lock().and_then(|lock| lock.lock_shared().map(|()| lock))
    }

    pub fn path_of(&self, stream: &StreamId) -> PathBuf {
        let mut path = self.0.join("streams");
        push_encoded(&mut path, stream.category.as_str());
        push_encoded(&mut path, stream.aggregate_id.as_str());
        path
    }

    /// Makes a folder in this one, and sees that the way to it is on the disk.
    pub fn make(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)?;
        let above = path.ancestors().skip(1);
        above.take_while(|path| path.starts_with(&self.0)).try_for_each(sync)
    }

    /// A path that nobody else uses. Should chance have it otherwise, the call fails and harms nobody.
    pub fn unfinished(&self) -> PathBuf {
        let random = RandomState::new().build_hasher().finish();
        self.0.join("unfinished").join(format!("{random:016x}"))
    }

    /// Writes bytes where nobody looks for events, and sees that they are on the disk.
    pub fn write(&self, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.unfinished();
        let mut file = File::create_new(&path)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.inspect_err(|_| drop(fs::remove_file(&path)))?;
        Ok(path)
    }
}

/// Adds a text to a path as short names that every file system takes and tells apart (S11). Small letters, digits, `-`
/// and `_` stay, other bytes become `%` and two hex digits. A long name goes on in a folder within: all folders but the
/// last end with `+`, which nothing else does.
fn push_encoded(path: &mut PathBuf, text: &str) {
    let mut names = text.as_bytes().chunks(40).peekable();
    while let Some(bytes) = names.next() {
        let encoded = bytes.iter().map(|byte| match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => char::from(*byte).to_string(),
            _ => format!("%{byte:02x}"),
        });
        path.push(encoded.chain(names.peek().map(|_| "+".to_owned())).collect::<String>());
    }
}

/// As wide as the highest version, so that `ls` shows them in order.
pub fn file_of(path: &Path, version: Version) -> PathBuf {
    path.join(format!("{:019}.json", version.get()))
}

/// Sees that the names in a folder are on the disk.
pub fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Takes a failure of this kind for success.
pub fn unless(kind: ErrorKind, done: io::Result<()>) -> io::Result<()> {
    done.or_else(|error| if error.kind() == kind { Ok(()) } else { Err(error) })
}
