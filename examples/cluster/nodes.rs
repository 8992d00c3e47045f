//! Three nodes of NATS on this machine, as a cluster.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Result;

const NODES: usize = 3;
/// Kills the node as soon as nobody holds the other end of stdin, also where this program was killed itself.
const LEASH: &str =
    r#""$0" -c node.conf >>node.log 2>&1 </dev/null & exec 2>/dev/null; read -r _; kill -KILL $!; wait $!"#;

/// They end when this is dropped, and their data goes.
pub struct Nodes {
    program: PathBuf,
    folder: PathBuf,
    ports: Vec<u16>,
    running: [Option<Child>; NODES],
}

impl Nodes {
    pub fn start(program: &Path) -> Result<Self> {
        let ports = free_ports(2 * NODES)?;
        let mut nodes = Self {
            program: program.to_owned(),
            folder: std::env::temp_dir().join(format!("asynx-cluster-{}", std::process::id())),
            ports: ports[..NODES].to_vec(),
            running: Default::default(),
        };
        let routes: Vec<String> = ports[NODES..].iter().map(|port| url(*port)).collect();
        for node in 0..NODES {
            let (clients, others, routes) = (address(ports[node]), address(ports[NODES + node]), routes.join(", "));
            let folder = nodes.folder_of(node);
            fs::create_dir_all(&folder)?;
            // In earnest each node has a machine of its own, and `sync_interval: always`.
            let config = format!(
                "server_name: {}\nlisten: \"{clients}\"\njetstream {{ store_dir: data }}\n\
                 cluster {{ name: example, listen: \"{others}\", routes: [{routes}] }}\n",
                name(node)
            );
            fs::write(folder.join("node.conf"), config)?;
            nodes.start_again(node)?;
        }
        Ok(nodes)
    }

    /// Where to connect to all of them.
    pub fn urls(&self) -> String {
        let urls: Vec<String> = self.ports.iter().map(|port| url(*port)).collect();
        urls.join(",")
    }

    /// The number of the node with this name.
    pub fn find(&self, named: &str) -> Result<usize> {
        let found = (0..NODES).find(|node| name(*node) == named);
        found.ok_or_else(|| format!("there is no node {named}").into())
    }

    /// What the nodes said last, for a person to look at.
    pub fn last_words(&self) -> String {
        let last_of = |node| {
            let log = fs::read_to_string(self.folder_of(node).join("node.log")).unwrap_or_default();
            format!("{}: {}", name(node), log.lines().last().unwrap_or("nothing"))
        };
        (0..NODES).map(last_of).collect::<Vec<_>>().join("\n")
    }

    /// SIGKILL.
    pub fn kill(&mut self, node: usize) -> Result<()> {
        if let Some(mut leash) = self.running[node].take() {
            drop(leash.stdin.take());
            leash.wait()?;
        }
        Ok(())
    }

    /// Starts one that was killed, on what it has on its disk.
    pub fn start_again(&mut self, node: usize) -> Result<()> {
        let mut leash = Command::new("sh");
        leash.args(["-c", LEASH]).arg(&self.program).stdin(Stdio::piped());
        // In a group of its own, Ctrl-C reaches only this program.
        leash.current_dir(self.folder_of(node)).process_group(0);
        self.running[node] = Some(leash.spawn()?);
        Ok(())
    }

    fn folder_of(&self, node: usize) -> PathBuf {
        self.folder.join(name(node))
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for node in 0..NODES {
            let _ = self.kill(node);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn name(node: usize) -> String {
    format!("node-{}", node + 1)
}

fn url(port: u16) -> String {
    format!("nats://{}", address(port))
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn free_ports(count: usize) -> Result<Vec<u16>> {
    // All at once, or the same one would be free again and again.
    let listeners = (0..count).map(|_| TcpListener::bind(("127.0.0.1", 0)));
    let listeners: Vec<TcpListener> = listeners.collect::<std::io::Result<_>>()?;
    let ports = listeners.iter().map(|listener| Ok(listener.local_addr()?.port()));
    ports.collect()
}
