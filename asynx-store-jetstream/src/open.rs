use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_nats::{Client, ConnectOptions, ServerInfo};
use asynx_core::{Runtime, StoreError};
use asynx_runtime::TokioRuntime;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::config::Wanted;
use crate::error::{Refusal, STREAM_NAME_IN_USE, STREAM_NOT_FOUND};
use crate::follow::Follower;
use crate::journal::Journal;
use crate::known::Known;
use crate::names::Names;
use crate::store::Shared;
use crate::wire::{Outgoing, Wire};
use crate::{JetStreamOptions, JetStreamStore};

/// The oldest server that stores messages together or not at all.
const OLDEST: (u64, u64) = (2, 12);

impl JetStreamStore {
    /// Connects to servers by their URLs, joined by commas, and opens a store with the defaults of
    /// [`JetStreamOptions`]: `nats://user:password@host:4222`, or `tls://` for TLS.
    ///
    /// # Errors
    /// [`StoreError`]: what is wrong with the servers, the stream or its configuration, and what to do.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the stream made or not.
    pub async fn connect(urls: &str) -> Result<Self, StoreError> {
        Self::connect_with(urls, JetStreamOptions::default()).await
    }

    /// Connects to servers by their URLs, joined by commas.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// As [`connect`](Self::connect).
    pub async fn connect_with(urls: &str, options: JetStreamOptions) -> Result<Self, StoreError> {
        let urls: Vec<&str> = urls.split(',').map(str::trim).collect();
        let connected = ConnectOptions::new().name("asynx").connect(urls).await;
        let client = connected
            .map_err(|error| StoreError::transient(format!("failed to connect to NATS: {error}")).caused_by(error))?;
        Self::open(client, options).await
    }

    /// Opens a store over a connection, however it was made.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// As [`connect`](Self::connect).
    pub async fn open(client: Client, options: JetStreamOptions) -> Result<Self, StoreError> {
        check_name(&options.stream)?;
        check_server(&client.server_info())?;
        let names = Names::parse(options.prefix.as_deref().unwrap_or(&options.stream))?;
        let wire = Arc::new(Wire {
            client,
            runtime: runtime(&options)?,
            timeout: options.request_timeout,
        });
        let bucket = format!("{}-state", options.stream);
        let events = Wanted {
            name: options.stream.clone(),
            subjects: names.subjects(),
            per_subject: -1,
            republish: Some((names.all_events(), names.news())),
        };
        let state = Wanted {
            name: format!("KV_{bucket}"),
            subjects: vec![format!("$KV.{bucket}.>")],
            per_subject: 1,
            republish: None,
        };
        let key = |key: &str| format!("$KV.{bucket}.{key}");
        let events = journal(&wire, events, &options, names.anchor(), names.nothing()).await?;
        let state = journal(&wire, state, &options, key("anchor"), key("nothing")).await?;
        let shared = Shared {
            names,
            events,
            state,
            chains: Known::new(options.cached_heads),
            indexes: Known::new(options.cached_heads),
            batches: Semaphore::new(options.batches.max(1)),
            follower: Follower::default(),
            has_rows: AtomicBool::new(false),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }
}

/// Finds or makes a stream, and sees that it keeps what it is given.
async fn journal(
    wire: &Arc<Wire>,
    wanted: Wanted,
    options: &JetStreamOptions,
    anchor: String,
    nothing: String,
) -> Result<Journal, StoreError> {
    let mut journal = Journal {
        wire: wire.clone(),
        name: wanted.name.clone(),
        anchor: anchor.clone(),
        nothing,
        replicated: true,
        fence: Default::default(),
    };
    let name = &wanted.name;
    let mut info = journal.info().await?;
    if matches!(&info, Err(error) if error.err_code == STREAM_NOT_FOUND) && options.create {
        let create = format!("STREAM.CREATE.{name}");
        match wire.api::<Value>(&create, &wanted.request(options)).await? {
            // Or somebody else made it just now, perhaps otherwise.
            Ok(_) => {}
            Err(error) if error.err_code == STREAM_NAME_IN_USE => {}
            Err(error) => return Err(error.into_store_error(&format!("failed to make the stream {name}"))),
        }
        info = journal.info().await?;
    }
    let info = info.map_err(|error| match error.err_code {
        STREAM_NOT_FOUND => StoreError::permanent(format!(
            "there is no stream {name}: let the store make it, or make it as docs/jetstream.md says"
        )),
        _ => error.into_store_error(&format!("failed to look at the stream {name}")),
    })?;
    wanted.check(&info.config, options)?;
    journal.replicated = info.config.num_replicas > 1;
    let anchored = journal.publish(Outgoing::new(anchor, "").expecting(0)).await;
    match anchored {
        Ok(_) | Err(Refusal::WrongSequence) => Ok(journal),
        Err(refusal) => Err(refusal.into()),
    }
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match (1..=32).contains(&name.len()) && name.bytes().all(plain) {
        true => Ok(()),
        false => Err(StoreError::permanent(format!(
            "the stream name {name:?} is not valid: 1 to 32 letters, digits, `-` and `_`"
        ))),
    }
}

fn check_server(server: &ServerInfo) -> Result<(), StoreError> {
    let mut numbers = server.version.split(['.', '-']).map(str::parse::<u64>);
    let version = (numbers.next(), numbers.next());
    match version {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) < OLDEST => Err(StoreError::permanent(format!(
            "the server is nats-server {}: 2.12 or newer is needed, since events of one command are stored as one batch",
            server.version
        ))),
        _ => Ok(()),
    }
}

fn runtime(options: &JetStreamOptions) -> Result<Arc<dyn Runtime>, StoreError> {
    if let Some(runtime) = &options.runtime {
        return Ok(runtime.clone());
    }
    match TokioRuntime::current() {
        Ok(runtime) => Ok(Arc::new(runtime)),
        Err(none) => Err(StoreError::permanent(none.to_string())),
    }
}
