use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};

/// Makes the servers end with whoever wanted them; the same as for the tests.
const KEEPER: &str = include_str!("../../../../asynx-nats-testing/src/keeper.sh");
/// The program. Without it the `nats-server` on PATH.
const PROGRAM: &str = "ASYNX_TEST_NATS_SERVER";

/// One server, or a cluster. They end when this is dropped, or with this process, however it ends.
pub(in crate::database) struct Servers {
    ports: Vec<u16>,
    keeper: Child,
    kept: Mutex<Kept>,
}

struct Kept {
    /// `None` once nobody wants the servers any more.
    lines: Option<(ChildStdin, BufReader<ChildStdout>)>,
    alive: Vec<bool>,
}

impl Servers {
    /// Starts so many, with their data in a folder that is removed in the end.
    pub(in crate::database) fn start(count: usize, folder: &Path) -> Result<Self> {
        let program = program()?;
        std::fs::create_dir(folder).with_context(|| format!("failed to make the folder {}", folder.display()))?;
        let ports = free_ports(2 * count)?;
        let (clients, routes) = ports.split_at(count);
        let urls: Vec<String> = routes.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        for (n, (client, route)) in clients.iter().zip(routes).enumerate() {
            let routes = urls.join(", ");
            // Unadvertised, so that clients know no way past the wires that are cut.
            let cluster = match count {
                1 => String::new(),
                _ => format!(
                    "cluster {{ name: asynx, listen: \"127.0.0.1:{route}\", routes: [{routes}], no_advertise: true }}"
                ),
            };
            let config = format!(
                "server_name: n{n}\nlisten: \"127.0.0.1:{client}\"\njetstream {{ store_dir: \"data-{n}\" }}\n{cluster}\n"
            );
            std::fs::write(folder.join(format!("{n}.conf")), config)?;
        }
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(program)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("failed to start `sh`")?;
        let lines = keeper.stdin.take().zip(keeper.stdout.take().map(BufReader::new));
        let servers = Self {
            ports: clients.to_vec(),
            keeper,
            kept: Mutex::new(Kept {
                lines,
                alive: vec![false; count],
            }),
        };
        for n in 0..count {
            servers.start_again(n)?;
        }
        Ok(servers)
    }

    pub(in crate::database) fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Ends one by SIGKILL; when this returns it has ended.
    pub(in crate::database) fn kill(&self, n: usize) -> Result<()> {
        self.tell("kill", n, false)
    }

    /// Starts one that was killed, on its data.
    pub(in crate::database) fn start_again(&self, n: usize) -> Result<()> {
        self.tell("start", n, true)
    }

    /// The state of a server decides whether there is anything to do.
    fn tell(&self, word: &str, n: usize, alive: bool) -> Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.alive[n] == alive {
            return Ok(());
        }
        let (to, from) = kept.lines.as_mut().context("the servers were ended")?;
        writeln!(to, "{word} {n}").context("the keeper of the servers has gone")?;
        let mut answer = String::new();
        from.read_line(&mut answer)?;
        if answer != "done\n" {
            bail!("the keeper of the servers has gone");
        }
        kept.alive[n] = alive;
        Ok(())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).lines.take();
        let _ = self.keeper.wait();
    }
}

fn program() -> Result<PathBuf> {
    let named = std::env::var_os(PROGRAM).filter(|program| !program.is_empty());
    let program = named.map_or_else(|| PathBuf::from("nats-server"), PathBuf::from);
    let runs = Command::new(&program).arg("--version").output();
    if !runs.is_ok_and(|output| output.status.success()) {
        bail!(
            "this needs nats-server 2.12 or newer, and `{}` does not run: use `cargo xtask soak`, `cargo xtask crash` or \
             `cargo xtask test`, which find or fetch it, or set {PROGRAM}",
            program.display()
        );
    }
    Ok(program)
}

fn free_ports(count: usize) -> Result<Vec<u16>> {
    let bind = |_| TcpListener::bind(("127.0.0.1", 0)).context("there is no free port");
    let listeners: Vec<TcpListener> = (0..count).map(bind).collect::<Result<_>>()?;
    let ports = listeners.iter().map(|listener| Ok(listener.local_addr()?.port()));
    ports.collect()
}
