use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use asynx_store_jetstream::{JetStreamOptions, JetStreamStore};

/// Makes the servers end with whoever wanted them.
const KEEPER: &str = include_str!("keeper.sh");

/// Servers of a test's own: one, or a cluster. They end when this is dropped, or with the test's process, however it ends.
pub(crate) struct Servers {
    folder: PathBuf,
    ports: Vec<u16>,
    keeper: Child,
    lines: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
}

impl Servers {
    /// Starts so many, with some more lines in their configuration.
    pub(crate) fn start(count: usize, settings: &str) -> Self {
        // Before there is anything to take away.
        let program = super::program();
        let (folder, ports) = (folder(), free_ports(2 * count));
        let (clients, routes) = ports.split_at(count);
        let urls: Vec<String> = routes.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        for (n, (client, route)) in clients.iter().zip(routes).enumerate() {
            let routes = urls.join(", ");
            let cluster = match count {
                1 => String::new(),
                _ => format!("cluster {{ name: asynx, listen: \"127.0.0.1:{route}\", routes: [{routes}] }}"),
            };
            let config = format!(
                "server_name: n{n}\nlisten: \"127.0.0.1:{client}\"\njetstream {{ store_dir: \"data-{n}\" }}\n{cluster}\n{settings}\n"
            );
            std::fs::write(folder.join(format!("{n}.conf")), config).expect("the folder is writable");
        }
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(program).arg(&folder);
        let mut keeper = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let lines = keeper.stdin.take().zip(keeper.stdout.take().map(BufReader::new));
        let servers = Self {
            folder,
            ports: clients.to_vec(),
            keeper,
            lines: Mutex::new(lines),
        };
        for n in 0..count {
            servers.start_again(n);
        }
        servers
    }

    /// Where to connect to all of them.
    pub(crate) fn url(&self) -> String {
        let urls: Vec<String> = (0..self.ports.len()).map(|n| self.url_of(n)).collect();
        urls.join(",")
    }

    pub(crate) fn url_of(&self, n: usize) -> String {
        format!("nats://127.0.0.1:{}", self.ports[n])
    }

    /// Whether bytes are anywhere in what the servers wrote.
    pub(crate) fn have_on_disk(&self, bytes: &[u8]) -> bool {
        fn within(folder: &Path, bytes: &[u8]) -> bool {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).any(|path| match path.is_dir() {
                true => within(&path, bytes),
                false => std::fs::read(&path).is_ok_and(|all| all.windows(bytes.len()).any(|some| some == bytes)),
            })
        }
        within(&self.folder, bytes)
    }

    /// Opens a store, as soon as the servers are ready.
    pub(crate) async fn store(&self, options: JetStreamOptions) -> JetStreamStore {
        store_at(&self.url(), options).await
    }

    /// Ends one at once, as a crash of the process would.
    pub(crate) fn kill(&self, n: usize) {
        self.tell("kill", n);
    }

    /// Starts one that was killed, on its data.
    pub(crate) fn start_again(&self, n: usize) {
        self.tell("start", n);
    }

    /// Lets one do nothing, as a machine that hangs.
    pub(crate) async fn pause(&self, n: usize) {
        self.tell("pause", n);
        // Its threads stop one by one.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    pub(crate) fn resume(&self, n: usize) {
        self.tell("resume", n);
    }

    fn tell(&self, word: &str, n: usize) {
        let mut lines = self.lines.lock().expect("nobody panicked");
        let (to, from) = lines.as_mut().expect("they were not dropped");
        writeln!(to, "{word} {n}").expect("the keeper is there");
        let mut answer = String::new();
        from.read_line(&mut answer).expect("the keeper is there");
        assert_eq!(answer, "done\n");
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        if let Ok(mut lines) = self.lines.lock() {
            lines.take();
        }
        let _ = self.keeper.wait();
    }
}

/// Opens a store at servers that may not be ready yet.
pub(crate) async fn store_at(urls: &str, options: JetStreamOptions) -> JetStreamStore {
    let mut tries = 0;
    loop {
        match JetStreamStore::connect_with(urls, options.clone()).await {
            Ok(store) => return store,
            Err(error) if tries == 300 => panic!("the store does not open: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        tries += 1;
    }
}

fn folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("asynx-jetstream-{}-{count}", std::process::id()));
    std::fs::create_dir(&folder).expect("a new folder");
    folder
}

fn free_ports(count: usize) -> Vec<u16> {
    let bind = |_| TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let listeners: Vec<TcpListener> = (0..count).map(bind).collect();
    let ports = listeners.iter().map(|listener| listener.local_addr());
    ports.map(|address| address.expect("a port").port()).collect()
}
