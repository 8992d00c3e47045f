//! Starts real servers. PostgreSQL is installed where it is missing, and an error where it cannot be: never skipped.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use super::{Cluster, Programs};
use crate::process::tests::{alive, eventually};
use crate::process::{capture, lines};

/// Set for the process that `a_cluster_goes_when_its_owner_is_killed` starts and kills.
const OWNER: &str = "ASYNX_XTASK_TEST_OWNER";

/// Looked for once, so that tests that run side by side do not install side by side.
fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| Programs::provide().unwrap_or_else(|error| panic!("{error:#}")))
}

fn query(url: &str, sql: &str) -> String {
    let psql = programs().folder.join("psql");
    capture(Command::new(psql).args(["--no-psqlrc", "-tA", url, "-c", sql]))
        .unwrap()
        .trim()
        .to_owned()
}

fn port(url: &str) -> u16 {
    url.rsplit_once(':')
        .unwrap()
        .1
        .split_once('/')
        .unwrap()
        .0
        .parse()
        .unwrap()
}

/// Waits, but not for ever, until folder, process and port of a cluster have gone.
fn assert_gone(folder: &Path, postmaster: u32, port: u16) {
    assert!(eventually(|| !folder.exists()), "{} is left", folder.display());
    assert!(eventually(|| !alive(postmaster)), "process {postmaster} is left");
    assert!(
        TcpStream::connect(("127.0.0.1", port)).is_err(),
        "port {port} still answers"
    );
}

fn postmaster(folder: &Path) -> u32 {
    let file = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

#[test]
fn a_cluster_answers_and_leaves_nothing() {
    let cluster = Cluster::start(programs()).unwrap();
    let (url, folder) = (cluster.url().to_owned(), cluster.folder().to_owned());
    let postmaster = postmaster(&folder);
    assert!(alive(postmaster));

    assert_eq!(query(&url, "select 1"), "1");
    assert_eq!(query(&url, "show fsync"), "on");
    assert_eq!(query(&url, "show listen_addresses"), "127.0.0.1");
    assert_eq!(
        query(&url, "show data_directory"),
        folder.join("data").display().to_string()
    );

    cluster.stop().unwrap();
    assert_gone(&folder, postmaster, port(&url));
}

#[test]
fn a_cluster_is_restarted_on_its_data() {
    let mut cluster = Cluster::start(programs()).unwrap();
    let url = cluster.url().to_owned();
    query(&url, "create table kept as select 7 as n");
    let before = postmaster(cluster.folder());

    cluster.restart().unwrap();
    assert!(!alive(before));
    assert_eq!(query(&url, "select n from kept"), "7");
    let log = fs::read_to_string(cluster.folder().join("log")).unwrap();
    assert!(log.contains("was not properly shut down"), "{log}");

    let (folder, postmaster) = (cluster.folder().to_owned(), postmaster(cluster.folder()));
    cluster.stop().unwrap();
    assert_gone(&folder, postmaster, port(&url));
}

#[test]
fn clusters_run_side_by_side() {
    let (one, two) = (Cluster::start(programs()).unwrap(), Cluster::start(programs()).unwrap());
    assert_ne!(one.folder(), two.folder());
    let (port_one, port_two) = (query(one.url(), "show port"), query(two.url(), "show port"));
    assert_ne!(port_one, port_two);
    one.stop().unwrap();
    assert_eq!(query(two.url(), "select 2"), "2");
}

#[test]
fn a_stranger_is_not_let_in() {
    let cluster = Cluster::start(programs()).unwrap();
    let url = cluster.url().replace("asynx:", "asynx:not-");
    let output = Command::new(programs().folder.join("psql"))
        .args(["-tA", &url, "-c", "select 1"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("password authentication failed"),
        "{output:?}"
    );
}

#[test]
fn a_cluster_goes_when_its_owner_panics() {
    let mut seen = None;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let cluster = Cluster::start(programs()).unwrap();
        seen = Some((
            cluster.folder().to_owned(),
            postmaster(cluster.folder()),
            port(cluster.url()),
        ));
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    let (folder, postmaster, port) = seen.unwrap();
    assert_gone(&folder, postmaster, port);
}

#[test]
fn a_cluster_goes_when_its_owner_is_killed() {
    if std::env::var_os(OWNER).is_some() {
        let cluster = Cluster::start(programs()).unwrap();
        println!(
            "\nowner {} {} {}",
            postmaster(cluster.folder()),
            port(cluster.url()),
            cluster.folder().display()
        );
        loop {
            std::thread::park();
        }
    }
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "postgres::tests::a_cluster_goes_when_its_owner_is_killed",
            "--nocapture",
        ])
        .env(OWNER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = lines(owner.stdout.take().unwrap());
    let cluster = loop {
        let line = said.recv_timeout(Duration::from_secs(150)).unwrap();
        if let Some(words) = line.trim().strip_prefix("owner ") {
            break words.splitn(3, ' ').map(str::to_owned).collect::<Vec<_>>();
        }
    };
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert_gone(
        &PathBuf::from(&cluster[2]),
        cluster[0].parse().unwrap(),
        cluster[1].parse().unwrap(),
    );
}

#[test]
fn a_cluster_that_cannot_be_made_says_why_and_leaves_nothing() {
    let folder = std::env::temp_dir().join(format!("asynx-broken-postgres-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let initdb = folder.join("initdb");
    // Says where it was told to work, so that we can look whether that has gone.
    fs::write(&initdb, "#!/bin/sh\necho \"no room in $2\"\nexit 1\n").unwrap();
    fs::set_permissions(&initdb, fs::Permissions::from_mode(0o755)).unwrap();

    let error = format!(
        "{:#}",
        Cluster::start(&Programs { folder: folder.clone() }).unwrap_err()
    );
    fs::remove_dir_all(&folder).unwrap();
    assert!(error.contains("initdb failed"), "{error}");
    let (_, data) = error.split_once("no room in ").unwrap();
    assert!(data.ends_with("/data"), "{data}");
    assert!(!Path::new(data).parent().unwrap().exists(), "{data} is left");
}
