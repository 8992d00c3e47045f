//! Several processes on one file: the test program starts itself.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use asynx_core::store::{AppendError, HeadQuery, LogEvent, LogFilter, LogQuery};
use asynx_core::{Position, Store, Version};
use asynx_store_sqlite::SqliteStore;
use asynx_testkit::{Random, samples};
use common::child::{Process, role, tell};
use common::{Folder, append, log, open, shell, stream};
use sqlx::{Connection, Row};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(future)
}

fn pause(milliseconds: u64) {
    block_on(async { tokio::time::sleep(Duration::from_millis(milliseconds)).await });
}

async fn open_in(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder.join("store.db")).await.unwrap()
}

/// Waits until the test lets all its processes go at the same moment.
async fn wait_for_go(folder: &Path) {
    tell("ready");
    while !folder.join("go").exists() {
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
}

fn let_go(folder: &Folder, processes: &mut [Process]) {
    for process in processes {
        assert_eq!(process.hear().as_deref(), Some("ready"));
    }
    std::fs::write(folder.path().join("go"), "").unwrap();
}

async fn head(store: &SqliteStore, id: &str) -> Option<Version> {
    let query = HeadQuery {
        stream: stream(id),
        event_id: None,
    };
    store.heads(&[query]).await.unwrap()[0].version
}

/// Appends to streams of its own, new ones again and again, and to a few that all fight for; tells what is stored.
async fn write(me: &str, store: SqliteStore, rounds: u64) {
    let tasks = (0..3).map(|task| {
        let (store, me) = (store.clone(), me.to_owned());
        common::spawn(async move {
            for round in 0..rounds {
                let own = samples::group(&stream(format!("{me}-{task}-{}", round / 4)), 1 + 2 * (round % 4), 2);
                let contested = format!("contested-{}", round % 3);
                let next = Version::after(head(&store, &contested).await).get();
                let groups = [own, samples::group(&stream(&contested), next, 1)];
                for (group, outcome) in groups.iter().zip(store.append_batch(&groups).await) {
                    for (event, position) in group.events.iter().zip(&outcome.applied) {
                        tell(format_args!("{} {}", event.event_id, position.unwrap()));
                    }
                    match outcome.stopped {
                        None | Some(AppendError::Conflict) => {}
                        Some(error) => panic!("{error:?}"),
                    }
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

/// Follows the log, and now and then dies and goes on from somewhere behind, with a store opened anew.
struct Follower<'a> {
    folder: &'a Folder,
    store: SqliteStore,
    random: Random,
    seen: Vec<(Position, String)>,
    /// What it could go on from, with the number of events seen by then.
    checkpoints: Vec<(Option<Position>, usize)>,
    restarts: u32,
}

impl Follower<'_> {
    async fn read_a_page(&mut self) -> bool {
        let (after, seen) = *self.checkpoints.last().unwrap();
        let query = LogQuery {
            after,
            filter: LogFilter::default(),
            max_events: 1 + self.random.below(40) as usize,
            max_bytes: 1 + self.random.below(20_000) as usize,
        };
        let page = self.store.log().unwrap().read(&query).await.unwrap();
        for (at, event) in (seen..).zip(&page.events) {
            let found = (event.position, event.event_id.to_string());
            match self.seen.get(at) {
                Some(before) => assert_eq!(*before, found, "the log changed"),
                None => self.seen.push(found),
            }
        }
        self.checkpoints.push((page.next, seen + page.events.len()));
        page.at_end
    }

    async fn follow(&mut self) -> bool {
        if self.random.chance(0.03) {
            let to = self.random.below(self.checkpoints.len() as u64);
            self.checkpoints.truncate(1 + to as usize);
            self.store = open(self.folder).await;
            self.restarts += 1;
        }
        self.read_a_page().await
    }
}

/// What holds of every log: positions ascend, versions have no gaps.
fn is_sound(events: &[LogEvent]) {
    assert!(events.windows(2).all(|pair| pair[0].position < pair[1].position));
    let mut next: BTreeMap<_, u64> = BTreeMap::new();
    for event in events {
        let next = next.entry(&event.stream).or_insert(1);
        assert_eq!(event.version.get(), *next, "in {}", event.stream);
        *next += 1;
    }
}

async fn is_intact(folder: &Folder) {
    let mut shell = shell(folder).await;
    let check = sqlx::query("PRAGMA integrity_check").fetch_one(&mut shell).await;
    assert_eq!(check.unwrap().get::<String, _>(0), "ok");
    shell.close().await.unwrap();
}

#[test]
fn four_processes_write_and_a_reader_misses_nothing() {
    const NAME: &str = "four_processes_write_and_a_reader_misses_nothing";
    if let Some((me, folder)) = role() {
        return block_on(async {
            let store = open_in(&folder).await;
            wait_for_go(&folder).await;
            write(&me, store, 60).await;
        });
    }
    let folder = Folder::new();
    let mut writers: Vec<_> = (0..4)
        .map(|n| Process::start(NAME, &n.to_string(), folder.path()))
        .collect();
    let_go(&folder, &mut writers);
    let listeners = writers.into_iter().map(|mut writer| {
        std::thread::spawn(move || {
            let told = writer.hear_all();
            writer.succeed();
            told
        })
    });
    let listeners: Vec<_> = listeners.collect();
    let (followed, all) = block_on(async {
        let mut follower = Follower {
            folder: &folder,
            store: open(&folder).await,
            random: Random::seeded(4),
            seen: Vec::new(),
            checkpoints: vec![(None, 0)],
            restarts: 0,
        };
        while !listeners.iter().all(std::thread::JoinHandle::is_finished) {
            follower.follow().await;
        }
        while !follower.read_a_page().await {}
        assert!(follower.restarts > 5, "{} restarts", follower.restarts);
        (follower.seen, log(&follower.store, None, 1000).await)
    });
    is_sound(&all);
    let logged: Vec<_> = all
        .iter()
        .map(|event| (event.position, event.event_id.to_string()))
        .collect();
    assert_eq!(followed, logged, "what the reader was given is not what is there");
    let mut told = BTreeSet::new();
    for listener in listeners {
        for line in listener.join().unwrap() {
            let (id, position) = line.split_once(' ').unwrap();
            told.insert((position.parse::<Position>().unwrap(), id.to_owned()));
        }
    }
    assert_eq!(
        told,
        logged.into_iter().collect(),
        "what was answered is not what is there"
    );
    assert!(told.len() >= 4 * 3 * 60 * 2, "{} events", told.len());
}

#[test]
fn what_was_answered_survives_sigkill() {
    const NAME: &str = "what_was_answered_survives_sigkill";
    if let Some((me, folder)) = role() {
        return block_on(async {
            let store = open_in(&folder).await;
            tell("ready");
            write(&me, store, u64::MAX).await;
        });
    }
    let folder = Folder::new();
    let mut random = Random::seeded(9);
    let mut answered = BTreeSet::new();
    for round in 0..12 {
        let mut processes = [0, 1].map(|n| Process::start(NAME, &format!("{round}-{n}"), folder.path()));
        for process in &mut processes {
            assert_eq!(process.hear().as_deref(), Some("ready"));
        }
        pause(5 + random.below(120));
        // The two die at different moments: one is killed beside the other's appends.
        for process in &mut processes {
            process.kill();
            answered.extend(process.hear_all());
            pause(random.below(20));
        }
        let all = block_on(async { log(&open(&folder).await, None, 1000).await });
        is_sound(&all);
        let stored: BTreeSet<_> = all
            .iter()
            .map(|event| format!("{} {}", event.event_id, event.position))
            .collect();
        let lost: Vec<_> = answered.difference(&stored).collect();
        assert!(lost.is_empty(), "lost after {round} rounds: {lost:?}");
    }
    block_on(is_intact(&folder));
    assert!(answered.len() > 500, "{} events", answered.len());
}

#[test]
fn many_processes_open_a_new_file_at_once() {
    const NAME: &str = "many_processes_open_a_new_file_at_once";
    if let Some((me, folder)) = role() {
        return block_on(async {
            wait_for_go(&folder).await;
            let store = open_in(&folder).await;
            store.append(&stream(me), samples::event(1)).await.unwrap();
        });
    }
    for _ in 0..5 {
        let folder = Folder::new();
        let mut processes: Vec<_> = (0..8)
            .map(|n| Process::start(NAME, &n.to_string(), folder.path()))
            .collect();
        let_go(&folder, &mut processes);
        for process in &mut processes {
            process.hear_all();
            process.succeed();
        }
        let all = block_on(async { log(&open(&folder).await, None, 3).await });
        assert_eq!(all.len(), 8);
    }
}

#[test]
fn a_lease_ends_with_its_process() {
    const NAME: &str = "a_lease_ends_with_its_process";
    let category = stream("a").category;
    if let Some((me, folder)) = role() {
        return block_on(async {
            let store = open_in(&folder).await;
            let writer = store.sole_writer().unwrap();
            let lease = writer.acquire(&category).await.unwrap().expect("the lease is free");
            store.append(&stream(me), samples::event(1)).await.unwrap();
            tell("held");
            while !folder.join("go").exists() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            drop(lease);
            tell("dropped");
            tokio::time::sleep(Duration::from_secs(60)).await;
        });
    }
    let folder = Folder::new();
    block_on(async {
        let store = open(&folder).await;
        let writer = store.sole_writer().unwrap();
        for end in ["dropped", "killed"] {
            let mut holder = Process::start(NAME, end, folder.path());
            assert_eq!(holder.hear().as_deref(), Some("held"));
            assert!(
                writer.acquire(&category).await.unwrap().is_none(),
                "a lease was given twice"
            );
            match end {
                "dropped" => {
                    std::fs::write(folder.path().join("go"), "").unwrap();
                    assert_eq!(holder.hear().as_deref(), Some("dropped"));
                    std::fs::remove_file(folder.path().join("go")).unwrap();
                }
                _ => holder.kill(),
            }
            let free = writer.acquire(&category).await.unwrap();
            assert!(free.is_some_and(|lease| lease.is_held()), "{end}, and not free");
        }
    });
}

/// A process that is killed leaves a log beside the file. Both together are the backup; the shared memory is made anew.
#[test]
fn a_copy_of_file_and_log_is_whole() {
    const NAME: &str = "a_copy_of_file_and_log_is_whole";
    if let Some((me, folder)) = role() {
        return block_on(async {
            let store = open_in(&folder).await;
            let outcome = append(&store, samples::group(&stream(me), 1, 100)).await;
            assert!(outcome.stopped.is_none());
            tell("stored");
            tokio::time::sleep(Duration::from_secs(60)).await;
        });
    }
    let (folder, copy) = (Folder::new(), Folder::new());
    let mut process = Process::start(NAME, "a", folder.path());
    assert_eq!(process.hear().as_deref(), Some("stored"));
    process.kill();
    for ending in ["", "-wal"] {
        std::fs::copy(folder.beside(ending), copy.beside(ending)).unwrap();
    }
    let copied = block_on(async { log(&open(&copy).await, None, 1000).await });
    assert_eq!(copied.len(), 100);
}
