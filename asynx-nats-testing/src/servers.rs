use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Makes the servers end with whoever wanted them.
const KEEPER: &str = include_str!("keeper.sh");

/// Servers of a test's own: one, or a cluster. They end when this is dropped, or with the test's process, however it ends.
pub struct Servers {
    folder: PathBuf,
    ports: Vec<u16>,
    keeper: Child,
    lines: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
}

impl Servers {
    /// Starts so many, with some more lines in their configuration.
    pub fn start(count: usize, settings: &str) -> Self {
        // Before there is anything to take away.
        let program = crate::program();
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
    pub fn url(&self) -> String {
        let urls: Vec<String> = (0..self.ports.len()).map(|n| self.url_of(n)).collect();
        urls.join(",")
    }

    /// Where to connect to one.
    pub fn url_of(&self, n: usize) -> String {
        format!("nats://127.0.0.1:{}", self.ports[n])
    }

    /// Whether bytes are anywhere in what the servers wrote.
    pub fn have_on_disk(&self, bytes: &[u8]) -> bool {
        fn within(folder: &Path, bytes: &[u8]) -> bool {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).any(|path| match path.is_dir() {
                true => within(&path, bytes),
                false => std::fs::read(&path).is_ok_and(|all| all.windows(bytes.len()).any(|some| some == bytes)),
            })
        }
        within(&self.folder, bytes)
    }

    /// Ends one at once, as a crash of the process would.
    pub fn kill(&self, n: usize) {
        self.tell("kill", n);
    }

    /// Starts one that was killed, on its data.
    pub fn start_again(&self, n: usize) {
        self.tell("start", n);
    }

    /// Lets one do nothing, as a machine that hangs.
    pub fn pause(&self, n: usize) {
        self.tell("pause", n);
    }

    /// Lets it go on.
    pub fn resume(&self, n: usize) {
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

fn folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("asynx-nats-{}-{count}", std::process::id()));
    std::fs::create_dir(&folder).expect("a new folder");
    folder
}

fn free_ports(count: usize) -> Vec<u16> {
    let bind = |_| TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let listeners: Vec<TcpListener> = (0..count).map(bind).collect();
    let ports = listeners.iter().map(|listener| listener.local_addr());
    ports.map(|address| address.expect("a port").port()).collect()
}
