use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use asynx_nats_testing::TOKIO;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Stands between a process and a server. While it is deaf, what the process says arrives and no answer does.
pub(crate) struct Proxy {
    url: String,
    deaf: Arc<AtomicBool>,
}

impl Proxy {
    pub(crate) async fn before(server: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("nats://{}", listener.local_addr().unwrap());
        let deaf = Arc::new(AtomicBool::new(false));
        let (is_deaf, server) = (Arc::clone(&deaf), server.trim_start_matches("nats://").to_owned());
        TOKIO.spawn(async move {
            while let Ok((process, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else {
                    // It is not up yet.
                    continue;
                };
                let (from_process, to_process) = process.into_split();
                let (from_server, to_server) = server.into_split();
                TOKIO.spawn(forward(from_process, to_server, Arc::default()));
                TOKIO.spawn(forward(from_server, to_process, Arc::clone(&is_deaf)));
            }
        });
        Self { url, deaf }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn deafen(&self) {
        self.deaf.store(true, Ordering::SeqCst);
    }

    /// New connections are as they should be. Those in which answers were lost end.
    pub(crate) fn heal(&self) {
        self.deaf.store(false, Ordering::SeqCst);
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, is_deaf: Arc<AtomicBool>) {
    let (mut some, mut lost) = (vec![0; 65_536], false);
    loop {
        // Where nothing comes any more, it is looked at again whether answers were lost.
        let read = tokio::time::timeout(Duration::from_millis(50), from.read(&mut some)).await;
        let is_deaf = is_deaf.load(Ordering::SeqCst);
        match read {
            _ if lost && !is_deaf => return,
            Ok(Ok(0) | Err(_)) => return,
            Ok(Ok(_)) if is_deaf => lost = true,
            Ok(Ok(count)) if to.write_all(&some[..count]).await.is_err() => return,
            _ => {}
        }
    }
}
