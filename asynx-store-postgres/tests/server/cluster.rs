//! Throw-away clusters, for what cannot be done to a server that others use: ends of the server, standbys, restores.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Reachable by a socket in a folder that nobody else can look into; gone with this value, or with this process.
pub(crate) struct Cluster {
    folder: PathBuf,
    keeper: Child,
}

/// PostgreSQL refuses to run as root, so root runs it as somebody else.
const AS_OWNER: &str = r#"
[ "$(id -u)" = 0 ] || exec "$@"
owner=nobody
if id postgres >/dev/null 2>&1; then owner=postgres; fi
if command -v setpriv >/dev/null; then
    exec setpriv --reuid="$owner" --regid="$(id -g "$owner")" --init-groups -- "$@"
fi
exec runuser -u "$owner" -- "$@"
"#;

/// Waits for the end of its stdin, then removes the cluster.
const KEEPER: &str = r#"
read -r _
if [ -f "$1/data/postmaster.pid" ]; then kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")"; fi
for _ in 1 2 3 4 5 6 7 8 9 10; do
    if [ -f "$1/data/postmaster.pid" ]; then sleep 0.2; fi
done
rm -rf "$1"
"#;

/// Where initdb and the others are.
static PROGRAMS: LazyLock<PathBuf> = LazyLock::new(|| {
    let named = Command::new("pg_config").arg("--bindir").output().ok();
    let named = named.and_then(|output| String::from_utf8(output.stdout).ok());
    let packaged = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&on_path)
        .chain(named.map(|folder| folder.trim().into()))
        .chain(packaged.map(|version| version.path().join("bin")));
    // PATH may hold links to single programs.
    let real = |folder: PathBuf| Some(folder.join("initdb").canonicalize().ok()?.parent()?.to_owned());
    let mut whole = folders
        .filter_map(real)
        .filter(|folder| folder.join("pg_basebackup").is_file());
    whole
        .next()
        .expect("these tests start PostgreSQL: put the folder of initdb and pg_ctl on PATH")
});

impl Cluster {
    /// A new one that runs.
    pub(crate) fn start() -> Self {
        let cluster = Self::folder();
        run_program(program("initdb").arg("-D").arg(cluster.data()).args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]));
        cluster.configure(&format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_prepared_transactions = 5\n",
            cluster.folder.display()
        ));
        cluster.go_on();
        cluster
    }

    /// A copy that follows this one and only reads.
    pub(crate) fn standby(&self) -> Self {
        let standby = Self::folder();
        run_program(
            program("pg_basebackup")
                .arg("-D")
                .arg(standby.data())
                .args(["-R", "-c", "fast", "-U", "postgres", "-h"])
                .arg(&self.folder),
        );
        standby.configure(&format!("unix_socket_directories = '{}'\n", standby.folder.display()));
        standby.go_on();
        standby
    }

    pub(crate) fn url(&self) -> String {
        self.url_of("postgres", "postgres")
    }

    pub(crate) fn url_of(&self, role: &str, database: &str) -> String {
        let folder = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://{role}@{folder}/{database}")
    }

    /// The address in the form that psql, pg_dump and the like take.
    pub(crate) fn arguments(&self) -> [String; 4] {
        ["-h", self.folder.to_str().unwrap(), "-U", "postgres"].map(str::to_owned)
    }

    /// Adds to the server's configuration, which it reads when it starts.
    pub(crate) fn configure(&self, settings: &str) {
        append(&self.data().join("postgresql.conf"), settings);
    }

    /// Lets a role in only by its password.
    pub(crate) fn ask_for_the_password_of(&self, role: &str) {
        let file = self.data().join("pg_hba.conf");
        let rules = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("local all {role} scram-sha-256\n{rules}")).unwrap();
        run_program(program("pg_ctl").arg("reload").arg("-D").arg(self.data()));
    }

    /// Lets roles in over TCP as well, as rules of `pg_hba.conf` say. The port; sockets are there under its number only.
    pub(crate) fn listen(&self, rules: &str) -> u16 {
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        self.stop("fast");
        self.configure(&format!("listen_addresses = '127.0.0.1'\nport = {port}\n"));
        fs::write(self.data().join("pg_hba.conf"), rules).unwrap();
        self.go_on();
        port
    }

    /// A new folder beside the data.
    pub(crate) fn folder_of_its_owner(&self, name: &str) -> PathBuf {
        let folder = self.folder.join(name);
        fs::create_dir(&folder).unwrap();
        folder
    }

    /// Gives what is in a folder to who runs the server, for nobody else to read.
    pub(crate) fn owns(&self, folder: &Path) {
        for file in fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            std::os::unix::fs::chown(&file, Some(fs::metadata(self.data()).unwrap().uid()), None).unwrap();
        }
    }

    /// Stops the server: `smart`, `fast`, or `immediate`, which is a crash.
    pub(crate) fn stop(&self, mode: &str) {
        run_program(
            program("pg_ctl")
                .args(["stop", "-w", "-m", mode, "-D"])
                .arg(self.data()),
        );
    }

    /// Starts the server again.
    pub(crate) fn go_on(&self) {
        let log = self.folder.join("log");
        run_program(
            program("pg_ctl")
                .args(["start", "-w", "-D"])
                .arg(self.data())
                .arg("-l")
                .arg(log),
        );
    }

    /// Makes a standby a primary.
    pub(crate) fn promote(&self) {
        run_program(program("pg_ctl").args(["promote", "-w", "-D"]).arg(self.data()));
    }

    /// What the server wrote.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap()
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn folder() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("asynx-pg-{}-{count}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&folder).unwrap();
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .stdin(Stdio::piped())
            // A group of its own, so that Ctrl-C in the terminal does not end the one that cleans up.
            .process_group(0)
            .spawn()
            .unwrap();
        let owner = Command::new("sh")
            .args(["-c", AS_OWNER, "sh", "id", "-u"])
            .output()
            .unwrap();
        let owner = String::from_utf8(owner.stdout).unwrap().trim().parse().unwrap();
        std::os::unix::fs::chown(&folder, Some(owner), None).unwrap();
        Self { folder, keeper }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// One of PostgreSQL's programs.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", AS_OWNER, "sh"]).arg(PROGRAMS.join(name));
    for (variable, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(variable);
    }
    command.env("LC_ALL", "C").current_dir("/");
    command
}

/// What a program printed. Panics where it failed.
pub(crate) fn run_program(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    assert!(
        status.success(),
        "{command:?}: {stdout}{}",
        String::from_utf8_lossy(&stderr)
    );
    stdout
}

fn append(file: &Path, text: &str) {
    let old = fs::read_to_string(file).unwrap();
    fs::write(file, format!("{old}\n{text}")).unwrap();
}
