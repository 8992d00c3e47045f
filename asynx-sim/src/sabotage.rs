//! Deliberate bugs, to prove that the simulator finds them.

use asynx_processor::Options;

/// A deliberate bug. Without the feature `sabotage` there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sabotage {
    /// What it is called.
    pub name: &'static str,
    #[cfg(feature = "sabotage")]
    processor: Option<asynx_processor::Sabotage>,
}

impl Sabotage {
    /// All of them.
    #[cfg(feature = "sabotage")]
    #[must_use]
    pub fn all() -> Vec<Self> {
        use asynx_processor::Sabotage as In;
        let all = [
            ("no-freshness-check", Some(In::NoFreshnessCheck)),
            ("keep-after-conflict", Some(In::KeepAfterConflict)),
            ("publish-before-append", Some(In::PublishBeforeAppend)),
            ("forget-outside-shard", Some(In::ForgetOutsideShard)),
            ("shutdown-drops-queue", Some(In::ShutdownDropsQueue)),
            ("race-deliveries", None),
            ("settle-by-absence", Some(In::SettleByAbsence)),
            ("reject-by-overlay", Some(In::RejectByOverlay)),
            ("keep-snapshots", Some(In::KeepSnapshots)),
            ("join-freshness-check", Some(In::JoinFreshnessCheck)),
        ];
        all.into_iter()
            .map(|(name, processor)| Self { name, processor })
            .collect()
    }

    /// All of them: none, without the feature `sabotage`.
    #[cfg(not(feature = "sabotage"))]
    #[must_use]
    pub const fn all() -> Vec<Self> {
        Vec::new()
    }

    /// Does it, or undoes what the last one did, to what all buses of the program share.
    pub fn prepare(sabotage: Option<Self>) {
        #[cfg(feature = "sabotage")]
        {
            let races = sabotage.is_some_and(|sabotage| sabotage.processor.is_none());
            asynx_bus::RACE_DELIVERIES.store(races, std::sync::atomic::Ordering::Relaxed);
        }
        let _ = sabotage;
    }

    #[cfg(feature = "sabotage")]
    pub(crate) fn into_options(self, mut options: Options) -> Options {
        options.sabotage = self.processor;
        options
    }

    #[cfg(not(feature = "sabotage"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) const fn into_options(self, options: Options) -> Options {
        options
    }
}
