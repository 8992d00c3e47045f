//! What lies where on the disk, and how it gets there for good.
//!
//! ```text
//! FOLDER/streams/CATEGORY/ID/0000000000000000001.json    one event: the bytes that were appended
//! FOLDER/unfinished/                                     what is being written or removed; never read
//! FOLDER/lock                                            shared by appends and reads; a delete has it alone
//! ```
//!
//! For local file systems of Unix, which can link files, sync folders and lock.

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
        match fs::create_dir(path) {
            Ok(()) => sync(fs::canonicalize(path)?.parent().unwrap_or(path))?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let folder = Self(fs::canonicalize(path)?);
        let unfinished = folder.0.join("unfinished");
        folder.make(&unfinished)?;
        // What a crash left unfinished goes, unless others are at work: then it may be theirs.
        let lock = folder.lock()?;
        if lock.try_lock().is_ok() {
            fs::remove_dir_all(&unfinished)?;
            fs::create_dir(&unfinished)?;
        }
        Ok(folder)
    }

    /// The lock, held until it is dropped, beside others who append or read.
    pub fn share(&self) -> io::Result<File> {
        let lock = self.lock()?;
        lock.lock_shared()?;
        Ok(lock)
    }

    /// To be locked: shared by who appends or reads, alone by who deletes.
    pub fn lock(&self) -> io::Result<File> {
        File::create(self.0.join("lock"))
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

/// File systems take names of 255 bytes, some of 143 only; an id of 255 bytes may well need 765 here.
const LONG: usize = 120;

/// Adds a text of any characters to a path, as names that every file system takes and tells apart (S11).
///
/// Small letters, digits, `-` and `_` stay; every other byte becomes `%` and two hex digits, that of a capital too, for
/// some file systems take `A` for `a`. A long name goes on in a folder within: all but the last end with `+`, which
/// nothing else does. So no two texts have the same names, and no stream's folder lies within another's.
fn push_encoded(path: &mut PathBuf, text: &str) {
    let mut name = String::new();
    for byte in text.bytes() {
        if name.len() >= LONG {
            path.push(std::mem::take(&mut name) + "+");
        }
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name += &format!("%{byte:02x}"),
        }
    }
    path.push(name);
}

/// As wide as the highest version, so that `ls` shows them in order.
pub fn file_of(path: &Path, version: Version) -> PathBuf {
    path.join(format!("{:019}.json", version.get()))
}

/// Sees that the names in a folder are on the disk.
pub fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

pub fn unless_missing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
