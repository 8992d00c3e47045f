use super::Runner;
use super::post::Post;
use crate::Lifecycle;
use crate::role::{Built, InUse, Role};
use crate::succession::Succession;

/// What becomes of a switch whose process died in the middle: the new version takes over, or where nobody runs it, the
/// old one goes on.
impl<L: Lifecycle> Runner<L> {
    /// Whether somebody has begun to switch to this version.
    pub(super) fn is_switched_to(&self, post: &Post) -> bool {
        matches!(post.role, Role::Rebuild(in_use) if in_use.successor == Some(self.built.version))
    }

    /// Finishes a switch to this version that has not come to an end for a while. True where it is in use now.
    pub(super) async fn finish_switch(&self, post: &mut Post) -> bool {
        let Role::Rebuild(old) = post.role else { return false };
        if !self.is_switched_to(post) || self.partition.number > 0 {
            post.finish_at = None;
            return false;
        }
        let now = self.runtime.now().as_micros();
        let time = i64::try_from(self.options.lease_time.as_micros()).unwrap_or(i64::MAX);
        let at = *post.finish_at.get_or_insert(now.saturating_add(time));
        if now < at {
            return false;
        }
        post.finish_at = Some(now.saturating_add(time / 5));
        let succession = self.succession(self.built);
        let finishing = async {
            succession.fence(old).await?;
            let target = succession.target(old).await?;
            if succession.position().await? < target {
                return Ok(false);
            }
            succession.finish(&self.lifecycle, old).await.map(|()| true)
        };
        match finishing.await {
            Ok(finished) => finished,
            Err(error) => {
                self.say(&error.to_string());
                false
            }
        }
    }

    /// Whether this version, which was stopped for another one, is to go on: nobody has run that one for a while.
    pub(super) async fn goes_on(&mut self, in_use: InUse) -> bool {
        let Some(successor) = in_use.successor.filter(|_| self.partition.number == 0) else {
            return false;
        };
        let now = self.runtime.now().as_micros();
        let long = i64::try_from(self.options.lease_time.as_micros() * 3).unwrap_or(i64::MAX);
        let succession = self.succession(Built {
            version: successor,
            ..self.built
        });
        let since = *self.leaving_since.get_or_insert(now);
        let undoing = async {
            if succession.is_run(&*self.runtime).await? {
                return Ok(None);
            }
            if now - since < long {
                return Ok(Some(false));
            }
            succession.undo(in_use).await.map(|()| Some(true))
        };
        match undoing.await {
            Ok(Some(undone)) => undone,
            Ok(None) => {
                self.leaving_since = None;
                false
            }
            Err(error) => {
                self.say(&error.to_string());
                false
            }
        }
    }

    fn succession(&self, new: Built) -> Succession {
        Succession {
            store: self.reader.store.clone(),
            projection: self.projection.clone(),
            new,
            limits: self.limits.clone(),
        }
    }
}
