use asynx_core::EventName;
use asynx_core::patch::Patch;

use crate::{BoxError, Upcaster};

/// Two upcasters, one after the other, as one: see [`Upcaster::then`].
#[derive(Debug, Clone)]
pub struct Then<A, B> {
    first: A,
    second: B,
}

impl<A, B> Then<A, B> {
    pub(crate) fn new(first: A, second: B) -> Self {
        Self { first, second }
    }
}

impl<A: Upcaster, B: Upcaster> Upcaster for Then<A, B> {
    fn upcast(&self, event_name: &EventName, patch: Patch) -> Result<Patch, BoxError> {
        self.second.upcast(event_name, self.first.upcast(event_name, patch)?)
    }

    fn check(&self) -> Result<(), BoxError> {
        self.first.check()?;
        self.second.check()
    }
}
