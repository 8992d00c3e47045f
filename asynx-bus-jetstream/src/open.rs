use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, Stream};
use async_nats::jetstream::{Context, ContextBuilder};
use async_nats::{Client, ConnectOptions, ServerInfo};
use asynx_core::bus::Hooks;
use asynx_core::{Aggregate, Runtime};
use asynx_runtime::TokioRuntime;
use futures::future::{AbortHandle, Abortable};

use crate::names::Names;
use crate::shared::Shared;
use crate::wire::Wire;
use crate::{JetStreamBus, JetStreamBusError, JetStreamBusOptions, inbox};

/// The oldest server that lets one of several clients be the one that is given events, and tells which.
const OLDEST: (u64, u64) = (2, 12);

impl<A: Aggregate> JetStreamBus<A> {
    /// Connects to servers by their URLs, joined by commas, and opens a bus with the defaults of
    /// [`JetStreamBusOptions`]: `nats://user:password@host:4222`, or `tls://` for TLS.
    ///
    /// # Errors
    /// [`JetStreamBusError`]: what is wrong with the servers or the streams, and what to do.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the streams made or not.
    pub async fn connect(urls: &str, hooks: Hooks<A>) -> Result<Self, JetStreamBusError> {
        Self::connect_with(urls, hooks, JetStreamBusOptions::default()).await
    }

    /// Connects to servers by their URLs, joined by commas.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// As [`connect`](Self::connect).
    pub async fn connect_with(
        urls: &str,
        hooks: Hooks<A>,
        options: JetStreamBusOptions,
    ) -> Result<Self, JetStreamBusError> {
        let urls: Vec<&str> = urls.split(',').map(str::trim).collect();
        let connected = ConnectOptions::new().name("asynx-bus").connect(urls).await;
        let client = connected.map_err(|error| JetStreamBusError::new("failed to connect to NATS").caused_by(error))?;
        Self::open(client, hooks, options).await
    }

    /// Opens a bus over a connection, however it was made. Several buses may share one.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// As [`connect`](Self::connect).
    pub async fn open(
        client: Client,
        hooks: Hooks<A>,
        options: JetStreamBusOptions,
    ) -> Result<Self, JetStreamBusError> {
        check_name(&options.stream)?;
        check_server(&client.server_info())?;
        let runtime = runtime(&options)?;
        let names = Names::parse(options.prefix.as_deref().unwrap_or(&options.stream), A::CATEGORY)?;
        let context = ContextBuilder::new()
            .timeout(options.request_timeout)
            .ack_timeout(options.request_timeout)
            .build(client.clone());
        let parked = format!("{}-parked", options.stream);
        let parked = stream(&context, &options, parked, names.parked_subjects(), Duration::ZERO).await?;
        let name = options.stream.clone();
        let events = stream(&context, &options, name, names.subjects(), options.max_age).await?;
        let seen = events.cached_info().state.last_sequence;
        let wire = Arc::new(Wire {
            client,
            context,
            events,
            parked,
            names,
            options,
            runtime: Arc::clone(&runtime),
        });
        let (inbox, reading) = AbortHandle::new_pair();
        let shared = Arc::new(Shared::new(Arc::clone(&wire), hooks, seen, inbox));
        let reader = inbox::read(Arc::downgrade(&shared), wire, seen);
        runtime.spawn(Box::pin(async move {
            let _ = Abortable::new(reader, reading).await;
        }));
        Ok(Self { shared })
    }
}

/// Finds or makes a stream.
async fn stream(
    context: &Context,
    options: &JetStreamBusOptions,
    name: String,
    subjects: Vec<String>,
    max_age: Duration,
) -> Result<Stream, JetStreamBusError> {
    let failed = |what: &str| JetStreamBusError::new(format!("failed to {what} the stream {name} of the bus"));
    let wanted = Config {
        name: name.clone(),
        subjects,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        storage: options.storage,
        num_replicas: options.replicas.unwrap_or(1),
        max_age,
        allow_direct: true,
        ..Config::default()
    };
    let found = context.get_stream(&name).await;
    let found = match found {
        Ok(found) => found,
        Err(_) if options.create => match context.create_stream(wanted.clone()).await {
            Ok(made) => made,
            // Somebody else made it just now, perhaps otherwise; or the first look failed.
            Err(error) => context
                .get_stream(&name)
                .await
                .map_err(|_| failed("make").caused_by(error))?,
        },
        Err(error) => return Err(failed("find").caused_by(error)),
    };
    let config = &found.cached_info().config;
    let fault = |what: &str| {
        Err(JetStreamBusError::new(format!(
            "the stream {name} cannot be used as a bus: {what}; change it with `nats stream edit`, or name another stream"
        )))
    };
    if wanted.subjects.iter().any(|subject| !config.subjects.contains(subject)) {
        return fault(&format!("its subjects must be {}", wanted.subjects.join(", ")));
    }
    if config.retention != RetentionPolicy::Limits {
        return fault("its retention must be `limits`");
    }
    if options.replicas.is_some_and(|replicas| replicas != config.num_replicas) {
        return fault(&format!("it has {} replicas", config.num_replicas));
    }
    Ok(found)
}

fn check_name(name: &str) -> Result<(), JetStreamBusError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match (1..=32).contains(&name.len()) && name.bytes().all(plain) {
        true => Ok(()),
        false => Err(JetStreamBusError::new(format!(
            "the stream name {name:?} is not valid: 1 to 32 letters, digits, `-` and `_`"
        ))),
    }
}

fn check_server(server: &ServerInfo) -> Result<(), JetStreamBusError> {
    let mut numbers = server.version.split(['.', '-']).map(str::parse::<u64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) < OLDEST => Err(JetStreamBusError::new(format!(
            "the server is nats-server {}: 2.12 or newer is needed",
            server.version
        ))),
        _ => Ok(()),
    }
}

fn runtime(options: &JetStreamBusOptions) -> Result<Arc<dyn Runtime>, JetStreamBusError> {
    if let Some(runtime) = &options.runtime {
        return Ok(Arc::clone(runtime));
    }
    match TokioRuntime::current() {
        Ok(runtime) => Ok(Arc::new(runtime)),
        Err(none) => Err(JetStreamBusError::new(none.to_string())),
    }
}
