//! Deliberate bugs, to prove that the simulator finds them.

use asynx_lanes::LaneOptions;
use asynx_processor::Options;

/// A deliberate bug. Without the feature `sabotage` there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sabotage {
    /// What it is called.
    pub name: &'static str,
    #[cfg(feature = "sabotage")]
    place: Place,
}

/// Where a bug sits.
#[cfg(feature = "sabotage")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Processor(asynx_processor::Sabotage),
    Bus,
    Lanes,
}

impl Sabotage {
    /// All of them.
    #[cfg(feature = "sabotage")]
    #[must_use]
    pub fn all() -> Vec<Self> {
        use Place::{Bus, Lanes, Processor};
        use asynx_processor::Sabotage as In;
        let all = [
            ("no-freshness-check", Processor(In::NoFreshnessCheck)),
            ("keep-after-conflict", Processor(In::KeepAfterConflict)),
            ("publish-before-append", Processor(In::PublishBeforeAppend)),
            ("forget-outside-shard", Processor(In::ForgetOutsideShard)),
            ("shutdown-drops-queue", Processor(In::ShutdownDropsQueue)),
            ("race-deliveries", Bus),
            ("settle-by-absence", Processor(In::SettleByAbsence)),
            ("reject-by-overlay", Processor(In::RejectByOverlay)),
            ("keep-snapshots", Processor(In::KeepSnapshots)),
            ("join-freshness-check", Processor(In::JoinFreshnessCheck)),
            ("two-lanes", Lanes),
        ];
        all.into_iter().map(|(name, place)| Self { name, place }).collect()
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
            let races = sabotage.is_some_and(|sabotage| sabotage.place == Place::Bus);
            asynx_bus::RACE_DELIVERIES.store(races, std::sync::atomic::Ordering::Relaxed);
        }
        let _ = sabotage;
    }

    #[cfg(feature = "sabotage")]
    pub(crate) fn into_options(self, mut options: Options) -> Options {
        if let Place::Processor(sabotage) = self.place {
            options.sabotage = Some(sabotage);
        }
        options
    }

    #[cfg(feature = "sabotage")]
    pub(crate) fn into_lanes(self, options: LaneOptions) -> LaneOptions {
        match self.place {
            Place::Lanes => options.sharing_streams(),
            _ => options,
        }
    }

    #[cfg(not(feature = "sabotage"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) const fn into_options(self, options: Options) -> Options {
        options
    }

    #[cfg(not(feature = "sabotage"))]
    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) const fn into_lanes(self, options: LaneOptions) -> LaneOptions {
        options
    }
}
