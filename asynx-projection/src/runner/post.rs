use asynx_core::{Position, StoreError};

use super::Runner;
use crate::Lifecycle;
use crate::lifecycle::checkpoints;
use crate::marks::Marks;
use crate::role::{InUse, Role, role};
use crate::tenure::Tenure;

/// Why a runner lets go of a projection.
pub(super) enum Stop {
    /// Somebody asked for it, or the lease is lost: it goes on as it is told.
    Yield,
    /// A newer version is in use.
    Replaced,
    /// A newer version is about to take over, and may need help.
    Leaving(InUse),
    /// An error: it waits to be resumed.
    Failed(String),
    /// A newer program has to read on.
    Newer(String),
}

/// What a runner knows while the projection is its own.
pub(super) struct Post {
    pub(super) tenure: Tenure,
    pub(super) fence: u64,
    /// Up to where everything is handled, and the checkpoint in the store, which may be a little behind: what is not
    /// wanted is passed without a write.
    pub(super) position: Option<Position>,
    pub(super) kept: Option<Position>,
    pub(super) kept_at: i64,
    /// Nothing is to be done while this was the newest wish.
    pub(super) wish: u64,
    pub(super) role: Role,
    pub(super) role_known_at: i64,
    /// Up to where a version that is rebuilt may come, as far as is known: it only grows while the role stays.
    pub(super) limit: Option<Position>,
    /// What is replayed of what comes.
    pub(super) marks: Marks,
    /// When it looks whether a switch to it was left unfinished.
    pub(super) finish_at: Option<i64>,
}

impl<L: Lifecycle> Runner<L> {
    pub(super) async fn take_post(&self, wish: u64) -> Result<Option<Post>, StoreError> {
        let store = &self.reader.store;
        let lease = format!("projection:{}", self.name);
        let tenure = Tenure::take(
            store,
            &self.runtime,
            &lease,
            &self.holder,
            self.options.lease_time,
            &self.board,
        )
        .await?;
        let Some(tenure) = tenure else { return Ok(None) };
        // The role after the claim: a switch that this look misses fences the claim.
        let claim = async {
            let claimed = checkpoints(store)?.claim(&self.name).await?;
            let role = self.role().await?;
            let before = match role {
                Role::InUse(in_use) => in_use.before,
                _ => None,
            };
            Ok((claimed, role, Marks::of(store, &self.projection, before).await?))
        };
        match claim.await {
            Ok((claimed, role, marks)) => Ok(Some(Post {
                tenure,
                fence: claimed.fence,
                position: claimed.position,
                kept: claimed.position,
                kept_at: self.runtime.now().as_micros(),
                wish,
                role,
                role_known_at: self.runtime.now().as_micros(),
                limit: None,
                marks,
                finish_at: None,
            })),
            Err(error) => {
                tenure.give_back().await;
                Err(error)
            }
        }
    }

    async fn role(&self) -> Result<Role, StoreError> {
        role(&self.reader.store, &self.projection, self.built).await
    }

    /// Looks now and then whether another version is in use by now.
    pub(super) async fn check_role(&self, post: &mut Post) -> Result<(), Stop> {
        let now = self.runtime.now().as_micros();
        let often = i64::try_from(self.options.lease_time.as_micros() / 5).unwrap_or(i64::MAX);
        if now - post.role_known_at >= often
            && let Ok(role) = self.role().await
        {
            if matches!(role, Role::Rebuild(_)) != matches!(post.role, Role::Rebuild(_)) {
                return Err(Stop::Yield);
            }
            post.role = role;
            post.limit = None;
            post.role_known_at = now;
        }
        match post.role {
            Role::Replaced => Err(Stop::Replaced),
            Role::Leaving(in_use) => Err(Stop::Leaving(in_use)),
            Role::Misfit { partitions } => Err(Stop::Failed(format!(
                "version {} of {} runs with {partitions} partition(s), not {}: to change their number, raise the version",
                self.options.version, self.projection, self.partition.of,
            ))),
            Role::InUse(_) | Role::Rebuild(_) => Ok(()),
        }
    }

    /// Whether this runner has to let go.
    pub(super) fn is_over(&self, post: &Post) -> bool {
        self.control.get().1 != post.wish || !post.tenure.is_held()
    }
}
