use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

/// A place in the kit where something is asserted.
pub type Site = &'static Location<'static>;

/// Looks at a check from outside, for the proof that each of its assertions is needed: notes which ones it comes to, and
/// can pass over one of them.
pub struct Audit {
    waived: Option<Site>,
    clock: Box<dyn Fn() -> usize + Send + Sync>,
    came_to: Mutex<Vec<CameTo>>,
}

impl Audit {
    /// Takes one assertion for kept whatever it sees, and notes by a clock when the check came to each.
    #[must_use]
    pub fn new(waived: Option<Site>, clock: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        Self {
            waived,
            clock: Box::new(clock),
            came_to: Mutex::default(),
        }
    }

    /// The assertions that the check came to, in their order.
    #[must_use]
    pub fn came_to(&self) -> Vec<CameTo> {
        self.came_to.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn waives(&self, site: Site) -> bool {
        self.waived == Some(site)
    }

    pub(super) fn note(&self, site: Site, can_be_waived: bool) {
        let at = (self.clock)();
        let came_to = CameTo {
            site,
            can_be_waived,
            at,
        };
        self.came_to
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(came_to);
    }
}

/// A check came to an assertion.
#[derive(Debug, Clone, Copy)]
pub struct CameTo {
    /// Which one.
    pub site: Site,
    /// Whether it could be left out; else it gives what the check goes on with.
    pub can_be_waived: bool,
    /// What the clock said.
    pub at: usize,
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit")
            .field("waived", &self.waived)
            .finish_non_exhaustive()
    }
}
