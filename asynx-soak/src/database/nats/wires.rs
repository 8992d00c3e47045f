use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use asynx_core::Runtime as _;
use asynx_testkit::ThreadRuntime;
use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Carries what clients and servers say to each other, until it is cut.
pub(in crate::database) struct Wires {
    ports: Vec<u16>,
    cuts: watch::Sender<Cut>,
    /// They end with this.
    _listening: JoinSet<()>,
}

/// The share of connections that are cut, in percent. Each one is news.
#[derive(Clone, Copy, Default)]
struct Cut {
    percent: u64,
}

/// For so long answers are lost, at most, while what is sent still arrives.
const DEAF: u64 = 400;

impl Wires {
    /// Wires to servers on this machine. Needs a runtime.
    pub(in crate::database) fn to(servers: &[u16]) -> Result<Self> {
        let cuts = watch::Sender::new(Cut::default());
        let mut listening = JoinSet::new();
        let mut ports = Vec::new();
        for server in servers {
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
            listener.set_nonblocking(true)?;
            ports.push(listener.local_addr()?.port());
            listening.spawn(listen(TcpListener::from_std(listener)?, *server, cuts.subscribe()));
        }
        Ok(Self {
            ports,
            cuts,
            _listening: listening,
        })
    }

    pub(in crate::database) fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Cuts a share of all connections: some at once, some after their answers were lost for a while.
    pub(in crate::database) fn cut(&self, percent: u64) {
        self.cuts.send_replace(Cut { percent });
    }
}

async fn listen(listener: TcpListener, server: u16, mut cuts: watch::Receiver<Cut>) {
    let mut carried = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    cuts.mark_unchanged();
                    carried.spawn(carry(client, server, cuts.clone()));
                }
            }
            Some(_) = carried.join_next() => {}
        }
    }
}

async fn carry(client: TcpStream, server: u16, mut cuts: watch::Receiver<Cut>) {
    // Of a server that was killed the client sees that the connection ends at once.
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else {
        return;
    };
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let mut asks = std::pin::pin!(copy(&mut from_client, &mut to_server));
    tokio::select! {
        _ = &mut asks => return,
        _ = copy(&mut from_server, &mut to_client) => return,
        () = cut(&mut cuts) => {}
    }
    let random = ThreadRuntime.entropy();
    if random.is_multiple_of(2) {
        let _ = timeout(Duration::from_millis(random / 2 % DEAF), asks).await;
    }
}

/// Ends when this connection is to be cut.
async fn cut(cuts: &mut watch::Receiver<Cut>) {
    loop {
        if cuts.changed().await.is_err() {
            return;
        }
        if ThreadRuntime.entropy() % 100 < cuts.borrow_and_update().percent {
            return;
        }
    }
}
