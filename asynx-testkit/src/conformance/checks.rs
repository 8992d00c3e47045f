use std::sync::{Arc, Mutex, PoisonError};

use asynx_core::Store;

use super::audit::Audit;
use super::check::{Kept, assert, in_time, named, table};
use super::trial::Parts;
use super::{Check, StoreFixture, Trial};

impl Check<Trial> {
    /// Opens a store and checks it.
    ///
    /// # Errors
    /// [`LawBroken`](super::LawBroken) when the store does not keep the law, or does not answer in time.
    pub async fn run<F: StoreFixture>(&self, fixture: &F) -> Kept {
        self.try_on(fixture, None).await
    }

    /// Checks with somebody who looks on.
    #[doc(hidden)]
    pub async fn run_audited<F: StoreFixture>(&self, fixture: &F, audit: Arc<Audit>) -> Kept {
        self.try_on(fixture, Some(audit)).await
    }

    async fn try_on<F: StoreFixture>(&self, fixture: &F, audit: Option<Arc<Audit>>) -> Kept {
        let (guard, store) = fixture.open().await;
        let runtime = fixture.runtime();
        let other = match self.needs_another {
            true => fixture.another(&store).await,
            false => None,
        };
        let transactions = fixture.transactions(&store);
        let parts = Arc::new(Parts {
            witness: self.witness(fixture.name(), audit),
            capabilities: fixture.capabilities(),
            slow_transactions: fixture.slow_transactions(&store),
            lease_loser: fixture.lease_loser(&store),
            other_transactions: other.as_ref().and_then(|other| fixture.transactions(other)),
            other: other.map(|other| Arc::new(other) as Arc<dyn Store>),
            patience: fixture.patience(),
            category: format!("{}-{:016x}", self.name, runtime.entropy()),
            doing: Mutex::default(),
            runtime,
        });
        let store = Arc::new(store);
        let mut trial = Trial {
            parts: Arc::clone(&parts),
            store,
            transactions,
        };
        let kept = in_time((self.try_it)(&mut trial), &*parts.runtime, parts.patience, |late| {
            let doing = parts.doing.lock().unwrap_or_else(PoisonError::into_inner);
            parts.witness.broken(format!("{late}, last: {doing}"))
        });
        let kept = kept.await;
        drop((trial, parts));
        drop(guard);
        kept
    }
}

/// Runs one check by its name, for [`store_conformance!`](crate::store_conformance).
///
/// # Panics
/// When the store does not keep the law.
pub fn assert_kept<F: StoreFixture>(fixture: &F, check: &str) {
    assert(fixture.block_on(named(CHECKS, check).run(fixture)));
}

