use std::fmt;

use asynx_core::EventName;
use asynx_core::patch::Patch;

use crate::{BoxError, Upcaster};

/// An upcaster for some events: see [`Upcaster::only`].
pub struct Only<U> {
    upcaster: U,
    applies: Applies,
}

enum Applies {
    Names(Vec<String>),
    If(Box<dyn Fn(&EventName) -> bool + Send + Sync>),
}

impl<U> Only<U> {
    pub(crate) fn names(upcaster: U, names: Vec<String>) -> Self {
        Self {
            upcaster,
            applies: Applies::Names(names),
        }
    }

    pub(crate) fn matching(upcaster: U, applies: impl Fn(&EventName) -> bool + Send + Sync + 'static) -> Self {
        Self {
            upcaster,
            applies: Applies::If(Box::new(applies)),
        }
    }
}

impl<U: Upcaster> Upcaster for Only<U> {
    fn upcast(&self, event_name: &EventName, patch: Patch) -> Result<Patch, BoxError> {
        let applies = match &self.applies {
            Applies::Names(names) => names.iter().any(|name| name == event_name.as_str()),
            Applies::If(applies) => applies(event_name),
        };
        if applies {
            self.upcaster.upcast(event_name, patch)
        } else {
            Ok(patch)
        }
    }

    fn check(&self) -> Result<(), BoxError> {
        if let Applies::Names(names) = &self.applies {
            for name in names {
                EventName::parse(name)?;
            }
        }
        self.upcaster.check()
    }
}

impl<U: fmt::Debug> fmt::Debug for Only<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Only");
        shown.field("upcaster", &self.upcaster);
        match &self.applies {
            Applies::Names(names) => shown.field("names", names).finish(),
            Applies::If(_) => shown.finish_non_exhaustive(),
        }
    }
}
