//! The store of files keeps the laws, and a crash leaves no half event.

mod file_store;
mod folder;

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};

use asynx::store::AppendError;
use asynx::{Store, StreamId, Version};
use asynx_testkit::conformance::{Capabilities, StoreFixture};
use asynx_testkit::{ThreadRuntime, samples};

use crate::file_store::FileStore;

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let random = RandomState::new().build_hasher().finish();
        Self(std::env::temp_dir().join(format!("asynx-custom-store-{random:016x}")))
    }

    fn open(&self) -> FileStore {
        FileStore::open(&self.0).expect("a folder among the temporary ones")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Each test makes its own.
struct Files(Folder);

impl StoreFixture for Files {
    type Guard = ();
    type Store = FileStore;

    async fn open(&self) -> ((), FileStore) {
        ((), self.0.open())
    }

    async fn another(&self, _: &FileStore) -> Option<FileStore> {
        Some(self.0.open())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::none().with_another_handle()
    }
}

asynx_testkit::store_conformance!(Files(Folder::new()));

// What the kit cannot know: how this store keeps what it keeps.

fn stream(id: &str) -> StreamId {
    StreamId::parse("account", id).expect("a valid id")
}

async fn versions(store: &FileStore, stream: &StreamId) -> Vec<u64> {
    let events = store.read_from(stream, Version::FIRST).await.expect("reading");
    events.iter().map(|event| event.version.get()).collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("ASCII"))
        .collect()
}

#[test]
fn what_a_crash_left_unfinished_is_no_event_and_goes_at_the_next_start() {
    ThreadRuntime.block_on(async {
        let (folder, stream) = (Folder::new(), stream("a"));
        let store = folder.open();
        store.append(&stream, samples::event(1)).await.expect("an append");
        let unfinished = folder.0.join("unfinished");
        fs::write(unfinished.join("half"), &samples::event(2).record[..20]).expect("a file");
        fs::create_dir(unfinished.join("deleted")).expect("a folder");
        assert_eq!(versions(&store, &stream).await, [1]);
        drop(store);

        let store = folder.open();
        assert_eq!(names_in(&unfinished), [""; 0]);
        assert_eq!(versions(&store, &stream).await, [1]);
        store
            .append(&stream, samples::event(2))
            .await
            .expect("an append after a crash");
        assert_eq!(versions(&store, &stream).await, [1, 2]);
    });
}

#[test]
fn what_another_handle_is_writing_is_not_removed() {
    let folder = Folder::new();
    let _store = folder.open();
    let lock = fs::File::open(folder.0.join("lock")).expect("the lock");
    lock.lock_shared().expect("a share");
    let writing = folder.0.join("unfinished").join("writing");
    fs::write(&writing, "").expect("a file");
    let _other = folder.open();
    assert!(writing.exists());
}

#[test]
fn the_same_append_again_conflicts_and_leaves_nothing_unfinished() {
    ThreadRuntime.block_on(async {
        let (folder, stream, event) = (Folder::new(), stream("a"), samples::event(1));
        let (store, other) = (folder.open(), folder.open());
        store.append(&stream, event.clone()).await.expect("an append");
        let again = other.append(&stream, event).await;
        assert!(matches!(again, Err(AppendError::Conflict)), "{again:?}");
        assert_eq!(names_in(&folder.0.join("unfinished")), [""; 0]);
    });
}

#[test]
fn every_name_is_short_and_the_same_in_any_case() {
    ThreadRuntime.block_on(async {
        let folder = Folder::new();
        let store = folder.open();
        for id in ["Con", "..", "a.B ", "/", &"🦀".repeat(63), &"i".repeat(255)] {
            store.append(&stream(id), samples::event(1)).await.expect("an append");
        }
        let mut folders = vec![folder.0.join("streams")];
        while let Some(folder) = folders.pop() {
            for name in names_in(&folder) {
                assert!(name.len() <= 143, "{name}");
                assert!(!name.starts_with('.') && name == name.to_lowercase(), "{name}");
                folders.extend(Some(folder.join(name)).filter(|path| path.is_dir()));
            }
        }
    });
}

#[test]
fn an_error_says_whether_trying_again_may_help() {
    ThreadRuntime.block_on(async {
        let (folder, stream) = (Folder::new(), stream("a"));
        let store = folder.open();
        store.append(&stream, samples::event(1)).await.expect("an append");
        fs::remove_dir_all(folder.0.join("unfinished")).expect("a folder to remove");
        match store.append(&stream, samples::event(2)).await {
            Err(AppendError::NotApplied(error)) => {
                assert_eq!(error.to_string(), "version 2 of account/a cannot be written");
                assert!(!error.is_transient());
            }
            answer => panic!("answered by {answer:?}"),
        }
        assert_eq!(versions(&store, &stream).await, [1]);
    });
}
