use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::Timestamp;

/// A lease that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLease {
    /// What is held.
    pub name: String,
    /// Who holds it, as they called themselves.
    pub holder: String,
}

/// Lets one process at a time do something, by name, for as long as it says that it is alive.
///
/// A lease bounds in time who acts; it cannot stop a holder that was paused. What must not be done by two is fenced
/// besides, as [`Checkpoints`](super::Checkpoints) does.
///
/// `now` is the caller's clock. A store with a clock of its own, which all callers share, uses that one instead.
///
/// Names and holders have 1 to 255 bytes of any characters but NUL; callers see to that.
///
/// # Laws
/// - **G1** While a lease is held, `acquire` of the same name MUST answer `None`, to its holder as well. Of calls at once
///   at most one MUST be given it.
/// - **G2** A lease MUST be free once its time has passed without a renewal, and once it was released.
/// - **G3** Each lease of a name MUST have a token that no other lease of that name ever had, also after a release. A
///   renewal or release with another token MUST answer false and change nothing.
/// - **G4** A renewal with the token of the lease that is held MUST answer true, and keep it for `time` from then on. A
///   lease whose time has passed MUST NOT be renewed.
/// - **G5** `held` MUST give each lease that is held and whose name begins with the prefix, byte by byte, ordered by name,
///   and no other.
#[async_trait]
pub trait Leases: Send + Sync + 'static {
    /// Takes a lease for a time; `None` where it is held (G1, G3). The token that renewals have to show.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written. The lease may be taken all the same; it ends by itself.
    async fn acquire(
        &self,
        name: &str,
        holder: &str,
        time: Duration,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError>;

    /// Keeps a lease for a time from now (G3, G4). False where it was lost.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written. The lease may be renewed all the same.
    async fn renew(&self, name: &str, token: u64, time: Duration, now: Timestamp) -> Result<bool, StoreError>;

    /// Gives a lease back (G2, G3). False where it was lost.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written. The lease ends by itself then.
    async fn release(&self, name: &str, token: u64) -> Result<bool, StoreError>;

    /// What is held now, of the names with a prefix (G5).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn held(&self, prefix: &str, now: Timestamp) -> Result<Vec<HeldLease>, StoreError>;
}
