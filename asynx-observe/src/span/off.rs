use asynx_core::bus::SubscriptionId;
use asynx_core::store::LogEvent;
use asynx_core::{AggregateId, Category, Event, EventId, EventName, Version};

use super::Span;

/// As with `tracing`, and nothing happens.
#[expect(missing_docs, reason = "they are documented where they do something")]
impl Span {
    #[inline]
    #[must_use]
    pub const fn none() -> Self {
        Self()
    }

    #[inline]
    #[must_use]
    pub const fn send(_: &Category, _: &AggregateId, _: &EventName, _: EventId) -> Self {
        Self()
    }

    #[inline]
    #[must_use]
    pub const fn load(_: &Category, _: &[AggregateId]) -> Self {
        Self()
    }

    #[inline]
    #[must_use]
    pub fn append<'a>(_: &Category, _: usize, _: impl Iterator<Item = (&'a AggregateId, usize)> + Clone) -> Self {
        Self()
    }

    #[inline]
    #[must_use]
    pub const fn publish<A>(&self, _: &Event<A>) -> Self {
        Self()
    }

    #[inline]
    #[must_use]
    pub const fn handle<A>(_: &Event<A>, _: SubscriptionId, _: &'static str) -> Self {
        Self()
    }

    #[inline]
    #[must_use]
    pub const fn project(_: &str, _: u32, _: usize, _: &[LogEvent]) -> Self {
        Self()
    }

    #[inline]
    pub const fn follows(&self, _: &Self) {}

    #[inline]
    pub fn in_scope<T>(&self, code: impl FnOnce() -> T) -> T {
        code()
    }

    #[inline]
    pub const fn around<F: Future>(&self, future: F) -> F {
        future
    }

    #[inline]
    pub const fn version(&self, _: Version) {}

    #[inline]
    pub const fn outcome(&self, _: &'static str) {}
}