/// The one list of checks. Those marked `another` get a second handle.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_checks {
    ([$($then:tt)+] $args:tt) => {
        $($then)+! { $args
            S1 append::s1_taken_versions_conflict;
            S1 append::s1_one_append_wins_a_race;
            S2 append::s2_an_answered_append_is_visible;
            S3 append::s3_streams_do_not_hinder_each_other;
            S3 append::s3_groups_of_many_streams_all_succeed;
            S4 append::s4_answers_tell_what_is_stored;
            S5 ids::s5_taken_ids_are_refused;
            S5 ids::s5_of_a_group_with_a_taken_id_nothing_is_stored;
            S5 ids::s5_one_of_equal_ids_wins_a_race;
            S5 ids::s5_erased_ids_are_refused;
            S6 grouped::s6_a_group_stops_at_its_first_failure;
            S6 grouped::s6_groups_do_not_affect_each_other;
            S6 grouped::s6_groups_are_stored_as_prefixes;
            S7 read::s7_reads_give_the_bytes_in_order;
            S7 read::s7_an_unknown_stream_is_empty;
            S7 read::s7_appends_leave_no_gaps;
            S7 read::s7_readers_beside_writers_see_no_gaps;
            S8 read::s8_reads_keep_their_bounds;
            S9 read::s9_buffers_are_not_shared;
            S10 cancel::s10_dropped_appends_happen_wholly_or_not;
            S10 cancel::s10_dropped_batches_store_prefixes;
            S10 cancel::s10_dropped_reads_hinder_nobody;
            S10 cancel::s10_dropped_checkpoints_are_kept_or_not;
            S11 names::s11_streams_are_told_apart;
            S11 names::s11_limits_come_back_as_given;
            S12 delete::s12_a_deleted_stream_is_unknown;
            S12 delete::s12_deleting_nothing_succeeds;
            S13 grouped::s13_heads_are_answered_in_order;
            S13 grouped::s13_look_ups_are_not_older_than_heads;
            S14 grouped::s14_loads_are_answered_in_order_and_cut;
            S14 grouped::s14_loads_begin_after_the_snapshot;
            S14 grouped::s14_loads_begin_above_the_floor;
            N1 snapshots::n1_older_snapshots_do_not_replace_newer;
            N2 snapshots::n2_the_newest_of_the_very_schema_is_given;
            N3 snapshots::n3_deleted_snapshots_stay_away;
            N4 snapshots::n4_streams_do_not_affect_each_other;
            E1 erase::e1_a_tombstone_moves_the_floor;
            E2 erase::e2_the_old_life_is_read_and_not_loaded;
            E3 erase::e3_erased_payloads_are_gone;
            E4 erase::e4_versions_are_not_given_again;
            E5 erase::e5_kept_rows_stay_in_the_log;
            E6 erase::e6_the_tombstone_stays_in_the_log;
            L1 log::l1_the_order_is_total_and_stable;
            L2 log_held::l2_late_commits_are_not_skipped;
            L2 log_follow::l2_followers_miss_nothing;
            L2 log_follow::l2_followers_miss_nothing_beside_forgets;
            L2 log_follow::l2_a_position_beyond_the_end_is_refused;
            L3 log::l3_streams_come_in_version_order;
            L4 log_held::l4_younger_writes_hold_nobody_back;
            L4 log_held::l4_readers_wait_no_longer_than_the_blocker;
            L4 log_follow::l4_answered_appends_are_given;
            L5 log_held::l5_rolled_back_appends_are_not_given;
            L5 log::l5_refused_appends_are_not_given;
            L6 log::l6_pages_obey_their_limits;
            L6 log::l6_pages_obey_their_filters;
            L7 log::l7_positions_are_those_that_appends_answered;
            W1 writer::w1_a_held_lease_is_refused;
            W2 writer::w2_a_dropped_lease_is_free;
            W3 writer::w3_a_lost_lease_says_so_first;
            C1 checkpoints::c1_what_was_put_last_is_given;
            C2 checkpoints::c2_each_claim_raises_the_fence;
            C2 checkpoints::c2_claims_at_once_have_fences_of_their_own;
            C3 checkpoints::c3_other_fences_are_refused;
            C3 checkpoints::c3_a_put_is_before_the_claim_or_refused;
            C4 checkpoints::c4_positions_may_go_back;
            C5 checkpoints::c5_a_removed_reader_keeps_its_fence;
            C6 checkpoints::c6_readers_are_told_apart;
            G1 leases::g1_a_held_lease_is_refused;
            G2 leases::g2_a_lease_ends_with_its_time;
            G3 leases::g3_other_tokens_are_refused;
            G4 leases::g4_a_renewal_keeps_it;
            G5 leases::g5_held_goes_by_the_prefix;
            P1 parking::p1_what_was_parked_is_given;
            P2 parking::p2_parked_events_come_in_order;
            P3 parking::p3_unpark_removes_that_event_alone;
            T1 transactions::t1_a_commit_keeps_all;
            T1 transactions::t1_a_dropped_transaction_leaves_nothing;
            T2 transactions::t2_moves_are_for_the_owner;
            T2 transactions::t2_one_of_many_moves_is_kept;
            T2 transactions::t2_a_claim_does_not_come_between;
            T3 transactions::t3_a_dropped_commit_is_whole_or_nothing;
            S1 handles::s1_of_two_handles_one_append_wins another;
            S1 handles::s1_versions_taken_elsewhere_conflict another;
            S2 handles::s2_an_answer_is_visible_elsewhere another;
            S5 handles::s5_ids_taken_elsewhere_are_refused another;
            S5 handles::s5_of_two_handles_one_equal_id_wins another;
            S12 handles::s12_a_stream_deleted_elsewhere_is_unknown another;
            N3 handles::n3_snapshots_deleted_elsewhere_stay_away another;
            E3 handles::e3_what_is_erased_elsewhere_is_gone another;
            L2 handles::l2_followers_on_two_handles_miss_nothing another;
            W1 handles::w1_a_lease_held_elsewhere_is_refused another;
            C2 handles::c2_claims_on_two_handles_have_fences_of_their_own another;
            C3 handles::c3_a_reader_claimed_elsewhere_is_lost another;
            G1 leases::g1_a_lease_of_another_handle_is_refused another;
            P1 parking::p1_what_was_parked_elsewhere_is_given another;
            T2 transactions::t2_of_two_handles_one_move_is_kept another;
        }
    };
}

/// Makes one test of each law, named after it, for the store of a [`StoreFixture`](crate::conformance::StoreFixture).
///
/// The argument is an expression that makes the fixture; each test makes its own. See
/// [`conformance`](crate::conformance) for an example.
#[macro_export]
macro_rules! store_conformance {
    ($fixture:expr) => {
        $crate::__store_checks! { [$crate::__tests] ($crate::conformance::assert_kept, $fixture) }
    };
}

crate::__store_checks! { [table] () }
