/// What a fixture says that its store can do. What it does not declare must be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    pub(super) unique_event_ids: bool,
    pub(super) snapshots: bool,
    pub(super) log: bool,
    pub(super) erase: bool,
    pub(super) sole_writer: bool,
    pub(super) checkpoints: bool,
    pub(super) leases: bool,
    pub(super) parking: bool,
    pub(super) transactions: bool,
    pub(super) slow_transactions: bool,
    pub(super) lost_leases: bool,
    pub(super) another: bool,
}

impl Capabilities {
    /// The five methods and nothing else.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Everything that [`Store`](asynx_core::Store) knows; what a fixture can stage besides is not in it.
    #[must_use]
    pub fn all_of_a_store() -> Self {
        Self::none()
            .with_unique_event_ids()
            .with_snapshots()
            .with_log()
            .with_erase()
            .with_sole_writer()
            .with_checkpoints()
            .with_leases()
            .with_parking()
    }

    /// [`Store::unique_event_ids`](asynx_core::Store::unique_event_ids) is true.
    #[must_use]
    pub const fn with_unique_event_ids(self) -> Self {
        Self {
            unique_event_ids: true,
            ..self
        }
    }

    /// There are [`snapshots`](asynx_core::Store::snapshots).
    #[must_use]
    pub const fn with_snapshots(self) -> Self {
        Self {
            snapshots: true,
            ..self
        }
    }

    /// There is a [`log`](asynx_core::Store::log).
    #[must_use]
    pub const fn with_log(self) -> Self {
        Self { log: true, ..self }
    }

    /// The store can [`erase`](asynx_core::Store::erase).
    #[must_use]
    pub const fn with_erase(self) -> Self {
        Self { erase: true, ..self }
    }

    /// The store can lease a category to a [`sole_writer`](asynx_core::Store::sole_writer).
    #[must_use]
    pub const fn with_sole_writer(self) -> Self {
        Self {
            sole_writer: true,
            ..self
        }
    }

    /// The store can keep [`checkpoints`](asynx_core::Store::checkpoints).
    #[must_use]
    pub const fn with_checkpoints(self) -> Self {
        Self {
            checkpoints: true,
            ..self
        }
    }

    /// The store can keep named [`leases`](asynx_core::Store::leases).
    #[must_use]
    pub const fn with_leases(self) -> Self {
        Self { leases: true, ..self }
    }

    /// The store can keep events that were put aside: [`parking`](asynx_core::Store::parking).
    #[must_use]
    pub const fn with_parking(self) -> Self {
        Self { parking: true, ..self }
    }

    /// The store has [`Transactions`](asynx_core::store::Transactions), and the fixture offers them:
    /// [`WithTransactions`](super::WithTransactions). Checkpoints and parking must be there, too.
    #[must_use]
    pub const fn with_transactions(self) -> Self {
        Self {
            transactions: true,
            ..self
        }
    }

    /// The fixture can stage [`SlowTransactions`](super::SlowTransactions).
    #[must_use]
    pub const fn with_slow_transactions(self) -> Self {
        Self {
            slow_transactions: true,
            ..self
        }
    }

    /// The fixture can open [`another`](super::StoreFixture::another) handle to the same data.
    #[must_use]
    pub const fn with_another_handle(self) -> Self {
        Self { another: true, ..self }
    }

    /// The fixture can take leases away: [`LeaseLoser`](super::LeaseLoser).
    #[must_use]
    pub const fn with_lost_leases(self) -> Self {
        Self {
            lost_leases: true,
            ..self
        }
    }
}
