use std::fmt;

use asynx_core::{Aggregate, Applied, Command, Expected, Metadata, SendError, TraceContext};
use asynx_processor::Sending;

use crate::Asynx;

/// A command with its options, for a [`CommandService`](super::CommandService). They mean what they mean on [`Sending`].
#[derive(Clone)]
#[must_use = "a request is sent by a service"]
pub struct Request<C> {
    command: C,
    expected: Expected,
    key: Option<String>,
    metadata: Metadata,
    waits: bool,
}

impl<C> Request<C> {
    /// A command without options.
    pub fn new(command: C) -> Self {
        Self {
            command,
            expected: Expected::Any,
            key: None,
            metadata: Metadata::default(),
            waits: false,
        }
    }

    /// Carries the command out only if the aggregate is as expected.
    pub const fn expecting(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }

    /// Makes sending again safe: the first command with this key (1 to 255 bytes, within its aggregate) is carried out,
    /// later ones get its event.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the correlation id, instead of the one inherited from the handler that calls.
    pub fn correlation(mut self, id: impl Into<String>) -> Self {
        self.metadata.correlation_id = Some(id.into());
        self
    }

    /// Sets who asks for it.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.metadata.user = Some(user.into());
        self
    }

    /// Sets on behalf of which tenant.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.metadata.tenant = Some(tenant.into());
        self
    }

    /// Sets the W3C trace context.
    pub fn trace(mut self, context: TraceContext) -> Self {
        self.metadata.trace(context);
        self
    }

    /// Adds a free pair to the event's metadata.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.extra.insert(name.into(), value.into());
        self
    }

    /// Waits also until every handler that matches has ended.
    pub const fn and_wait(mut self) -> Self {
        self.waits = true;
        self
    }

    /// The command.
    pub const fn command(&self) -> &C {
        &self.command
    }

    /// Whether it has an idempotency key, so that it is carried out once however often it is sent.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        self.key.is_some()
    }

    /// Whether it is safe to send it again after this error, and of use: nothing was written and the trouble may pass
    /// (a conflict, a full queue, a transient failure of the store), or nobody knows what was written and it has an
    /// idempotency key. Never after the domain's rejection.
    ///
    /// After an error of another layer, such as a timeout, it is safe if it [`is_keyed`](Self::is_keyed).
    pub fn may_be_sent_again<R: std::error::Error>(&self, error: &SendError<R>) -> bool {
        let Some(failure) = error.failure() else { return false };
        match failure.applied() {
            Applied::No => failure.is_transient(),
            Applied::Unknown => self.is_keyed(),
            Applied::Yes => false,
        }
    }

    pub(super) fn send<A: Aggregate>(self, asynx: &Asynx<A>) -> Sending<A, C>
    where
        C: Command<A>,
    {
        let Metadata {
            correlation_id,
            user,
            tenant,
            traceparent,
            tracestate,
            extra,
            ..
        } = self.metadata;
        let mut sending = asynx.send(self.command).expecting(self.expected);
        if let Some(key) = self.key {
            sending = sending.idempotency_key(key);
        }
        if let Some(id) = correlation_id {
            sending = sending.correlation(id);
        }
        if let Some(user) = user {
            sending = sending.user(user);
        }
        if let Some(tenant) = tenant {
            sending = sending.tenant(tenant);
        }
        if let Some(traceparent) = traceparent {
            sending = sending.traceparent(traceparent);
        }
        if let Some(tracestate) = tracestate {
            sending = sending.tracestate(tracestate);
        }
        for (name, value) in extra {
            sending = sending.metadata(name, value);
        }
        match self.waits {
            true => sending.and_wait(),
            false => sending,
        }
    }
}

impl<C> From<C> for Request<C> {
    fn from(command: C) -> Self {
        Self::new(command)
    }
}

/// Without the command, which may hold what does not belong into a log.
impl<C> fmt::Debug for Request<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("expected", &self.expected)
            .field("idempotency_key", &self.key)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}
