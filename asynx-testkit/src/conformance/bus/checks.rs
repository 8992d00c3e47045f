use std::sync::{Arc, Mutex};

use asynx_core::bus::Hooks;
use asynx_core::{Bus, Event};
use futures::channel::mpsc;

use super::probe::label;
use super::{BusFixture, Probe, Trial};
use crate::conformance::Check;
use crate::conformance::audit::Audit;
use crate::conformance::check::{Kept, assert, in_time, named, table};

impl Check<Trial> {
    /// Opens a bus and checks it.
    ///
    /// # Errors
    /// [`LawBroken`](crate::conformance::LawBroken) when the bus does not keep the law, or not in time.
    pub async fn run<F: BusFixture>(&self, fixture: &F) -> Kept {
        self.try_on(fixture, None).await
    }

    /// Checks with somebody who looks on.
    #[doc(hidden)]
    pub async fn run_audited<F: BusFixture>(&self, fixture: &F, audit: Arc<Audit>) -> Kept {
        self.try_on(fixture, Some(audit)).await
    }

    async fn try_on<F: BusFixture>(&self, fixture: &F, audit: Option<Arc<Audit>>) -> Kept {
        let (tell, told) = mpsc::unbounded();
        let hooks = Hooks::default().on_handler_failure(move |event: &Event<Probe>, id, failure| {
            let _ = tell.unbounded_send((label(event), id, failure.to_string()));
        });
        let runtime = fixture.runtime();
        let (guard, bus) = fixture.open(Arc::clone(&runtime), hooks).await;
        let patience = fixture.patience();
        let witness = self.witness(fixture.name(), audit);
        let mut trial = Trial {
            witness: witness.clone(),
            bus: Arc::new(bus) as Arc<dyn Bus<Probe>>,
            patience,
            told: Mutex::new(told),
            runtime: Arc::clone(&runtime),
        };
        let kept = in_time((self.try_it)(&mut trial), &*runtime, patience, |told| {
            witness.broken(told)
        })
        .await;
        drop(trial);
        drop(guard);
        kept
    }
}

/// Runs one check by its name, for [`bus_conformance!`](crate::bus_conformance).
///
/// # Panics
/// When the bus does not keep the law.
pub fn assert_kept<F: BusFixture>(fixture: &F, check: &str) {
    assert(fixture.block_on(named(CHECKS, check).run(fixture)));
}

/// The one list of checks.
#[doc(hidden)]
#[macro_export]
macro_rules! __bus_checks {
    ([$($then:tt)+] $args:tt) => {
        $($then)+! { $args
            B1 given::b1_whole_names_decide;
            B1 given::b1_each_event_is_given_once;
            B1 given::b1_from_subscribe_to_unsubscribe;
            B1 given::b1_full_queues_drop_as_told;
            B1 given::b1_streams_are_given_each_event_once;
            B2 order::b2_one_aggregate_in_order;
            B2 order::b2_one_after_the_other;
            B2 order::b2_aggregates_side_by_side_as_allowed;
            B3 order::b3_publish_does_not_wait;
            B3 order::b3_subscriptions_do_not_delay_each_other;
            B4 failure::b4_errors_are_told_and_fall_back;
            B4 failure::b4_panics_are_told_and_fall_back;
            B4 failure::b4_panics_when_called_are_told_and_fall_back;
            B4 failure::b4_timeouts_are_told_and_fall_back;
            B4 failure::b4_failures_of_fallbacks_are_told;
            B5 delivery::b5_ends_with_the_last_handler;
            B5 delivery::b5_ends_with_the_fallback;
            B5 delivery::b5_ends_when_unsubscribed;
            B5 delivery::b5_does_not_wait_for_who_waits;
            B6 forget::b6_waits_for_what_was_given;
            B6 forget::b6_waits_for_no_other_aggregate;
            B6 forget::b6_new_lives_wait;
            B6 forget::b6_all_have_succeeded;
            B6 forget::b6_from_inside_a_handler;
            B7 context::b7_handlers_run_in_their_context;
            B7 context::b7_the_ancestry_leads_on;
            B7 context::b7_forget_handlers_run_in_their_context;
            B8 ending::b8_idle_waits_for_all_given_before;
            B8 ending::b8_idle_waits_for_nothing_given_later;
            B8 ending::b8_a_closed_bus_answers_so;
            B8 ending::b8_close_tells_what_waits_and_drops_what_runs;
            B8 ending::b8_close_ends_streams;
            B9 given::b9_tombstones_reach_nobody;
        }
    };
}

/// Makes one test of each law, named after it, for the bus of a
/// [`BusFixture`](crate::conformance::bus::BusFixture).
///
/// The argument is an expression that makes the fixture; each test makes its own. See
/// [`conformance::bus`](crate::conformance::bus) for an example.
#[macro_export]
macro_rules! bus_conformance {
    ($fixture:expr) => {
        $crate::__bus_checks! { [$crate::__tests] ($crate::conformance::bus::assert_kept, $fixture) }
    };
}

crate::__bus_checks! { [table] () }
